"""What is checked on a GPU, here on a CPU with tiny networks: numerics of half precision, cost of a training step."""

from __future__ import annotations

import pytest
import torch

from osediff.profiling import gpu_checks
from tests.osediff.tiny import TINY


@pytest.mark.slow
def test_half_precision_is_compared_in_gray_levels() -> None:
    rows = gpu_checks.compare_precisions(32, "cpu", TINY, ("fp32", "bf16"))
    values = {row[0]: row[1] for row in rows}
    assert values["fp32 against fp32: largest difference"] == 0
    assert 0 < values["bf16 against fp32: mean difference"] <= values["bf16 against fp32: largest difference"] < 255
    assert {row[2] for row in rows} == {"gray levels"}


def test_values_that_are_not_finite_are_counted() -> None:
    ((quantity, count, _, _),) = gpu_checks._differences(torch.tensor([1.0, float("nan")]), torch.zeros(2), "fp16")
    assert quantity == "fp16 against fp32: values that are not finite" and count == 1


@pytest.mark.slow
@pytest.mark.parametrize("recomputing", [False, True])
def test_a_training_step_is_timed_and_its_memory_measured(recomputing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_checks, "STEPS", 1)
    whole, single, memory = gpu_checks.time_training_step(32, "cpu", TINY, "fp32", 2, recomputing)
    assert whole[1] > 0 and single[1] == pytest.approx(whole[1] / 2) and memory[1] > 0
    assert ("gradient checkpointing" in memory[3]) == recomputing
