"""The files that an extractor needs: named where they are missing, hashed where they are here."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.errors import InputError
from osediff.common.files import sha256
from osediff.prompts.extractors import WEIGHTS, hash_weights, parse_folders


@pytest.mark.parametrize("given", [[], ["ram=here", "ram-tags=here"]])
def test_missing_weights_are_named(given: list[str]) -> None:
    with pytest.raises(InputError, match="needs --weights ram=DIR" if not given else r"here: lacks ram_swin_large_14m"):
        parse_folders("dape", given)


def test_every_file_that_decides_the_prompts_is_hashed(tmp_path: Path) -> None:
    folders = {}
    for folder, files in WEIGHTS["dape"].items():
        (tmp_path / folder).mkdir()
        folders[folder] = f"{folder}={tmp_path / folder}"
        for file in files:
            (tmp_path / folder / file).write_text(file)
    digests = hash_weights("dape", parse_folders("dape", list(folders.values())))
    assert digests.keys() == {
        "ram/ram_swin_large_14m.pth",
        "ram-tags/ram_tag_list.txt",
        "ram-tags/ram_tag_list_threshold.txt",
        "dape/DAPE.pth",
    }
    assert digests["dape/DAPE.pth"] == sha256(tmp_path / "dape" / "DAPE.pth")


def test_the_shards_of_a_captioner_are_hashed_too(tmp_path: Path) -> None:
    for file in (*WEIGHTS["llava"]["llava"], "model-00001-of-00002.safetensors"):
        (tmp_path / file).write_text(file)
    digests = hash_weights("llava", {"llava": tmp_path})
    assert "llava/model-00001-of-00002.safetensors" in digests and len(digests) == 3
