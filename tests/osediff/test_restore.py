"""The restoration command: a folder of SR images and a record, the same whether it was interrupted or not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osediff import restore
from osediff.common.errors import InputError
from osediff.common.files import read_json, write_json
from osediff.common.images import list_images, read_rgb, write_png
from osediff.pipeline import OSEDiff
from osediff.prompts.prompt_file import (
    PromptFile,
)
from osediff.provenance import note_backbone
from tests.osediff.prompts.extraction import prompt_source


def test_command_line_writes_the_same_whether_interrupted_or_not(
    checkpoint: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(3):
        write_png(tmp_path / "LR" / f"{index}.png", np.full((8, 8, 3), 60 * index, np.uint8))
    command = ["restore", "--input", tmp_path / "LR", "--output", tmp_path / "SR"]
    command += ["--checkpoint", checkpoint, "--backbone", backbone_folder, "--record", tmp_path / "run.json"]
    command += ["--batch", "2", "--precision", "bf16"]
    monkeypatch.setattr(sys, "argv", list(map(str, command)))
    restore.main()
    images = {stem: read_rgb(path) for stem, path in list_images(tmp_path / "SR").items()}
    assert sorted(images) == ["0", "1", "2"] and (tmp_path / "run.json").exists()
    (tmp_path / "SR" / "1.png").unlink()
    restore.main()
    again = {stem: read_rgb(path) for stem, path in list_images(tmp_path / "SR").items()}
    assert all(np.array_equal(images[stem], again[stem]) for stem in images)


def test_restoration_takes_tags_and_words_in_the_official_form(
    checkpoint: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_png(tmp_path / "LR" / "a.png", np.full((8, 8, 3), 90, np.uint8))
    for name, source in (("p", prompt_source()), ("other", prompt_source(process_size=64))):
        content = PromptFile(made_by=source, prompts={"a": "cat, tree"}, seconds=0.1)
        write_json(tmp_path / f"{name}.json", content.model_dump(mode="json"))
    seen: list[str] = []
    plain = OSEDiff.restore

    def watched(model: Any, images: Any, prompts: list[str], seeds: list[int]) -> Any:
        seen.extend(prompts)
        return plain(model, images, prompts, seeds)

    monkeypatch.setattr(OSEDiff, "restore", watched)
    fixed = ["--input", tmp_path / "LR", "--checkpoint", checkpoint, "--backbone", backbone_folder]

    def run(*options: Any) -> None:
        line = ["restore", *fixed, "--output", tmp_path / f"SR{len(seen)}", *options]
        monkeypatch.setattr(sys, "argv", [*map(str, line), "--record", str(tmp_path / f"run{len(seen)}.json")])
        restore.main()

    run()
    run("--prompt", "sharp")
    run("--prompts", tmp_path / "p.json", "--prompt", "sharp")
    assert seen == ["", "sharp", "cat, tree, sharp,"]
    records = [read_json(tmp_path / f"run{n}.json") for n in range(3)]
    assert [record["prompts"] for record in records] == ["null", "null", "dape"]
    assert [record["prompt"] for record in records] == ["", "sharp", "sharp"]
    with pytest.raises(InputError, match="extracted at process_size 64, the variant restores at 32"):
        run("--prompts", tmp_path / "other.json")


def test_images_of_another_backbone_than_that_of_the_training_have_a_note(tmp_path: Path) -> None:
    assert note_backbone(tmp_path, "a" * 64) == "", "a converted checkpoint does not know its backbone"
    write_json(tmp_path / "provenance.json", {"backbone": "a" * 64})
    assert note_backbone(tmp_path, "a" * 64) == ""
    note = "restored on another backbone (bbbbbbbbbbbb) than the variant was trained on (aaaaaaaaaaaa)"
    assert note_backbone(tmp_path, "b" * 64) == note
