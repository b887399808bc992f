"""The plan of the ablations: trainings and device-hours."""

from __future__ import annotations

from typing import Any

from benchmark.tables import training_cost
from benchmark.tables.render import markdown
from benchmark.tables.specs import TrainingCostSpec
from tests.benchmark.rows import spec_of


def test_the_plan_counts_a_shared_training_once() -> None:
    spec: dict[str, Any] = {"preset": "paper", "seeds": [0], "steps": 3600, "cost": {}}
    spec["cost"] = {"device": "A100", "devices": 4, "seconds_per_step": 2.0, "source": "assumed"}
    spec["ablations"] = [
        {"title": "One", "rows": 2, "trainings": ["a", "default"]},
        {"title": "Two", "rows": 3, "trainings": ["default", "b", "c"]},
    ]
    text = markdown(training_cost.compose(spec_of(spec, TrainingCostSpec)))
    # 3600 steps of 2 s on four devices: 8 device-hours each.
    assert "| One | 2 | 2 | 2 | 3600 | 16.0 | 16.0 |" in text
    assert "| Two | 3 | 3 | 2 | 3600 | 24.0 | 16.0 |" in text
    assert "4 trainings, 32.0 A100-hours" in text
