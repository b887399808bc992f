"""The extraction of prompts goes on where it was stopped, and begins anew for other images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from osediff.prompts import extract as command
from osediff.prompts.prompt_file import (
    FolderSource,
    StreamSource,
    read_prompt_file,
)
from tests.osediff.prompts.extraction import prompt_source


class Letters:
    """Images of one pixel, named a, b and c."""

    def __init__(self) -> None:
        self.names = ["a", "b", "c"]
        self.source: FolderSource | StreamSource = FolderSource(
            kind="folder", scale_factor=4, process_size=32, sha256={}
        )

    def read(self, names: list[str]) -> Iterator[Tensor]:
        for name in names:
            yield torch.full((3, 1, 1), float(ord(name)))


def test_extraction_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    out = tmp_path / "prompts.json"

    def stopped(image: Tensor) -> str:
        if image[0, 0, 0] == ord("c"):
            raise KeyboardInterrupt
        return "first"

    with pytest.raises(KeyboardInterrupt):
        command.extract(out, prompt_source(), Letters(), stopped)
    with (tmp_path / ".prompts.json.partial").open("a") as file:
        file.write('["c", "half a li')
    command.extract(out, prompt_source(), Letters(), lambda _: "second")
    assert read_prompt_file(out).prompts == {"a": "first", "b": "first", "c": "second"}
    assert not (tmp_path / ".prompts.json.partial").exists()
    command.extract(out, prompt_source(process_size=64), Letters(), lambda _: "third")
    assert set(read_prompt_file(out).prompts.values()) == {"third"}
