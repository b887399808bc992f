"""Files of weights: what is read, what is refused by name, and that nothing in them runs."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from osediff.common.errors import InputError
from osediff.common.tensor_files import read_pickled, read_tensors


class Trap:
    """A pickle of this object runs a command where it is read without care."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.system, (f"touch {self.proof}",)


def test_tensors_are_read_of_both_formats(tmp_path: Path) -> None:
    weights = {"w": torch.arange(3.0), "count": torch.tensor(2)}
    save_file(weights, tmp_path / "a.safetensors")
    torch.save(weights, tmp_path / "a.pth")
    torch.save({"model": weights}, tmp_path / "b.pth")
    torch.save(weights, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name in ("a.safetensors", "a.pth", "b.pth", "old.pth"):
        assert torch.equal(read_tensors(tmp_path / name, below=("model",))["w"], weights["w"])


def test_no_pickle_runs(tmp_path: Path) -> None:
    trap = {"w": torch.ones(2), "more": Trap(tmp_path / "proof")}
    torch.save(trap, tmp_path / "zip.pth")
    torch.save(trap, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(trap["more"]))
    for name in ("zip.pth", "old.pth", "plain.pth"):
        with pytest.raises(InputError, match=rf"{name}: not a readable file of weights"):
            read_tensors(tmp_path / name)
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.ones(2)], "holds no weights by name"),
        ({}, "holds no weights by name"),
        ({"w": 3.0}, "w is no tensor"),
        ({"w": torch.tensor([1.0, torch.nan])}, "w holds values that are not finite"),
        ({"w": torch.tensor([1.0, torch.inf]).half()}, "w holds values that are not finite"),
    ],
)
def test_what_is_no_network_is_refused(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(InputError, match=message):
        read_tensors(tmp_path / "a.pth")


def test_damage_anywhere_in_a_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"w": torch.arange(1000.0)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(torch.tensor(500.0).numpy().tobytes())] ^= 1  # the last bit of one number
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.pth: not a readable file of weights .*another checksum"):
        read_pickled(path)
    for half in (path, tmp_path / "a.safetensors"):
        half.write_bytes(bytes(content[: len(content) // 2]))
        with pytest.raises(InputError, match="not a readable file of weights"):
            read_tensors(half)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="is no plain file"):
        read_tensors(tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="no such file"):
        read_tensors(tmp_path / "b.safetensors")
