"""One step's losses and gradients against numbers that the official training script gave.

The fixture was made by tools/official/fixture.py from cswry/OSEDiff at fcc4f09: in float32, and with the script's
``mixed_precision`` bf16 (which a CPU has; fp16 is the same code with another half precision).
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from osediff.losses.objective import Objective
from osediff.models.generator import Generator
from osediff.recipe import LoraScope
from tests.osediff import closed_form
from tools.official.sides.our_training import Given, gradients, parameters_of

NUMBERS = json.loads((Path(__file__).parent / "fixtures" / "official_step.json").read_text())


def step(
    trains: LoraScope, recomputing: bool = False, autocast: bool = False, half_teacher: bool = False
) -> tuple[dict[str, float], dict[str, list[float]], dict[str, int]]:
    """Losses, gradients (``closed_form.summary``) and sizes of the parameters of a generator and a regularizer step."""
    recipe, batch = closed_form.recipe(trains), closed_form.batch()
    backbone = closed_form.backbone()
    teacher = copy.deepcopy(backbone.unet).to(torch.bfloat16) if half_teacher else None
    generator = Generator(backbone, recipe, trains)
    parameters = parameters_of(generator)
    for name, weight in closed_form.weights(parameters).items():
        parameters[name].data.copy_(weight)
    if recomputing:
        generator.checkpoint_gradients()
    objective = Objective(generator, recipe.loss, teacher)
    rng = Given(batch["normals"], batch["timesteps"])
    text, negative_embeds = batch["embeddings"]["text"], batch["embeddings"]["negative"]
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss, terms, critic_input = objective.generator_loss(batch["lq"], batch["hq"], text, negative_embeds, rng)
    torch.autograd.backward(loss)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        critic = objective.regularizer_loss(critic_input, batch["hq"], text, rng)
    torch.autograd.backward(critic["diffusion"])
    losses = {name: float(value.detach()) for name, value in (terms | critic).items()}
    return losses, closed_form.summary(gradients(parameters)), {name: p.numel() for name, p in parameters.items()}


@pytest.mark.parametrize("recomputing", [False, True])
@pytest.mark.parametrize("trains", ["all", "mid-block"])
def test_losses_and_gradients_are_those_of_the_official_script(trains: LoraScope, recomputing: bool) -> None:
    losses, measured, sizes = step(trains, recomputing)
    expected = NUMBERS[trains]
    for name in ("mse", "vsd", "diffusion"):
        assert losses[name] == pytest.approx(expected["losses"][name], rel=1e-5), name
    assert measured.keys() == expected["gradients"].keys()
    for name, (norm, product) in expected["gradients"].items():
        size = sizes[name] ** 0.5  # of the vector that the product is taken with
        assert measured[name][0] == pytest.approx(norm, rel=1e-4), name
        assert measured[name][1] == pytest.approx(product, abs=1e-4 * norm * size), name


def distance(measured: dict[str, list[float]], expected: dict[str, list[float]], part: str) -> float:
    """Difference of the gradients whose names contain ``part``, as a share of the expected ones."""
    names = [name for name in expected if part in name]
    off = sum((a - b) ** 2 for name in names for a, b in zip(measured[name], expected[name], strict=True))
    return float((off / sum(value**2 for name in names for value in expected[name])) ** 0.5)


def test_the_official_precision_is_that_of_the_official_script() -> None:
    """Roundings of the generator differ a little; the regularizer, in float32 on both sides, does not."""
    expected = NUMBERS["mid-block, bf16"]
    losses, official, _ = step("mid-block", autocast=True, half_teacher=True)
    _, full, _ = step("mid-block")
    for part in ("vae.", "unet."):
        assert distance(official, expected["gradients"], part) < 0.5 * distance(full, expected["gradients"], part)
    assert distance(official, expected["gradients"], ".regularizer.") < 0.02
    for name in ("mse", "vsd", "diffusion"):
        assert losses[name] == pytest.approx(expected["losses"][name], rel=0.01), name


def test_in_the_official_precision_the_teacher_is_in_half_and_the_regularizer_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[torch.dtype, bool]] = []
    forward = UNet2DConditionModel.forward

    def watched(self: UNet2DConditionModel, sample: torch.Tensor, *rest: object, **options: object) -> object:
        seen.append((self.dtype, torch.is_autocast_enabled("cpu")))
        return forward(self, sample, *rest, **options)

    monkeypatch.setattr(UNet2DConditionModel, "forward", watched)
    step("mid-block", autocast=True, half_teacher=True)
    generator, full, half = (torch.float32, True), (torch.float32, False), (torch.bfloat16, False)
    assert seen == [generator, full, half, full], "generator, regularizer, teacher; then the regularizer's own loss"
