"""Backbones: the size of SD 2.1-base, prompts that are embedded once, tokens, and folders that are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from osediff.common.errors import InputError
from osediff.models import backbone as backbones
from osediff.models.backbone import Backbone
from osediff.models.generator import Generator
from tests.helpers import ROOT
from tests.osediff.tiny import edit

REGISTRY = yaml.safe_load((ROOT / "config" / "backbones.yaml").read_text())


def count(network: nn.Module) -> int:
    """Parameters of ``network``."""
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_full_size_is_that_of_sd_2_1_base_and_the_official_lora() -> None:
    # Counted on the official code's own classes with SD 2.1-base's configuration files.
    with torch.device("meta"):
        sizes = REGISTRY["sd2.1-random"]["random"]["sizes"]
        model = backbones.build(sizes, backbones.word_tokenizer(["any"]))
        assert count(model.unet) == 865_910_724
        assert count(model.vae) == 83_653_863 and count(model.vae.encoder) == 34_163_592
        assert count(model.text_encoder) == 340_387_840
        for network in (model.vae, model.unet):
            network.requires_grad_(False)
        generator = Generator(model, edit({"rank_vae": 4, "rank_unet": 4, "alpha": 8}))
    trained = {name: p.numel() for name, p in generator.parameters().items()}
    assert sum(size for name, size in trained.items() if name.startswith("vae.")) == 369_356
    assert sum(size for name, size in trained.items() if ".lora_" in name) == 369_356 + 4_055_712
    assert sum(trained.values()) == 369_356 + 4_055_712 + 11_840


def test_a_prompt_is_embedded_once_as_long_as_there_is_room(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = backbones.PromptEmbedder(backbone)
    embeddings = embed(["jpeg", "blurring", "jpeg"])
    assert torch.equal(embeddings[1], backbone.embed(["blurring"])[0])
    assert list(embed.cache) == ["jpeg", "blurring"]
    assert torch.equal(embeddings[0], embeddings[2]) and not torch.equal(embeddings[0], embeddings[1])
    monkeypatch.setattr(backbones.PromptEmbedder, "ROOM", 2)
    assert torch.equal(embed(["artifacts"])[0], backbone.embed(["artifacts"])[0]) and len(embed.cache) == 2
    embed.clear()
    assert not embed.cache


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
