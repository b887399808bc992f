r"""Numbers of one step of the official training script on a tiny network in closed form, for the tests.

    python -m tools.official.fixture --official CHECKOUT --work DIR \
        --out tests/osediff/losses/fixtures/official_step.json

CHECKOUT is a clone of cswry/OSEDiff. ``lpips`` has to be installed, since the script imports it; its weight is 0 here.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from osediff.common.files import write_text
from osediff.models import backbone as backbones
from osediff.models.generator import Generator
from osediff.recipe import LoraScope
from tests.osediff import closed_form
from tools.official.sides import training_sides
from tools.official.sides.official_format import official_name
from tools.official.sides.our_training import parameters_of

# The step's name in the file, the layers that the regularizer trains, and mixed_precision of the script.
STEPS: dict[str, tuple[LoraScope, str]] = {
    "all": ("all", "no"),
    "mid-block": ("mid-block", "no"),
    "mid-block, bf16": ("mid-block", "bf16"),
}


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--official", type=Path, required=True, help="checkout of cswry/OSEDiff")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    folder = args.work / "closed_form"
    backbones.save(closed_form.backbone(), folder)
    steps = {}
    for name, (trains, precision) in STEPS.items():
        parameters = parameters_of(Generator(closed_form.backbone(), closed_form.recipe(trains), trains))
        weights = closed_form.weights(parameters)
        given = closed_form.batch() | {
            "trains": trains,
            "recipe": closed_form.recipe(trains).model_dump(mode="json"),
            "learning_rate": 5e-5,
            "weights": weights,
            "official": training_sides.to_official_names(weights),
            "prompts": ["a", "b"],
            "negative_prompt": "c",
            "gradients": True,
        }
        torch.save(given, args.work / "given.pt")
        paths = {"backbone": folder, "given": args.work / "given.pt", "official": args.official}
        theirs = training_sides.run("official", args.work, "official", **paths, precision=precision)
        gradients = {key: theirs["gradients"][training_sides.network(key)][official_name(key)] for key in weights}
        losses = {
            term: theirs["losses"][0][official_term] for term, (official_term, _) in training_sides.LOSSES.items()
        }
        steps[name] = {"losses": losses, "gradients": closed_form.summary(gradients)}
    source = "cswry/OSEDiff, its train_osediff.py run by tools/official/fixture.py"
    write_text(args.out, json.dumps({"source": source, "torch": torch.__version__, **steps}) + "\n")


if __name__ == "__main__":
    main()
