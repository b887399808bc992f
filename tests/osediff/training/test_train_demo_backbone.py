"""Pretraining ends in a backbone that loads, continues where it was stopped, and names a photograph without caption."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from osediff.common.errors import InputError
from osediff.common.validation import dump_yaml
from osediff.models import backbone as backbones
from osediff.training import train_demo_backbone
from osediff.training.demo_photographs import draw_latents, encode_crops, load_photos
from osediff.training.muon import Muon, hidden_weights, orthogonalize
from osediff.training.train_demo_backbone import draw_timesteps, main, new_backbone, rate_factor, train_stage
from tests.osediff.tiny import DEGRADATION_CONTENT, TINY

STAGE = {"steps": 4, "batch": 2, "learning_rate": 1e-3, "hidden_learning_rate": 1e-2}
RECIPE: dict[str, Any] = {
    "seed": 0,
    "crop": 16,
    "degradation": DEGRADATION_CONTENT,
    "negative_prompt": "blurring, jpeg artifacts, lowres.",
    "captions": {f"photo{index}": "nothing, at all" for index in range(3)},
    "sizes": TINY,
    "checkpoint_every": 2,
    "stages": [
        STAGE
        | {"name": "autoencoder", "trains": "vae", "kl_weight": 1e-4, "color_weight": 1.0, "perceptual_weight": 1.0},
        STAGE
        | {
            "name": "denoiser",
            "trains": "unet",
            "crops": 12,
            "degraded_share": 0.5,
            "caption_dropout": 0.5,
            "late_share": 0.5,
        },
    ],
}


@pytest.fixture(autouse=True)
def _no_vgg(monkeypatch: pytest.MonkeyPatch) -> None:
    """The perceptual loss without its 59 MB of weights."""

    def distance(restored: Tensor, target: Tensor) -> Tensor:
        return (restored - target).square().mean()

    monkeypatch.setattr(train_demo_backbone, "load_lpips_vgg", lambda device: distance)


def trained(photos: Path, work: Path) -> backbones.Backbone:
    """A backbone after every stage of ``RECIPE``, with states in ``work``."""
    work.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    loaded = load_photos(photos, RECIPE)
    model = new_backbone(RECIPE)
    for number in range(len(RECIPE["stages"])):
        train_stage(number, model, loaded, RECIPE, work)
    return model


@pytest.mark.slow
def test_stages_train_what_they_say_and_a_stopped_run_ends_the_same(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(photos, tmp_path / "whole")
    real = train_demo_backbone.denoising_loss

    def dies_at_the_third_step(*args: Any) -> Tensor:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    calls: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(train_demo_backbone, "denoising_loss", dies_at_the_third_step)
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
        recipe = RECIPE | {"seed": seed, "degradation": "tiny"}
        spec = tmp_path / "spec.yaml"
        spec.write_text(dump_yaml({"recipe": recipe, "degradation": DEGRADATION_CONTENT}), encoding="utf-8")
        arguments = ["--photos", str(photos), "--spec", str(spec), "--out"]
        monkeypatch.setattr("sys.argv", ["train", *arguments, str(tmp_path / "out"), *more])
        main()

    command(0)
    before = (tmp_path / "out-state" / "state-0.pt").read_bytes()
    with pytest.raises(InputError, match=r"seed was 0, is 1\); --restart starts afresh"):
        command(1)
    assert (tmp_path / "out-state" / "state-0.pt").read_bytes() == before
    command(1, "--restart")
    assert (tmp_path / "out-state-1" / "state-0.pt").read_bytes() == before
    assert (tmp_path / "out-state" / "state-0.pt").read_bytes() != before


def test_the_log_names_stage_and_step(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_demo_backbone, "LOG_EVERY", 2)
    trained(photos, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    steps = [(row["stage"], row["step"]) for row in rows]
    assert steps == [("autoencoder", 2), ("autoencoder", 4), ("denoiser", 2), ("denoiser", 4)]
    assert all(math.isfinite(row["loss"]) for row in rows)


def test_latents_have_unit_deviation_and_prompts_fit_the_crops(photos: Path, tmp_path: Path) -> None:
    model, loaded = trained(photos, tmp_path), load_photos(photos, RECIPE)
    stage = RECIPE["stages"][1] | {"crops": 40, "batch": 40}
    bank = encode_crops(model, loaded, RECIPE, stage, seed=5)
    assert bank.latents.shape == (40, 4, 4, 4)
    assert 0.5 < float(bank.latents.std()) < 2
    assert 8 <= sum(bank.degraded) <= 32
    latents, prompts = draw_latents(bank, RECIPE, stage, torch.Generator().manual_seed(0))
    for latent, prompt in zip(latents, prompts, strict=True):
        index = next(n for n, other in enumerate(bank.latents) if torch.equal(latent, other))
        assert (prompt in ("", "nothing, at all")) != bank.degraded[index]


def test_a_new_encoder_is_sure_of_its_latents() -> None:
    posterior = new_backbone(RECIPE).vae.encode(torch.rand(1, 3, 16, 16)).latent_dist
    assert posterior.std.max().item() < 0.15


def test_late_timesteps_are_drawn_more_often() -> None:
    drawn = draw_timesteps(4000, 1000, 0.5, torch.Generator().manual_seed(0))
    assert 0 <= int(drawn.min()) < 20 and 980 < int(drawn.max()) < 1000
    assert float((drawn >= 666).float().mean()) == pytest.approx(0.5 + 0.5 / 3, abs=0.03)


def test_the_rate_rises_stays_and_falls_to_nearly_nothing() -> None:
    factors = [rate_factor(step, 1000) for step in range(1000)]
    assert factors[0] == pytest.approx(0.02)
    assert set(factors[49:600]) == {1.0}
    assert factors[800] == pytest.approx(0.5)
    assert factors[999] == pytest.approx(0.01)


@pytest.mark.parametrize("shape", [(6, 40), (40, 6), (12, 12)])
def test_orthogonalizing_keeps_directions_and_evens_their_lengths(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    values = left.T @ orthogonalize(matrix) @ right.T  # diagonal where the singular vectors are the same
    assert torch.allclose(values, torch.diag(values.diagonal()), atol=1e-4)
    assert float(values.diagonal().min()) > 0.6 and float(values.max()) < 1.3


def test_muon_steps_have_one_length_whatever_the_gradients_scale() -> None:
    moved = []
    for scale in (1.0, 1000.0):
        parameter = nn.Parameter(torch.zeros(4, 2, 3, 3))
        optimizer = Muon([parameter], lr=0.1)
        parameter.grad = scale * torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0))
        optimizer.step()
        moved.append(parameter.detach())
    assert torch.allclose(moved[0], moved[1], rtol=1e-3, atol=1e-5)
    assert float(torch.linalg.matrix_norm(moved[0].flatten(1), 2)) == pytest.approx(0.1, rel=0.3)


def test_first_and_last_layers_are_not_hidden() -> None:
    unet = new_backbone(RECIPE).unet
    names = {id(p): name for name, p in unet.named_parameters()}
    hidden = {names[id(p)] for p in hidden_weights(unet)}
    assert {"conv_in.weight", "conv_out.weight", "conv_norm_out.weight"}.isdisjoint(hidden)
    assert "down_blocks.0.resnets.0.conv1.weight" in hidden


def test_a_photograph_without_caption_is_named(photos: Path) -> None:
    with pytest.raises(InputError, match="no caption for photo1, photo2"):
        load_photos(photos, RECIPE | {"captions": {"photo0": "one"}})


def test_a_backbone_of_another_prediction_type_is_refused(backbone_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(backbone_folder, tmp_path / "velocity")
    config = tmp_path / "velocity" / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace('"epsilon"', '"v_prediction"'))
    with pytest.raises(InputError, match="predicts v_prediction, OSEDiff needs epsilon"):
        backbones.load(tmp_path / "velocity")


def test_a_folder_that_is_no_backbone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no vae/ in this backbone"):
        backbones.load(tmp_path)


def test_a_tokenizer_knows_its_words_and_spells_others() -> None:
    tokenizer = backbones.word_tokenizer(["blurring, jpeg artifacts"])
    words = tokenizer.convert_ids_to_tokens(tokenizer("JPEG artifacts").input_ids)
    assert words == ["<|startoftext|>", "jpeg</w>", "artifacts</w>", "<|endoftext|>"]
    spelled = tokenizer.convert_ids_to_tokens(tokenizer("zebra").input_ids)
    assert "".join(spelled[1:-1]) == "zebra</w>"
