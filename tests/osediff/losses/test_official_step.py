"""One step's losses and gradients against numbers that the official training script gave.

The fixture was made by tools/official/fixture.py from cswry/OSEDiff at fcc4f09, in float32.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from osediff.losses.objective import Objective
from osediff.models.generator import Generator
from osediff.recipe import LoraScope
from tests.osediff import closed_form
from tools.official.sides.our_training import Given, gradients, parameters_of

NUMBERS = json.loads((Path(__file__).parent / "fixtures" / "official_step.json").read_text())


@pytest.mark.parametrize("recomputing", [False, True])
@pytest.mark.parametrize("trains", ["all", "mid-block"])
def test_losses_and_gradients_are_those_of_the_official_script(trains: LoraScope, recomputing: bool) -> None:
    recipe, batch = closed_form.recipe(trains), closed_form.batch()
    generator = Generator(closed_form.backbone(), recipe, trains)
    parameters = parameters_of(generator)
    for name, weight in closed_form.weights(parameters).items():
        parameters[name].data.copy_(weight)
    if recomputing:
        generator.checkpoint_gradients()
    objective = Objective(generator, recipe.loss)
    rng = Given(batch["normals"], batch["timesteps"])
    text, negative_embeds = batch["embeddings"]["text"], batch["embeddings"]["negative"]
    loss, terms, critic_input = objective.generator_loss(batch["lq"], batch["hq"], text, negative_embeds, rng)
    torch.autograd.backward(loss)
    critic = objective.regularizer_loss(critic_input, batch["hq"], text, rng)
    torch.autograd.backward(critic["diffusion"])

    expected = NUMBERS[trains]
    terms |= critic
    for name in ("mse", "vsd", "diffusion"):
        assert terms[name].item() == pytest.approx(expected["losses"][name], rel=1e-5), name
    measured = closed_form.summary(gradients(parameters))
    assert measured.keys() == expected["gradients"].keys()
    for name, (norm, product) in expected["gradients"].items():
        size = parameters[name].numel() ** 0.5  # of the vector that the product is taken with
        assert measured[name][0] == pytest.approx(norm, rel=1e-4), name
        assert measured[name][1] == pytest.approx(product, abs=1e-4 * norm * size), name


def test_closed_form_does_not_depend_on_random_numbers() -> None:
    first = closed_form.backbone().unet.state_dict()
    torch.manual_seed(77)
    assert all(torch.equal(first[name], weight) for name, weight in closed_form.backbone().unet.state_dict().items())
