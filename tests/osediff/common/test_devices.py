"""Devices that this machine has, and those that none has."""

from __future__ import annotations

import pytest
import torch

from osediff.common.devices import check_device
from osediff.common.errors import InputError


def test_a_device_that_is_here() -> None:
    check_device("cpu")


@pytest.mark.parametrize("device", ["tpu", "cuda:99", ""])
def test_a_device_that_is_not_here_is_one_line(device: str) -> None:
    with pytest.raises(InputError, match=f"^device {device}: .*; use cpu$") as caught:
        check_device(device)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_is_said_as_such() -> None:
    with pytest.raises(InputError, match=r"^device cuda: no GPU here; use cpu$"):
        check_device("cuda")
