"""A GPU that is too small for the chosen entry is named before anything is loaded, with the entries that would do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from osediff.common.errors import InputError
from osediff.training.gpu_memory import VARIABLE, check_gpu_memory, describe_choices

ENTRIES = {"gpu-24gb": 24, "gpu-48gb": 48, "gpu-80gb": 80, "four-gpus-24gb": 24}


def has(monkeypatch: pytest.MonkeyPatch, bytes_of_memory: float) -> None:
    """Let every GPU have this memory."""
    properties = SimpleNamespace(total_memory=bytes_of_memory)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)


def test_the_chosen_entry_comes_first() -> None:
    assert describe_choices("gpu-48gb", ENTRIES).split()[:2] == ["gpu-48gb=48", "gpu-24gb=24"]
    assert describe_choices("cpu", ENTRIES) == "", "nothing is checked"


def test_a_gpu_that_is_too_small_names_the_entries_that_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, describe_choices("gpu-80gb", ENTRIES))
    has(monkeypatch, 42.3e9)
    with pytest.raises(InputError) as caught:
        check_gpu_memory("cuda")
    line = "cuda: has 42 GB, and compute: gpu-80gb needs 80; gpu-24gb or four-gpus-24gb would do"
    assert str(caught.value) == line
    has(monkeypatch, 15.8e9)
    with pytest.raises(InputError, match=r"has 16 GB, .* no entry of config/compute\.yaml is for so little"):
        check_gpu_memory("cuda:1")


@pytest.mark.parametrize("memory", [85.1e9, 79.5e9])
def test_a_gpu_of_that_size_is_large_enough(monkeypatch: pytest.MonkeyPatch, memory: float) -> None:
    monkeypatch.setenv(VARIABLE, describe_choices("gpu-80gb", ENTRIES))
    has(monkeypatch, memory)
    check_gpu_memory("cuda")


def test_a_cpu_and_a_command_by_hand_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, 0)
    monkeypatch.setenv(VARIABLE, describe_choices("gpu-24gb", ENTRIES))
    check_gpu_memory("cpu")
    monkeypatch.delenv(VARIABLE)
    check_gpu_memory("cuda")
