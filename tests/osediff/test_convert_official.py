"""Checkpoints of the official code: read, written, and the same network in its way of loading them."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file

from osediff.common.errors import InputError, run
from osediff.common.files import write_json
from osediff.convert_official import convert, main
from osediff.models import backbone as backbones
from osediff.models.adapter_files import save_adapters
from osediff.models.adapter_names import GENERATOR
from osediff.models.generator import Generator
from tests.osediff.tiny import edit


def trained(backbone_folder: Path, folder: Path, alpha: int) -> Generator:
    """A generator with random adapters, whose checkpoint is in ``folder``."""
    recipe = edit({"alpha": alpha})
    torch.manual_seed(1)
    generator = Generator(backbones.load(backbone_folder), recipe)
    for parameter in generator.parameters().values():
        parameter.data += 0.1 * torch.randn_like(parameter)
    folder.mkdir()
    save_adapters(folder / "adapters.safetensors", generator.parameters())
    write_json(folder / "recipe.json", recipe.model_dump(mode="json"))
    return generator


@pytest.mark.parametrize("alpha", [8, 4])
def test_the_official_way_of_loading_gives_the_same_networks(backbone_folder: Path, tmp_path: Path, alpha: int) -> None:
    """Three adapters on a bare UNet and one on a bare VAE, PEFT's default alpha, weights copied by name."""
    generator = trained(backbone_folder, tmp_path / "ours", alpha)
    convert(tmp_path / "ours", tmp_path / "theirs.pkl")
    stored = torch.load(tmp_path / "theirs.pkl", weights_only=True)
    bare = backbones.load(backbone_folder)
    unet, vae = bare.unet, bare.vae
    for network, rank, parts in (
        ("unet", "rank_unet", ("encoder", "decoder", "others")),
        ("vae", "rank_vae", ["encoder"]),
    ):
        module = getattr(bare, network)
        for part in parts:
            layers = stored[f"{network}_lora_{part}_modules"]
            module.add_adapter(LoraConfig(r=stored[rank], target_modules=layers), adapter_name=f"default_{part}")
        for name, parameter in module.named_parameters():
            if "lora" in name or (network == "unet" and "conv_in" in name):
                parameter.data.copy_(stored[f"state_dict_{network}"][name])
        module.set_adapter([f"default_{part}" for part in parts])
    image, latent, text = torch.randn(1, 3, 32, 32), torch.randn(1, 4, 8, 8), torch.randn(1, 5, 16)
    with torch.no_grad():
        with generator.unet_roles.use(GENERATOR):
            expected = generator.backbone.unet(latent, 999, text).sample
        assert torch.allclose(unet(latent, 999, text).sample, expected, atol=1e-5)
        assert torch.allclose(vae.encode(image).latent_dist.mean, generator.posterior(image)[0], atol=1e-5)


def test_there_and_back(backbone_folder: Path, tmp_path: Path) -> None:
    trained(backbone_folder, tmp_path / "ours", 8)
    convert(tmp_path / "ours", tmp_path / "theirs.pkl")
    convert(tmp_path / "theirs.pkl", tmp_path / "again")
    first, second = (load_file(tmp_path / name / "adapters.safetensors") for name in ("ours", "again"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rank_unet", "four"),
        ("vae_lora_encoder_modules", 3),
        ("state_dict_vae", []),
        ("state_dict_unet", {"conv_in.weight": torch.tensor([float("nan")])}),
    ],
)
def test_wrong_content_of_a_file_is_named(backbone_folder: Path, tmp_path: Path, key: str, value: object) -> None:
    trained(backbone_folder, tmp_path / "ours", 8)
    convert(tmp_path / "ours", tmp_path / "theirs.pkl")
    content = torch.load(tmp_path / "theirs.pkl", weights_only=True)
    torch.save(content | {key: value}, tmp_path / "theirs.pkl")
    with pytest.raises(InputError, match=f"not a checkpoint of the official code; {key}"):
        convert(tmp_path / "theirs.pkl", tmp_path / "again")


class Program:
    """An object whose pickle asks the reader to make a file."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("wrap", ["bare", "inside a checkpoint"])
def test_a_file_that_holds_a_program_is_one_line_and_is_not_run(
    backbone_folder: Path,
    tmp_path: Path,
    wrap: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, trace = tmp_path / "osediff.pkl", tmp_path / "ran"
    program = Program(trace)
    if wrap == "bare":
        path.write_bytes(pickle.dumps(program))
    else:
        trained(backbone_folder, tmp_path / "ours", 8)
        convert(tmp_path / "ours", path)
        torch.save(torch.load(path, weights_only=True) | {"more": program}, path)
    monkeypatch.setattr("sys.argv", ["convert_official", "--from", str(path), "--to", str(tmp_path / "out")])
    capsys.readouterr()
    with pytest.raises(SystemExit):
        run(main)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: {path}: not a readable checkpoint of the official code"
    assert not trace.exists() and not (tmp_path / "out").exists()
    torch.load(path, weights_only=False) if wrap != "bare" else pickle.loads(path.read_bytes())
    assert trace.is_dir(), "or the test would prove nothing"


def test_a_damaged_file_is_one_line_wherever_the_damage_is(tmp_path: Path) -> None:
    whole = io.BytesIO()
    torch.save({"rank_unet": 4, "weights": torch.ones(2)}, whole, _use_new_zipfile_serialization=False)
    for at in range(0, len(whole.getvalue()), 5):
        content = bytearray(whole.getvalue())
        content[at] ^= 0x2A
        (tmp_path / "osediff.pkl").write_bytes(content)
        with pytest.raises(InputError, match=r"not a (readable )?checkpoint of the official code"):
            convert(tmp_path / "osediff.pkl", tmp_path / "out")


def test_what_cannot_be_converted(backbone_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps(print))
    with pytest.raises(InputError, match="not a readable checkpoint"):
        convert(tmp_path / "bad.pkl", tmp_path / "out")
    trained(backbone_folder, tmp_path / "ours", 8)
    recipe = edit({"alpha": 8, "lora_targets": {"vae_decoder": True}})
    write_json(tmp_path / "ours" / "recipe.json", recipe.model_dump(mode="json"))
    with pytest.raises(InputError, match="holds LoRA of the VAE encoder"):
        convert(tmp_path / "ours", tmp_path / "theirs.pkl")
