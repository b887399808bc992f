"""Training states: what differs is named, what does not fit restores nothing, and an old state is kept aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from osediff.common.files import JSON
from osediff.training.checkpoint import StateMismatchError, differences, load_state, save_state, set_aside


class Part:
    """A number with a state."""

    def __init__(self, value: int) -> None:
        self.value = value

    def state_dict(self) -> dict[str, Any]:
        return {"value": torch.tensor(self.value)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.value = int(state["value"])


def test_a_state_comes_back_with_its_step(tmp_path: Path) -> None:
    settings: JSON = {"recipe": {"rank": 4, "betas": (0.9, 0.999)}}
    save_state(tmp_path / "state.pt", {"a": Part(3), "b": Part(4)}, settings, 17)
    a, b = Part(0), Part(0)
    assert load_state(tmp_path / "state.pt", {"a": a, "b": b}, settings) == 17
    assert (a.value, b.value) == (3, 4)


def test_a_state_of_other_settings_or_parts_restores_nothing(tmp_path: Path) -> None:
    save_state(tmp_path / "state.pt", {"a": Part(3)}, {"rank": 4}, 17)
    part = Part(0)
    with pytest.raises(StateMismatchError, match=r"belongs to other settings \(rank was 4, is 8\); --restart starts"):
        load_state(tmp_path / "state.pt", {"a": part}, {"rank": 8})
    assert part.value == 0
    with pytest.raises(StateMismatchError, match="does not fit this training"):
        load_state(tmp_path / "state.pt", {"b": part}, {"rank": 4})


def test_differences_are_named_by_dotted_key_and_hashes_by_name_alone() -> None:
    before: JSON = {"recipe": {"loss": {"mse": 1.0}, "steps": 5}, "photos": "0" * 64, "seed": 0}
    now: JSON = {"recipe": {"loss": {"mse": 2.0}, "steps": 5}, "photos": "1" * 64, "device": "cuda"}
    assert differences(before, now) == (
        'device was not set, is "cuda"; photos changed; recipe.loss.mse was 1.0, is 2.0; seed was 0, is not set'
    )
    assert differences(before, before) == ""
    assert len(differences({"text": "a"}, {"text": "b" * 500})) < 100


def test_every_old_state_has_a_name_of_its_own(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / "x").write_text(str(number))
        assert set_aside(tmp_path / "state") == tmp_path / f"state-{number}"
    assert [(tmp_path / f"state-{n}" / "x").read_text() for n in (1, 2)] == ["1", "2"]
