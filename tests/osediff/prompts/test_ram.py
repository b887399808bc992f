"""RAM and DAPE: the official checkpoint layout, and LoRA as loralib merges it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from osediff.common.errors import InputError
from osediff.prompts import ram
from tests.osediff.prompts import closed_form_ram
from tests.osediff.prompts.tiny_ram import SIZES


def test_full_size_has_the_parameters_that_tagging_uses() -> None:
    with torch.device("meta"):
        model = ram.build()
    # 212,739,637 are what the official RAMLora uses for tags; 622,592 of them are LoRA, merged here.
    assert sum(p.numel() for p in model.parameters()) == 212_739_637 - 622_592


def test_an_official_checkpoint_gives_the_same_logits(saved: tuple[ram.RAM, Path]) -> None:
    model, path = saved
    image = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    loaded = ram.load(path, sizes=SIZES)
    assert torch.equal(loaded(image), model(image))


def test_the_official_module_has_these_names_and_gives_these_logits(tmp_path: Path) -> None:
    """Names, shapes and logits are of the official code, run by tools/official/ram.py; weights are in closed form."""
    fixture = json.loads((Path(__file__).parent / "fixtures" / "ram_official.json").read_text())
    weights = {name: closed_form_ram.values(name, tuple(shape)) for name, shape in fixture["shapes"].items()}
    torch.save({"model": weights}, tmp_path / "ram.pth")
    model = ram.load(tmp_path / "ram.pth", sizes=closed_form_ram.SIZES)
    logits = model(closed_form_ram.image())[0]
    expected = torch.tensor(fixture["logits"])
    assert expected.std() > 0.01, "or any network would do"
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)


def test_lora_of_shared_layers_is_added_twice(saved: tuple[ram.RAM, Path], tmp_path: Path) -> None:
    """As loralib does with the official module, whose tag_encoder shares these weights."""
    model, path = saved
    random = torch.Generator().manual_seed(2)
    dape = {}
    for part in ("tagging_head", "tag_encoder"):
        layer = f"{part}.encoder.layer.1.crossattention.self.query."
        dape[layer + "lora_A"] = torch.randn(8, 16, generator=random)
        dape[layer + "lora_B"] = torch.randn(16, 8, generator=random)
    swin = "visual_encoder.layers.1.blocks.0.attn.qkv."
    dape[swin + "lora_A"] = torch.randn(16, 16, generator=random)
    dape[swin + "lora_B"] = torch.randn(32, 8, generator=random)
    torch.save(dape, tmp_path / "DAPE.pth")
    merged = ram.load(path, tmp_path / "DAPE.pth", SIZES)
    products = [
        dape[f"{part}.encoder.layer.1.crossattention.self.query.lora_B"]
        @ dape[f"{part}.encoder.layer.1.crossattention.self.query.lora_A"]
        for part in ("tagging_head", "tag_encoder")
    ]
    query = "tagging_head.1.query.weight"
    change = merged.get_parameter(query) - model.get_parameter(query)
    torch.testing.assert_close(change, (products[0] + products[1]) / 8)
    change = merged.get_parameter(swin + "weight") - model.get_parameter(swin + "weight")
    torch.testing.assert_close(change[:16], dape[swin + "lora_B"][:16] @ dape[swin + "lora_A"][:8] / 8)
    assert not change[16:32].any()
    torch.testing.assert_close(change[32:], dape[swin + "lora_B"][16:] @ dape[swin + "lora_A"][8:] / 8)


@pytest.mark.parametrize("change", ["missing", "left over"])
def test_a_checkpoint_with_other_names_is_refused_by_name(saved: tuple[ram.RAM, Path], change: str) -> None:
    path = saved[1]
    content = torch.load(path, weights_only=True)
    if change == "missing":
        del content["model"]["fc.bias"]
    else:
        content["model"]["extra.weight"] = torch.zeros(1)
    torch.save(content, path)
    with pytest.raises(InputError, match=r"fc\.bias" if change == "missing" else r"extra\.weight"):
        ram.load(path, sizes=SIZES)


def test_tags_are_those_above_their_own_threshold(saved: tuple[ram.RAM, Path]) -> None:
    image = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(3))
    shown = torch.sigmoid(saved[0](ram.preprocess(image[None], 64)))[0].tolist()
    thresholds = [p - 0.01 if n in (1, 3) else p + 0.01 for n, p in enumerate(shown)]
    assert ram.Tagger(saved[0], ["a", "b", "c", "d", "e"], thresholds)(image) == "b, d"
