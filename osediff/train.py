"""Trains one OSEDiff variant (Algorithm 1): generator step, then regularizer step, on random pairs.

Killed at any moment, the same command continues from the last saved state to the same weights: every random draw of a
sample comes from (seed, number of the sample) alone, and a state made by other settings, data or code is not taken up.
``batch`` of a recipe is what one step sees, however it is spread: ``--micro-batch`` says how many samples are computed
at once, and ``torchrun --nproc_per_node N -m osediff.train ...`` shares them among N devices.

A checkpoint folder says in ``outcome.json`` how the training ended: ``{"converged": true, "steps": n}``, or false with
the step, the reason and the photographs of the batch, where a loss was not finite or above ``BOUND``. The adapters are
those of the last good state then, and the exit code is 2, or 0 with ``--divergence record``: a result like any other.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import diffusers
import peft
import torch
import transformers
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from osediff.common.errors import InputError, run
from osediff.common.files import lock, sha256, write_json
from osediff.data.pairs import TrainingPairs
from osediff.losses.objective import Objective, regularizer_scope
from osediff.models import backbone as backbones
from osediff.models.generator import PRECISIONS, Generator
from osediff.prompts import read, read_stream, stream
from osediff.training import checkpoint as checkpoints
from osediff.training.distributed import OptimizerState, Options, make_accelerator, memory, micro_batch, share
from osediff.training.sample_rng import SampleRNG
from osediff.training.validation import PAIRS, Validation

Recipe = dict[str, Any]
LOG_EVERY = 10
BOUND = 1e3  # of a loss term or a validation distance; they are of the order of 1


def learning_rate(recipe: Recipe, step: int) -> float:
    """The rate of ``step``: constant, as the paper's, or falling to zero along half a cosine."""
    if recipe["schedule"] == "constant":
        return float(recipe["learning_rate"])
    return float(recipe["learning_rate"]) * 0.5 * (1 + math.cos(math.pi * step / recipe["steps"]))


def train(
    recipe: Recipe,
    photos: Path,
    backbone_folder: Path,
    seed: int,
    out: Path,
    options: Options | None = None,
    prompts: Path | None = None,
) -> dict[str, Any]:
    """Trains the variant that ``recipe`` describes and leaves its checkpoint in ``out`` (see osediff.training.checkpoint).

    ``prompts``: a file of osediff.prompts for this training stream; every prompt is empty without. Returns the outcome,
    as in ``outcome.json``.
    """
    options = options or Options()
    accelerator = make_accelerator(options, recipe)
    device, state_folder = accelerator.device, out / "state"
    settings = {
        "recipe": recipe,
        "seed": seed,
        "photos": (of_photos := checkpoints.folder_hash(photos)),
        "backbone": checkpoints.folder_hash(backbone_folder),
        "code": checkpoints.folder_hash(Path(__file__).parent),
        "threads": torch.get_num_threads(),
        "processes": accelerator.num_processes,
        "options": vars(options) | {"workers": None},
        "prompts": None,
    }
    told = [""] * (recipe["steps"] * recipe["batch"] + PAIRS)
    if prompts:
        told = read_stream(prompts, stream(recipe, seed, of_photos), len(told) - PAIRS, PAIRS)
        settings["prompts"] = read(prompts)["made_by"] | {"text": checkpoints.fingerprint(told)}
    torch.manual_seed(seed)
    backbone = backbones.load(backbone_folder).to(device, PRECISIONS[options.precision])
    generator = Generator(backbone, recipe, regularizer_scope(recipe["loss"]))
    if options.gradient_checkpointing:
        generator.checkpoint_gradients()
    objective = Objective(generator, recipe["loss"])
    texts = backbones.PromptEmbedder(backbone)
    negative_embeds = backbone.embed([recipe["loss"]["regularizer"].get("negative_prompt", "")])  # for the teacher only

    trained = OptimizerState(generator.parameters(), recipe, accelerator)
    parts: dict[str, Any] = {"generator": checkpoints.Tensors(trained.parameters), "optimizer": trained.optimizer}
    own: OptimizerState | None = None
    if objective.regularizer:
        own = OptimizerState(objective.regularizer.parameters(), recipe, accelerator)
        parts["regularizer"] = checkpoints.Tensors(own.parameters | objective.regularizer.buffers())
        parts["regularizer_optimizer"] = own.optimizer
    for name, each in (("scaler", trained), ("regularizer_scaler", own)):
        if each and each.scaler.is_enabled():
            parts[name] = each.scaler

    state, log_file = state_folder / "state.pt", state_folder / "log.jsonl"
    first = checkpoints.load_state(state, parts, settings) if state.exists() else 0
    main = accelerator.is_main_process
    log = checkpoints.open_log(log_file, first) if main else None
    board = board_of(out / "tensorboard", first) if main else None
    if main and first == 0:
        checkpoints.save_state(state, parts, settings, 0)
    batch, steps = recipe["batch"], recipe["steps"]
    micro = micro_batch(options, batch, accelerator)
    pairs = TrainingPairs(photos, recipe, seed, steps * batch)
    validation = Validation(photos, recipe, device) if main else None
    order = [n for step in range(first, steps) for n in share(step, batch, accelerator)]
    loader = iter(DataLoader(pairs, batch_size=micro, sampler=order, num_workers=options.workers))
    outcome: dict[str, Any] = {"converged": True, "steps": steps}
    progress = tqdm(range(first, steps), initial=first, total=steps, desc="training", unit="step", disable=not main)
    for step in progress:
        samples, rate = share(step, batch, accelerator), learning_rate(recipe, step)
        totals: dict[str, Tensor] = {}
        done = []
        for start in range(0, len(samples), micro):
            lq, hq = (part.to(device) for part in next(loader))
            part, weight = samples[start : start + micro], len(lq) / batch
            rng = SampleRNG([(seed << 32) + n for n in part])
            text, against = texts([told[n] for n in part]), negative_embeds.expand(len(lq), -1, -1)
            with accelerator.autocast():
                loss, terms, critic_input = objective.generator_loss(lq, hq, text, against, rng)
            trained.backward(loss * weight)
            add(totals, terms, weight)
            done.append((critic_input, hq, text, rng))
        norms = {"generator_gradient": trained.step(rate)}
        if own:
            for critic_input, hq, text, rng in done:
                with accelerator.autocast():
                    terms = objective.regularizer_loss(critic_input, hq, text, rng)
                own.backward(sum(terms.values(), torch.zeros((), device=device)) * (len(hq) / batch))
                add(totals, terms, len(hq) / batch)
            norms["regularizer_gradient"] = own.step(rate)

        numbers = {name: float(accelerator.reduce(value, "sum")) for name, value in totals.items()}
        reason = divergence(numbers if options.precision == "fp16" else numbers | norms, set(numbers))
        last = step + 1 == steps
        if validation and not reason and ((step + 1) % recipe["validate_every"] == 0 or last):
            with accelerator.autocast():
                measured, restored = validation.measure(objective, texts(told[-PAIRS:]))
            numbers |= measured
            reason = divergence(measured, set())
            validation.picture(restored, out / "samples" / f"{step + 1:06d}.png")
        if accelerator.num_processes > 1:  # only one of them validates, and all must end together
            (reason,) = broadcast_object_list([reason])
        numbers |= norms
        if log and board and (reason or (step + 1) % LOG_EVERY == 0 or "validation_psnr" in numbers):
            finite = {name: number if math.isfinite(number) else None for name, number in numbers.items()}
            ended = {"diverged": reason} if reason else {}
            log.write(json.dumps({"step": step + 1, "learning_rate": rate, **finite, **ended}) + "\n")
            for name, number in numbers.items():
                board.add_scalar(name, number, step + 1)
        if reason:
            names = [pairs.photo(n) for n in range(step * batch, (step + 1) * batch)]
            outcome = {"converged": False, "step": step, "reason": reason, "photos": names}
            break
        shown = {name: f"{number:.3g}" for name, number in numbers.items()}
        progress.set_postfix(shown | {"lr": f"{rate:.2g}", "memory": memory(device)}, refresh=False)
        if main and log and ((step + 1) % recipe["checkpoint_every"] == 0 or last):
            log.flush()
            checkpoints.save_state(state, parts, settings, step + 1)
    if main and log and board:
        log.close()
        board.close()
        if not outcome["converged"]:
            outcome["last_good"] = checkpoints.load_state(state, parts, settings)
        made = {
            "device": str(device),
            "python": platform.python_version(),
            "versions": versions(),
            "backbone_source": backbones.source(backbone_folder),
        }
        finish(out, state_folder, recipe, settings | made, trained.parameters, outcome)
    accelerator.wait_for_everyone()
    return outcome


def add(totals: dict[str, Tensor], terms: dict[str, Tensor], weight: float) -> None:
    """Adds ``terms`` to ``totals``, each times ``weight``."""
    for name, value in terms.items():
        totals[name] = totals.get(name, torch.zeros_like(value.detach())) + value.detach() * weight


def divergence(numbers: dict[str, float], bounded: set[str]) -> str:
    """What is wrong with ``numbers``, those in ``bounded`` also above BOUND; empty where nothing is."""
    for name, value in numbers.items():
        if not math.isfinite(value):
            return f"{name} is not finite"
        if name in bounded and abs(value) > BOUND:
            return f"{name} is {value:.3g}, above {BOUND:g}"
    return ""


def versions() -> dict[str, str]:
    """Versions of the libraries that decide the weights."""
    return {module.__name__: module.__version__ for module in (torch, diffusers, peft, transformers)}


def board_of(folder: Path, first: int) -> Any:
    """A TensorBoard writer that goes on after ``first`` steps."""
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder, purge_step=first)


def finish(
    out: Path, state: Path, recipe: Recipe, made: dict[str, Any], parameters: dict[str, nn.Parameter], outcome: Any
) -> None:
    """Writes the checkpoint folder; ``outcome.json`` comes last, and the training state goes."""
    checkpoints.save_adapters(out / "adapters.safetensors", parameters)
    shutil.copyfile(state / "log.jsonl", out / "log.jsonl")
    write_json(out / "recipe.json", recipe)
    write_json(out / "provenance.json", made | {"adapters": sha256(out / "adapters.safetensors")})
    write_json(out / "outcome.json", outcome)
    shutil.rmtree(state)


def main() -> None:
    """Command line: a variant's recipe, photographs and a backbone in; a checkpoint folder out."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--recipe", required=True, help="the variant, as JSON or the name of a JSON file")
    parser.add_argument("--photos", type=Path, required=True, help="folder of training photographs (8-bit RGB)")
    parser.add_argument("--backbone", type=Path, required=True, help="backbone folder in diffusers' layout")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder")
    parser.add_argument(
        "--prompts", type=Path, help="of this training stream, by osediff.prompts (default: empty ones)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads; the weights depend on their number")
    parser.add_argument("--precision", choices=list(PRECISIONS), default="fp32", help="of the frozen weights")
    parser.add_argument(
        "--micro-batch", type=int, default=None, help="samples at once on a device, at most (default: all)"
    )
    parser.add_argument("--gradient-checkpointing", action="store_true", help="less memory, more time")
    parser.add_argument("--workers", type=int, default=0, help="processes that degrade photographs")
    parser.add_argument("--divergence", choices=["error", "record"], default="error", help="how it ends the command")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = checkpoints.read_recipe(args.recipe)
    options = Options(args.device, args.precision, args.micro_batch, args.gradient_checkpointing, args.workers)
    with ExitStack() as stack:
        if os.environ.get("RANK", "0") == "0":  # of accelerate's processes, one holds the lock for all
            stack.enter_context(lock(args.out / "state" / "lock"))
        outcome = train(recipe, args.photos, args.backbone, args.seed, args.out, options, args.prompts)
    if "last_good" in outcome:  # of several processes, the main one says it
        line = f"{args.out}: did not converge: {outcome['reason']} at step {outcome['step']}"
        if args.divergence == "error":
            raise InputError(f"{line}; adapters.safetensors is of step {outcome['last_good']}")
        print(line, file=sys.stderr)


if __name__ == "__main__":
    run(main)
