"""Pretraining ends in a backbone that loads, continues where it was stopped, and names a photograph without caption."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from osediff.common.errors import InputError
from osediff.common.validation import dump_yaml
from osediff.models import backbone as backbones
from osediff.training.train_demo_backbone import load_photos, main, recolored, train_stage
from tests.osediff.tiny import DEGRADATION_CONTENT, TINY

STAGE = {"steps": 4, "batch": 2, "learning_rate": 1e-3, "degraded_share": 0.5, "caption_dropout": 0.5}
RECIPE: dict[str, Any] = {
    "seed": 0,
    "crop": 16,
    "degraded_copies": 2,
    "degradation": DEGRADATION_CONTENT,
    "negative_prompt": "blurring, jpeg artifacts, lowres.",
    "captions": {f"photo{index}": "nothing, at all" for index in range(3)},
    "sizes": TINY,
    "checkpoint_every": 2,
    "stages": [
        STAGE | {"name": "autoencoder", "trains": "vae", "kl_weight": 1e-4, "color_weight": 1.0, "recolor": True},
        STAGE | {"name": "denoiser", "trains": "unet"},
    ],
}


def trained(photos: Path, work: Path) -> backbones.Backbone:
    """A backbone after every stage of ``RECIPE``, with states in ``work``."""
    work.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    loaded = load_photos(photos, RECIPE, torch.device("cpu"))
    model = backbones.build(TINY, backbones.word_tokenizer([RECIPE["negative_prompt"]]))
    for number in range(len(RECIPE["stages"])):
        train_stage(number, model, loaded, RECIPE, work)
    return model


@pytest.mark.slow
def test_stages_train_what_they_say_and_a_stopped_run_ends_the_same(photos: Path, tmp_path: Path) -> None:
    whole = trained(photos, tmp_path / "whole")
    (tmp_path / "whole" / "state-1.pt").unlink()
    again = trained(photos, tmp_path / "whole")
    for name, parameter in whole.unet.state_dict().items():
        # bfloat16 attention on a CPU is not the same to the last bit from run to run.
        assert torch.allclose(parameter, again.unet.state_dict()[name], atol=1e-5), name
    backbones.save(whole, tmp_path / "made")
    loaded = backbones.load(tmp_path / "made")
    assert loaded.vae.config.scaling_factor == pytest.approx(whole.vae.config.scaling_factor)
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded.vae.encode(image).latent_dist.mean, whole.vae.encode(image).latent_dist.mean)
        assert torch.equal(loaded.embed(["lowres, art"]), whole.embed(["lowres, art"]))
    log = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert all(row["stage"] in ("autoencoder", "denoiser") for row in log)


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


@pytest.mark.slow
def test_latents_have_unit_deviation(photos: Path, tmp_path: Path) -> None:
    model = trained(photos, tmp_path)
    images = torch.stack(
        [photo[:, :40, :40].float() / 127.5 - 1 for photo in load_photos(photos, RECIPE, torch.device("cpu")).clean]
    )
    with torch.no_grad():
        latents = model.vae.encode(images).latent_dist.mean * model.vae.config.scaling_factor
    assert 0.5 < float(latents.std()) < 2


def test_recoloring_keeps_range_and_shape() -> None:
    images = torch.rand(4, 3, 8, 8) * 2 - 1
    changed = recolored(images, torch.Generator().manual_seed(0))
    assert changed.shape == images.shape
    assert changed.abs().max() <= 1
    assert not torch.equal(changed, images)


def test_a_photograph_without_caption_is_named(photos: Path) -> None:
    with pytest.raises(InputError, match="no caption for photo1, photo2"):
        load_photos(photos, RECIPE | {"captions": {"photo0": "one"}}, torch.device("cpu"))


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
