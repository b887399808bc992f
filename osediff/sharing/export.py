"""Write a trained model as a folder for diffusers, with a model card.

osediff export OUT --checkpoint my-checkpoint --backbone sd21 --results restored.csv --license openrail++
"""

from __future__ import annotations

import argparse
from pathlib import Path

from osediff.common.command_line import add_place
from osediff.loading import load_trained


def add_options(parser: argparse.ArgumentParser, named: bool = True) -> None:
    """Add the options."""
    add_place(parser, "out", named, "folder to write")
    parser.add_argument("--checkpoint", help="folder, or name of a shipped one (default: the shipped demo)")
    parser.add_argument("--backbone", help="folder, or name of a shipped one (default: the shipped demo)")
    parser.add_argument("--results", type=Path, nargs="*", default=[], help="files of `osediff evaluate`, for the card")
    parser.add_argument("--license", default="", help="of the weights, as the hub spells it (default: not stated)")


def execute(args: argparse.Namespace) -> None:
    """Load the model and write the folder."""
    model = load_trained(args.checkpoint, args.backbone)
    model.save_pretrained(args.out, args.results, args.license)
    print(f"{args.out}: written; diffusers executes its pipeline.py, for those who trust it")
