"""Files of adapters: what is read, and what is refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from osediff.common.errors import InputError
from osediff.common.files import read_json, write_json
from osediff.models import backbone as backbones
from osediff.pipeline import OSEDiff
from tests.osediff.tiny import TINY


@pytest.mark.parametrize("key", ["alpha", "process_size", "timestep"])
def test_another_recipe_than_that_of_the_training_is_refused(
    checkpoint: Path, backbone_folder: Path, tmp_path: Path, key: str
) -> None:
    shutil.copytree(checkpoint, other := tmp_path / "other")
    recipe = read_json(other / "recipe.json")
    write_json(other / "recipe.json", recipe | {key: recipe[key] + 8 if key != "timestep" else 1})
    with pytest.raises(InputError, match=r"recipe\.json: is not the recipe that provenance\.json beside it holds"):
        OSEDiff.from_pretrained(other, backbone_folder)


def test_adapters_of_another_dtype_are_refused(checkpoint: Path, backbone_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, other := tmp_path / "other")
    (other / "provenance.json").unlink()
    tensors = load_file(other / "adapters.safetensors")
    save_file({name: tensor.int() for name, tensor in tensors.items()}, other / "adapters.safetensors")
    with pytest.raises(InputError, match=r"is torch\.int32, needed is float32"):
        OSEDiff.from_pretrained(other, backbone_folder)


def test_adapters_of_another_rank_are_named(checkpoint: Path, backbone_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, other := tmp_path / "other")
    (other / "provenance.json").unlink(missing_ok=True)
    write_json(other / "recipe.json", read_json(other / "recipe.json") | {"rank_unet": 3})
    with pytest.raises(InputError, match=r"does not fit this network or rank: unet.*needed is"):
        OSEDiff.from_pretrained(other, backbone_folder)


def test_unreadable_adapters_are_named(checkpoint: Path, backbone_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text((checkpoint / "recipe.json").read_text())
    with pytest.raises(InputError, match=r"adapters\.safetensors"):
        OSEDiff.from_pretrained(tmp_path, backbone_folder)
    (tmp_path / "adapters.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match=r"adapters\.safetensors"):
        OSEDiff.from_pretrained(tmp_path, backbone_folder)


def test_other_adapters_than_those_of_the_training_are_refused(
    checkpoint: Path, backbone_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(checkpoint, other := tmp_path / "other")
    tensors = load_file(other / "adapters.safetensors")
    save_file({name: tensor + 1 for name, tensor in tensors.items()}, other / "adapters.safetensors")
    with pytest.raises(InputError, match=r"is not the file that provenance\.json beside it names"):
        OSEDiff.from_pretrained(other, backbone_folder)
    (other / "provenance.json").unlink()
    save_file({name: tensor / 0 for name, tensor in tensors.items()}, other / "adapters.safetensors")
    with pytest.raises(InputError, match="holds values that are not finite"):
        OSEDiff.from_pretrained(other, backbone_folder)


def test_a_checkpoint_of_another_backbone_is_one_line(checkpoint: Path, tmp_path: Path) -> None:
    """A UNet with more layers has other names, one with more channels other shapes."""
    for name, change in (("deeper", {"layers_per_block": 2}), ("wider", {"block_out_channels": [16, 32]})):
        other = backbones.build(TINY | {"unet": TINY["unet"] | change}, backbones.word_tokenizer(["words"]))
        backbones.save(other, tmp_path / name)
        with pytest.raises(
            InputError, match=rf"checkpoint0 was trained on another backbone than .*{name}; name its own"
        ) as caught:
            OSEDiff.from_pretrained(checkpoint, tmp_path / name)
        assert "\n" not in str(caught.value)
