"""How a step's batch is spread over devices and micro-batches, and in which precision."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState

from osediff.common.errors import InputError
from osediff.recipe import Compute
from osediff.training.distributed import micro_batch_size, share
from tests.osediff.tiny import RECIPE, edit, run_training
from tests.osediff.training.outputs import weights


@pytest.mark.slow
def test_a_batch_in_parts_trains_as_the_whole(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    recipe = edit({"batch": 4, "steps": 3})
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "whole")
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "parts", Compute(micro_batch=1))
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    differences = torch.cat([(one[name] - other[name]).abs().flatten() for name in one])
    # AdamW's first steps have the size of the rate whatever the gradient's, so the few weights whose gradient is nearly
    # zero show rounding errors; a batch that was wrongly put together moves far more.
    assert float((differences > 2e-5).float().mean()) < 1e-3
    assert float(differences.mean()) < 1e-6


@pytest.mark.slow
def test_bf16_trains_adapters_in_fp32(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    run_training(edit({"steps": 4}), photos, backbone_folder, 0, tmp_path / "half", Compute(precision="bf16"))
    AcceleratorState._reset_state(reset_partial_state=True)
    run_training(edit({"steps": 4}), photos, backbone_folder, 0, tmp_path / "full")
    half, full = weights(tmp_path / "half"), weights(tmp_path / "full")
    assert all(tensor.dtype == torch.float32 for tensor in half.values())
    moved = torch.cat([(half[name] - full[name]).flatten() for name in full]).norm()
    assert moved < 0.2 * torch.cat([tensor.flatten() for tensor in full.values()]).norm()


@pytest.mark.slow
def test_the_official_precision_trains_as_float32_does_but_for_rounding(
    photos: Path, backbone_folder: Path, tmp_path: Path
) -> None:
    recipe = edit({"steps": 4, "precision": "official-bf16", "sampling": "epochs"})
    compute = Compute(precision="fp16")  # not used
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "official", compute)
    AcceleratorState._reset_state(reset_partial_state=True)
    run_training(edit({"steps": 4, "sampling": "epochs"}), photos, backbone_folder, 0, tmp_path / "full")
    official, full = weights(tmp_path / "official"), weights(tmp_path / "full")
    assert all(tensor.dtype == torch.float32 for tensor in official.values())
    moved = torch.cat([(official[name] - full[name]).flatten() for name in full]).norm()
    assert 0 < moved < 0.2 * torch.cat([tensor.flatten() for tensor in full.values()]).norm()


def test_official_fp16_needs_a_gpu(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fp16 training needs a GPU"):
        run_training(edit({"precision": "official-fp16"}), photos, backbone_folder, 0, tmp_path)


def test_fp16_needs_a_gpu(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fp16 training needs a GPU"):
        run_training(RECIPE, photos, backbone_folder, 0, tmp_path, Compute(precision="fp16"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_here_is_one_line(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no GPU here"):
        run_training(RECIPE, photos, backbone_folder, 0, tmp_path, device="cuda")


def accelerator(processes: int, index: int = 0) -> Any:
    """As much of accelerate's view as sharing a batch asks for."""
    return SimpleNamespace(num_processes=processes, process_index=index)


def test_processes_share_the_samples_of_a_step_without_a_gap() -> None:
    assert [share(3, 8, accelerator(4, index)) for index in range(4)] == [[24, 25], [26, 27], [28, 29], [30, 31]]


@pytest.mark.parametrize(
    ("largest", "batch", "processes", "size"), [(None, 8, 1, 8), (3, 8, 1, 2), (8, 8, 2, 4), (5, 7, 1, 1), (1, 6, 3, 1)]
)
def test_micro_batches_divide_a_device_s_share(largest: int | None, batch: int, processes: int, size: int) -> None:
    assert micro_batch_size(largest, batch, accelerator(processes)) == size
