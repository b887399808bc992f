"""The folder of a training: a state is continued to the same weights, never lost, and what does not fit is one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from osediff.common.errors import InputError
from tests.osediff.losses.objectives import GAN_LOSS, IMAGE_LOSS
from tests.osediff.tiny import RECIPE, edit, run_training, with_regularizer
from tests.osediff.training.outputs import log_rows, weights


@pytest.mark.slow
def test_a_state_of_other_settings_is_never_lost(
    photos: Path,
    backbone_folder: Path,
    tmp_path: Path,
    stopped_after: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    stopped_after(3)
    with pytest.raises(KeyboardInterrupt):
        run_training(edit({"learning_rate": 0.1}), photos, backbone_folder, 0, first)
    state = (first / "state" / "state.pt").read_bytes()
    with pytest.raises(InputError, match=r"recipe\.learning_rate was 0\.1, is 0\.001.*--restart starts afresh"):
        run_training(RECIPE, photos, backbone_folder, 0, first)
    assert (first / "state" / "state.pt").read_bytes() == state
    run_training(RECIPE, photos, backbone_folder, 0, first, restart="if-changed")
    assert "recipe.learning_rate was 0.1" in capsys.readouterr().err
    assert (first / "state-1" / "state.pt").read_bytes() == state
    run_training(RECIPE, photos, backbone_folder, 0, second)
    mine, other = weights(first), weights(second)
    assert all(torch.equal(mine[name], other[name]) for name in other)


@pytest.mark.parametrize("content", [b"", b"half a file", None], ids=["empty", "damaged", "foreign"])
def test_an_unreadable_state_is_one_line(
    photos: Path, backbone_folder: Path, tmp_path: Path, content: bytes | None
) -> None:
    (tmp_path / "state").mkdir()
    if content is None:
        torch.save({"another": torch.zeros(3)}, tmp_path / "state" / "state.pt")
    else:
        (tmp_path / "state" / "state.pt").write_bytes(content)
    with pytest.raises(InputError, match="not a readable training state; --restart starts afresh"):
        run_training(RECIPE, photos, backbone_folder, 0, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("regularizer", [GAN_LOSS, IMAGE_LOSS], ids=["gan", "image"])
def test_training_stopped_halfway_ends_with_the_same_weights(
    photos: Path,
    backbone_folder: Path,
    tmp_path: Path,
    regularizer: dict[str, Any],
    stopped_after: Callable[[int], None],
) -> None:
    recipe = with_regularizer(regularizer)
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "whole")
    stopped_after(5)
    with pytest.raises(KeyboardInterrupt):
        run_training(recipe, photos, backbone_folder, 0, tmp_path / "broken")
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "broken")
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert [row["step"] for row in log_rows(tmp_path / "whole")] == [3, 6]  # where it was validated
