"""The plan of the ablations: trainings and device-hours."""

from __future__ import annotations

from typing import Any

from benchmark.data import published
from benchmark.tables import training_cost
from benchmark.tables.render import markdown
from benchmark.tables.specs import TrainingCostSpec
from tests.benchmark.rows import METRICS, spec_of
from tests.helpers import ROOT

PUBLISHED = published.load([ROOT / "config/published/osediff-tables-2-7.csv"], METRICS)


def test_the_plan_counts_a_shared_training_once() -> None:
    spec: dict[str, Any] = {"preset": "paper", "seeds": [0], "steps": 3600, "cost": {}}
    spec["cost"] = {"device": "A100", "devices": 4, "seconds_per_step": 2.0, "source": "assumed"}
    spec["ablations"] = [
        {"title": "One", "rows": 2, "trainings": ["a", "default"]},
        {"title": "Two", "rows": 3, "trainings": ["default", "b", "c"]},
    ]
    text = markdown(training_cost.compose(spec_of(spec, TrainingCostSpec), PUBLISHED))
    # 3600 steps of 2 s on four devices: 8 device-hours each.
    assert "| One | 2 | 2 | 2 | 3600 | 16.0 | 16.0 |" in text
    assert "| Two | 3 | 3 | 2 | 3600 | 24.0 | 16.0 |" in text
    assert "4 trainings, 32.0 A100-hours" in text


def test_the_plan_counts_baselines_and_prompts_at_published_times() -> None:
    """The paper: StableSR 11.50 s and SinSR 0.13 s an image, DAPE 0.02 s; none of BSRGAN."""
    spec: dict[str, Any] = {"preset": "paper", "seeds": [0], "steps": 1, "ablations": []}
    spec["cost"] = {"device": "A100", "devices": 4, "seconds_per_step": 2.0, "source": "assumed"}
    names = ("StableSR", "SinSR", "BSRGAN")
    spec["restorations"] = [{"title": n, "images": 3600, "method": n, "metric": "seconds"} for n in names]
    prompts = {"title": "DAPE", "images": 224000, "method": "OSEDiff", "metric": "extraction-seconds"}
    text = markdown(training_cost.compose(spec_of(spec | {"extractions": [prompts]}, TrainingCostSpec), PUBLISHED))
    assert "StableSR 11.5 (3600 × 11.50 s), SinSR 0.1 (3600 × 0.13 s); together 11.6." in text
    assert "Restoring by the baselines: no time was published of BSRGAN." in text
    assert "DAPE 1.2 (224000 × 0.02 s); together 1.2." in text
