"""Tests of an ablation's variants: what is better, what cannot be told, and what cannot be compared."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.evaluation import results
from benchmark.statistics.ablation import VariantRow, measure
from benchmark.tables.specs import AblationSpec
from osediff.common.errors import InputError
from tests.benchmark.rows import METRICS, spec_of, write_rows

IMAGES = np.linspace(20, 34, 8)
SHIFTS = {"default": 0.0, "up": 0.5, "down": -0.5}


def measured(folder: Path, seeds: int, values: dict[str, Any], metric: str = "psnr") -> dict[str, VariantRow]:
    """Measure variants whose ``values`` are PSNR by image, the same for all seeds but for a shift, or a note."""
    rows, files = {}, []
    for variant, of_variant in values.items():
        runs = [f"{variant}.{seed}" for seed in range(seeds)]
        rows[variant] = {"title": variant, "runs": runs}
        for seed, run in enumerate(runs):
            numbers = of_variant if isinstance(of_variant, str) else list(np.asarray(of_variant) + seed)
            files.append(write_rows(folder / f"{run}.csv", run, "set", {metric: numbers}))
    about = {"name": "t", "preset": "demo", "title": "T", "test_set": "set", "test_set_title": "Set"}
    spec = spec_of(about | {"metrics": [metric], "default": "default", "rows": rows}, AblationSpec)
    return measure(spec, METRICS, results.load(files, METRICS))


def test_a_shift_on_every_image_is_better_or_worse_and_noise_is_neither(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.3, len(IMAGES))
    shifted = {name: IMAGES + shift for name, shift in SHIFTS.items()}
    rows = measured(tmp_path, 3, shifted | {"same": IMAGES + noise - noise.mean()})
    psnr = {name: row.measurements["psnr"] for name, row in rows.items()}
    assert {name: of.verdict for name, of in psnr.items()} == {
        "default": "",
        "up": "better",
        "down": "worse",
        "same": "",
    }
    # Means over images 27, of seeds 27, 28 and 29.
    assert [psnr["default"].mean, psnr["default"].spread] == pytest.approx([28, 1])
    assert math.isnan(psnr["default"].p) and psnr["up"].p < 0.05 < psnr["same"].p


def test_where_lower_is_better_a_fall_is_better(tmp_path: Path) -> None:
    shifted = {name: IMAGES / 100 + shift / 100 for name, shift in SHIFTS.items()}
    rows = measured(tmp_path, 2, shifted, "lpips")
    assert [row.measurements["lpips"].verdict for row in rows.values()] == ["", "worse", "better"]


@pytest.mark.parametrize(("seeds", "images"), [(1, 8), (3, 1)])
def test_one_seed_or_one_image_gives_no_verdict(seeds: int, images: int, tmp_path: Path) -> None:
    shifted = {name: IMAGES[:images] + shift for name, shift in SHIFTS.items()}
    rows = measured(tmp_path, seeds, shifted)
    assert {row.measurements["psnr"].verdict for row in rows.values()} == {""}
    assert all(math.isnan(row.measurements["psnr"].p) for row in rows.values())


def test_runs_without_values_are_counted_with_their_reason(tmp_path: Path) -> None:
    rows = measured(tmp_path, 2, {"default": IMAGES, "lost": "did not converge: loss is not finite"})
    lost = rows["lost"]
    assert (lost.runs, lost.converged) == (2, 0)
    assert set(lost.failures) == {"did not converge: loss is not finite"}
    assert math.isnan(lost.measurements["psnr"].mean) and lost.measurements["psnr"].verdict == ""


def test_other_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"up\.0 was measured on other images than the default variant"):
        measured(tmp_path, 2, {"default": IMAGES, "up": IMAGES[:5]})
