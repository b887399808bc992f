"""Train one OSEDiff variant: spec, photographs and a backbone in, a checkpoint folder out.

    python -m osediff.train --spec FILE.yaml --photos DIR --backbone DIR --out DIR

Killed at any moment, the same command continues to the same weights. A saved state that belongs to other settings, data
or code stops the command with a line that says what differs; ``--restart`` sets it aside. ``batch`` of a recipe is what
one step sees, however it is spread: ``compute.micro_batch`` of the spec says how many samples are computed at once, and
``torchrun --nproc_per_node N -m osediff.train ...`` shares them among N devices.

``outcome.json`` says how the training ended. Where a loss is not finite or too large, the adapters are those of the
last good state and the exit code is 2, or 0 with ``--divergence record``: a result like any other.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from osediff.common.command_line import add_place
from osediff.common.errors import InputError, run
from osediff.common.files import lock, read_json
from osediff.common.memory import keep_freed_memory
from osediff.common.settings import parse, read
from osediff.common.shipped import find_model
from osediff.data.photo_list import open_photos
from osediff.models.backbone_folder import check_parts
from osediff.recipe import TrainingSpec


def add_options(parser: argparse.ArgumentParser, named: bool = True) -> None:
    """Add the options; the folders have names (``--photos``), or only their positions, as in ``osediff train``."""
    add_place(parser, "photos", named, "folder with the training photographs, at any depth")
    add_place(parser, "out", named, "checkpoint folder")
    parser.add_argument(
        "--spec", type=Path, help="YAML file (osediff.recipe.TrainingSpec; default: recipe of the shipped checkpoint)"
    )
    parser.add_argument("--photo-list", type=Path, help="their list, by osediff.data.photo_list; null: made now")
    parser.add_argument(
        "--backbone",
        help="folder in diffusers' layout, or name of a shipped one (default: the shipped demo)",
    )
    parser.add_argument("--prompts", type=Path, help="of this training stream, by osediff.prompts.extract")
    parser.add_argument("--divergence", choices=["error", "record"], default="error", help="how it ends the command")
    parser.add_argument(
        "--restart",
        nargs="?",
        choices=["always", "if-changed"],
        const="always",
        default="never",
        help="start afresh; if-changed: only where the saved state does not fit. The old state is set aside",
    )


def read_spec(path: Path | None) -> TrainingSpec:
    """Read the spec at ``path``; None: the recipe of the shipped checkpoint, on this machine's CPU."""
    if path is not None:
        return read(path, TrainingSpec)
    recipe = find_model("checkpoints", None) / "recipe.json"
    return parse({"recipe": read_json(recipe)}, TrainingSpec, str(recipe))


def execute(args: argparse.Namespace) -> None:
    """Train, and report a training that did not converge."""
    spec, backbone = read_spec(args.spec), find_model("backbones", args.backbone)
    with ExitStack() as stack:
        main_process = os.environ.get("RANK", "0") == "0"
        if main_process:  # of accelerate's processes, one holds the lock for all
            stack.enter_context(lock(args.out / ".lock"))
        photos = open_photos(args.photos, args.photo_list)
        check_parts(backbone)
        if main_process:
            steps = f"{spec.recipe.steps} steps of batch {spec.recipe.batch}"
            print(f"training {args.out}: {steps} on {len(photos.photos)} photographs", file=sys.stderr, flush=True)

        # These imports take seconds, so they come after everything that can be said and checked without them.
        import torch

        from osediff.training.run_folder import RunFolder
        from osediff.training.train import train

        keep_freed_memory()
        if spec.threads:
            torch.set_num_threads(spec.threads)
        folder = RunFolder(spec, photos, backbone, args.out, args.prompts, args.restart)
        outcome = train(spec, folder, folder.prompts)
    if outcome.last_good is not None:  # of several processes, the main one reports
        line = f"{args.out}: {outcome}"
        if args.divergence == "error":
            raise InputError(f"{line}; adapters.safetensors is of step {outcome.last_good}")
        print(line, file=sys.stderr)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    execute(parser.parse_args())


if __name__ == "__main__":
    run(main)
