"""Our training step in a process of its own, on what tools/official/sides/official_training.py is given too.

python -m tools.official.sides.our_training --backbone DIR --given FILE --out FILE --steps 1
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from osediff.common.memory import keep_freed_memory
from osediff.common.settings import parse
from osediff.losses.objective import Objective, regularizer_scope
from osediff.models import backbone as backbones
from osediff.models.adapter_names import REGULARIZER
from osediff.models.generator import PRECISIONS, Generator
from osediff.models.lora import lora_parameters
from osediff.models.sample_rng import SampleRNG
from osediff.recipe import Compute, Recipe, TrainingSpec
from osediff.training.distributed import make_accelerator
from osediff.training.optimization import OptimizerState
from tools.official.sides.serving import peak


class Given(SampleRNG):
    """SampleRNG that are given: normal numbers and integers, each in their order."""

    def __init__(self, normals: list[Tensor], integers: list[Tensor]) -> None:
        self.normals, self.numbers = iter(normals), iter(integers)

    def normal(self, like: Tensor) -> Tensor:
        """Return the next given normal numbers, on the device of ``like``."""
        return next(self.normals).to(like)

    def integers(self, low: int, high: int) -> Tensor:
        """Return the next given integers."""
        return next(self.numbers)


def prepare(given: dict[str, Any], backbone: Path, spec: TrainingSpec) -> Objective:
    """The objective on that backbone, its adapters at the given weights."""
    recipe = spec.recipe
    model = backbones.load(backbone).to("cpu", PRECISIONS[spec.weights_precision])
    teacher = copy.deepcopy(model.unet).to(PRECISIONS[spec.official_half]) if spec.official_half else None
    generator = Generator(model, recipe, regularizer_scope(recipe.loss))
    objective = Objective(generator, recipe.loss, teacher)
    for name, parameter in parameters_of(generator).items():
        parameter.data.copy_(given["weights"][name])
    return objective


def parameters_of(generator: Generator) -> dict[str, torch.nn.Parameter]:
    """Return the parameters that a step with VSD trains: the generator's, and the regularizer's LoRA."""
    regularizer = lora_parameters(generator.backbone.unet, REGULARIZER)
    return generator.parameters() | {f"unet.{name}": p for name, p in regularizer.items()}


def gradients(parameters: Mapping[str, torch.nn.Parameter]) -> dict[str, Tensor]:
    """Return the gradients by name."""
    return {name: p.grad.clone() for name, p in parameters.items() if p.grad is not None}


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--given", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--precision", choices=["fp32", "bf16", "official-bf16"], default="fp32")
    parser.add_argument("--gradient-checkpointing", action="store_true")
    args = parser.parse_args()
    keep_freed_memory()  # as the command does
    torch.set_num_threads(args.threads)
    given = torch.load(args.given, weights_only=True)
    official = args.precision.startswith("official")
    change = {"learning_rate": given["learning_rate"], "precision": args.precision if official else "compute"}
    recipe = parse(given["recipe"] | change, Recipe, "given")
    spec = TrainingSpec(recipe=recipe, compute=Compute(precision="fp32" if official else args.precision))
    objective = prepare(given, args.backbone, spec)
    generator = objective.generator
    if args.gradient_checkpointing:
        generator.checkpoint_gradients()
    accelerator = make_accelerator("cpu", spec.mixed_precision, recipe.batch)
    embeddings = given.get("embeddings")
    if embeddings is None:  # of the whole training, before it begins
        stacked = generator.backbone.embed([*given["prompts"], given["negative_prompt"]])
        embeddings = {"text": stacked[:-1], "negative": stacked[-1:].expand(len(stacked) - 1, -1, -1)}
    generator.backbone.text_encoder = None
    text, negative_embeds = embeddings["text"], embeddings["negative"]
    trained = OptimizerState(generator.parameters(), recipe, accelerator)
    assert objective.regularizer is not None
    regularizer = OptimizerState(objective.regularizer.parameters(), recipe, accelerator)
    lq, hq = given["lq"], given["hq"]
    losses, first_gradients, times = [], {}, [(time.perf_counter(), time.process_time())]
    for step in range(args.steps):
        rng = Given(given["normals"], given["timesteps"])
        with accelerator.autocast():
            loss, terms, critic_input = objective.generator_loss(lq, hq, text, negative_embeds, rng)
        trained.backward(loss)
        if step == 0 and "gradients" in given:
            first_gradients = gradients(trained.parameters)
        trained.step(recipe.learning_rate)
        with accelerator.autocast():
            terms |= objective.regularizer_loss(critic_input, hq, text, rng)
        regularizer.backward(terms["diffusion"])
        if step == 0 and "gradients" in given:
            first_gradients |= gradients(regularizer.parameters)
        regularizer.step(recipe.learning_rate)
        losses.append({name: float(value.detach()) for name, value in terms.items()})
        times.append((time.perf_counter(), time.process_time()))
    torch.save({"losses": losses, "gradients": first_gradients, "times": times, "peak": peak()}, args.out)


if __name__ == "__main__":
    main()
