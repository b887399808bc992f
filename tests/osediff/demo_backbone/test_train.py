"""Pretraining ends in a backbone that loads, and continues where it was stopped."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from osediff.common.errors import InputError
from osediff.common.validation import dump_yaml
from osediff.demo_backbone import losses, stages
from osediff.demo_backbone.stages import new_backbone, rate_factor
from osediff.demo_backbone.train import main
from osediff.models import backbone as backbones
from tests.osediff.demo_backbone.tiny_recipe import RECIPE, SPEC, trained
from tests.osediff.tiny import DEGRADATION_CONTENT


@pytest.mark.slow
def test_stages_train_what_they_say_and_a_stopped_run_ends_the_same(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(photos, tmp_path / "whole")
    real = losses.denoising_loss

    def dies_at_the_third_step(*args: Any) -> Tensor:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    calls: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(stages, "denoising_loss", dies_at_the_third_step)
        with pytest.raises(KeyboardInterrupt):
            trained(photos, tmp_path / "stopped")
    again = trained(photos, tmp_path / "stopped")
    for part in ("vae", "unet", "text_encoder"):
        for name, parameter in getattr(whole, part).state_dict().items():
            assert torch.equal(parameter, getattr(again, part).state_dict()[name]), name
    backbones.save(whole, tmp_path / "made")
    loaded = backbones.load(tmp_path / "made")
    assert loaded.vae.config.scaling_factor == pytest.approx(whole.vae.config.scaling_factor)
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        read, trained_mean = (model.vae.encode(image).latent_dist.mean for model in (loaded, whole))
        assert torch.allclose(read, trained_mean, atol=1e-6)  # another layout in memory, other order of sums
        assert torch.equal(loaded.embed(["lowres, art"]), whole.embed(["lowres, art"]))


@pytest.mark.slow
def test_a_state_of_another_recipe_stops_and_restart_sets_it_aside(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(seed: int, *more: str) -> None:
        recipe = RECIPE | {"seed": seed}
        spec = tmp_path / "spec.yaml"
        spec.write_text(dump_yaml({"recipe": recipe, "degradation": DEGRADATION_CONTENT}), encoding="utf-8")
        arguments = ["--photos", str(photos), "--spec", str(spec), "--out"]
        monkeypatch.setattr("sys.argv", ["train", *arguments, str(tmp_path / "out"), *more])
        main()

    command(0)
    before = (tmp_path / "out-state" / "state-0.pt").read_bytes()
    with pytest.raises(InputError, match=r"recipe.seed was 0, is 1\); --restart starts afresh"):
        command(1)
    assert (tmp_path / "out-state" / "state-0.pt").read_bytes() == before
    command(1, "--restart")
    assert (tmp_path / "out-state-1" / "state-0.pt").read_bytes() == before
    assert (tmp_path / "out-state" / "state-0.pt").read_bytes() != before


def test_the_log_names_stage_and_step(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "LOG_EVERY", 2)
    trained(photos, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    steps = [(row["stage"], row["step"]) for row in rows]
    assert steps == [("autoencoder", 2), ("autoencoder", 4), ("denoiser", 2), ("denoiser", 4)]
    assert all(math.isfinite(row["loss"]) for row in rows)


def test_a_new_encoder_is_sure_of_its_latents() -> None:
    posterior = new_backbone(SPEC.recipe).vae.encode(torch.rand(1, 3, 16, 16)).latent_dist
    assert posterior.std.max().item() < 0.15


def test_the_rate_rises_stays_and_falls_to_nearly_nothing() -> None:
    factors = [rate_factor(step, 1000) for step in range(1000)]
    assert factors[0] == pytest.approx(0.02)
    assert set(factors[49:600]) == {1.0}
    assert factors[800] == pytest.approx(0.5)
    assert factors[999] == pytest.approx(0.01)
