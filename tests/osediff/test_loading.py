"""A model that is shown or given to others: its training converged, and another backbone is said."""

from __future__ import annotations

import shutil
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from osediff import tool
from osediff.common.errors import InputError
from osediff.loading import load_trained
from osediff.outcome import Outcome, write_outcome
from osediff.provenance import backbone_hash


@pytest.mark.parametrize("command", [["export", "OUT"], ["app"]])
def test_a_training_that_did_not_converge_is_one_line(
    checkpoint: Path, tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    gradio = ModuleType("gradio")
    gradio.__spec__ = ModuleSpec("gradio", None)
    monkeypatch.setitem(sys.modules, "gradio", gradio)
    shutil.copytree(checkpoint, tmp_path / "diverged")
    write_outcome(tmp_path / "diverged", Outcome(converged=False, step=3, reason="loss is nan"))
    with pytest.raises(InputError, match="diverged: training did not converge: loss is nan at step 3; name another"):
        tool.execute([*command, "--checkpoint", "diverged"])
    assert not (tmp_path / "OUT").exists()


def test_another_backbone_is_said_and_stands_on_the_card(
    checkpoint: Path, backbone_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of the same shape, with another file in it."""
    shutil.copytree(backbone_folder, tmp_path / "other")
    (tmp_path / "other" / "unet" / "notes.txt").write_text("other weights")
    here, trained_on = backbone_hash(tmp_path / "other"), backbone_hash(backbone_folder)
    load_trained(checkpoint, tmp_path / "other").save_pretrained(tmp_path / "OUT")
    note = f"restored on another backbone ({here[:12]}) than the variant was trained on ({trained_on[:12]})"
    assert f"{checkpoint}: {note}" in capsys.readouterr().err
    card = (tmp_path / "OUT" / "README.md").read_text()
    assert f"| sha256 of the backbone in training | {trained_on} |" in card
    assert f"| sha256 of the backbone here | {here} |" in card
    load_trained(checkpoint, backbone_folder)
    assert "another backbone" not in capsys.readouterr().err
