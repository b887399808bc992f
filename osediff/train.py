"""Trains one OSEDiff variant (Algorithm 1): generator step, then regulariser step, on random pairs.

Killed at any moment, the same command continues from the last saved state to the same weights: every random draw of a
step comes from (seed, step) alone, and a state made by other settings, data or code is not taken up.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import shutil
from pathlib import Path
from typing import Any

import diffusers
import peft
import torch
import transformers
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from contracts.errors import InputError, run
from contracts.files import lock, sha256, write_json
from osediff import backbone as backbones
from osediff import checkpoints
from osediff.data import TrainingPairs
from osediff.generator import Generator
from osediff.objective import Objective, adapted

Recipe = dict[str, Any]
LOG_EVERY = 10


def optimizer(parameters: dict[str, nn.Parameter], recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with the released code's settings (betas 0.9 and 0.999, weight decay 0.01)."""
    return torch.optim.AdamW(list(parameters.values()), lr=recipe["learning_rate"], weight_decay=1e-2)


def learning_rate(recipe: Recipe, step: int) -> float:
    """The rate of ``step``: constant, as the paper's, or falling to zero along half a cosine."""
    if recipe["schedule"] == "constant":
        return float(recipe["learning_rate"])
    return float(recipe["learning_rate"]) * 0.5 * (1 + math.cos(math.pi * step / recipe["steps"]))


def apply_gradients(optimizer: torch.optim.Optimizer, parameters: dict[str, nn.Parameter], rate: float) -> float:
    """Clips the gradient's norm to 1, steps at ``rate``, clears; returns the norm before clipping."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    norm = nn.utils.clip_grad_norm_(list(parameters.values()), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(norm)


def train(recipe: Recipe, photos: Path, backbone_folder: Path, seed: int, out: Path, device: str) -> None:
    """Trains the variant that ``recipe`` describes and leaves its checkpoint in ``out`` (see osediff.checkpoints)."""
    state_folder = out / "state"
    settings = {
        "recipe": recipe,
        "seed": seed,
        "photos": checkpoints.folder_hash(photos),
        "backbone": checkpoints.folder_hash(backbone_folder),
        "code": checkpoints.folder_hash(Path(__file__).parent),
        "threads": torch.get_num_threads(),
    }
    torch.manual_seed(seed)
    backbone = backbones.load(backbone_folder).to(device)
    generator = Generator(backbone, recipe, adapted(recipe["loss"]))
    objective = Objective(generator, recipe["loss"])
    # The null prompt (Table 4) is one embedding for all pairs; the negative prompt serves the teacher only.
    null, negative = backbone.embed(["", recipe["loss"]["regulariser"].get("negative_prompt", "")]).chunk(2)

    trained = generator.parameters()
    parts: dict[str, Any] = {"generator": checkpoints.Tensors(trained), "optimizer": optimizer(trained, recipe)}
    if objective.regulariser:
        own = objective.regulariser.parameters()
        parts["regulariser"] = checkpoints.Tensors(own | objective.regulariser.buffers())
        parts["regulariser_optimizer"] = optimizer(own, recipe)

    state, log_file = state_folder / "state.pt", state_folder / "log.jsonl"
    first = checkpoints.load_state(state, parts, settings) if state.exists() else 0
    log = checkpoints.open_log(log_file, first)
    batch, steps = recipe["batch"], recipe["steps"]
    pairs = TrainingPairs(photos, recipe, seed, steps * batch)
    loader = DataLoader(pairs, batch_size=batch, sampler=range(first * batch, steps * batch))
    progress = tqdm(loader, initial=first, total=steps, desc="training", unit="step")
    for step, (lq, hq) in enumerate(progress, start=first):
        lq, hq = lq.to(device), hq.to(device)
        random, rate = torch.Generator().manual_seed((seed << 32) + step), learning_rate(recipe, step)
        text = null.expand(len(lq), -1, -1)
        loss, terms, subject = objective.generator_loss(lq, hq, text, negative.expand(len(lq), -1, -1), random)
        loss.backward()
        norms = {"generator_gradient": apply_gradients(parts["optimizer"], trained, rate)}
        own_terms = objective.regulariser_loss(subject, hq, text, random)
        if own_terms:
            (own_loss,) = own_terms.values()
            own_loss.backward()
            norms["regulariser_gradient"] = apply_gradients(parts["regulariser_optimizer"], own, rate)
            terms |= own_terms

        numbers = {name: float(value.detach()) for name, value in terms.items()} | norms
        bad = [name for name, value in numbers.items() if value != value or abs(value) == float("inf")]
        if bad:
            raise InputError(f"{out}: {bad[0]} is not finite at step {step}; last good state: {state}")
        progress.set_postfix({name: f"{value:.3g}" for name, value in numbers.items()}, refresh=False)
        if (step + 1) % LOG_EVERY == 0:
            log.write(json.dumps({"step": step + 1, **numbers}) + "\n")
        if (step + 1) % recipe["checkpoint_every"] == 0 or step + 1 == steps:
            log.flush()
            checkpoints.save_state(state, parts, settings, step + 1)
    log.close()

    checkpoints.save_adapters(out / "adapters.safetensors", trained)
    shutil.copyfile(log_file, out / "log.jsonl")
    write_json(out / "recipe.json", recipe)
    versions = {module.__name__: module.__version__ for module in (torch, diffusers, peft, transformers)}
    origin = {"backbone_source": backbones.source(backbone_folder)}
    made = {"device": device, "python": platform.python_version(), "versions": versions} | origin
    write_json(out / "provenance.json", settings | made | {"adapters": sha256(out / "adapters.safetensors")})
    shutil.rmtree(state_folder)


def main() -> None:
    """Command line: a variant's recipe, photographs and a backbone in; a checkpoint folder out."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--recipe", required=True, help="the variant, as JSON or the name of a JSON file")
    parser.add_argument("--photos", type=Path, required=True, help="folder of training photographs (8-bit RGB)")
    parser.add_argument("--backbone", type=Path, required=True, help="backbone folder in diffusers' layout")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads; the weights depend on their number")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = checkpoints.read_recipe(args.recipe)
    with lock(args.out / "state" / "lock"):
        train(recipe, args.photos, args.backbone, args.seed, args.out, args.device)


if __name__ == "__main__":
    run(main)
