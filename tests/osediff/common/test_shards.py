"""Parts of a test set: together they are the whole, to the byte, and what is finished stays when a job is killed."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osediff.common.errors import InputError
from osediff.common.files import read_json
from osediff.common.images import write_png
from osediff.common.restore_folder import restore_batches, write_failure
from osediff.common.shards import Shard, gather, parse_shard


@given(st.integers(1, 40), st.data())
def test_shards_in_order_are_all_items_and_differ_by_one_at_most(count: int, data: st.DataObject) -> None:
    items = list(range(data.draw(st.integers(count, 200))))
    parts = [Shard(number, count).of(items) for number in range(1, count + 1)]
    assert [item for part in parts for item in part] == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_more_shards_than_images_are_refused() -> None:
    with pytest.raises(InputError, match="4 shards of 3 images or batches: take fewer shards"):
        Shard(1, 4).of([1, 2, 3])


@pytest.mark.parametrize("text", ["0-of-2", "3-of-2", "2", "one-of-two", "1-of-2-of-3"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write one as 2-of-8"):
        parse_shard(text)


def write_images(folder: Path) -> None:
    """Write nine images of two sizes."""
    rng = np.random.default_rng(0)
    for number in range(9):
        write_png(folder / f"{number}.png", rng.integers(0, 256, (4, 4 + 2 * (number // 5), 3), np.uint8))


def double(images: list[np.ndarray], stems: list[str]) -> list[np.ndarray]:
    """Repeat pixels; the first one says how many images were restored together."""
    restored = [image.repeat(2, 0).repeat(2, 1) for image in images]
    for image in restored:
        image[0, 0] = len(images)
    return restored


def contents(folder: Path) -> dict[str, bytes]:
    """Return the images of a folder and the record beside it."""
    return {path.name: path.read_bytes() for path in [*folder.glob("*.png"), folder.parent / "run.json"]}


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_gathered_shards_are_the_folder_of_one_run(tmp_path: Path, batch: int, count: int) -> None:
    write_images(tmp_path / "LR")
    whole, parts = tmp_path / "whole", [tmp_path / f"{n}-of-{count}" for n in range(1, count + 1)]
    made_by = {"method": "double"}
    restore_batches(tmp_path / "LR", whole / "SR", whole / "run.json", double, made_by, 2, batch)
    for part in reversed(parts):
        shard = parse_shard(part.name)
        record, progress = part / "run.json", part / ".progress"
        restore_batches(tmp_path / "LR", part / "SR", record, double, made_by, 2, batch, shard, progress)
    gather(parts, tmp_path / "gathered" / "SR", tmp_path / "gathered" / "run.json")
    assert contents(tmp_path / "gathered" / "SR") == contents(whole / "SR")
    assert len(contents(whole / "SR")) == 10


def test_a_killed_job_keeps_its_images_beside_the_output_which_is_whole_or_absent(tmp_path: Path) -> None:
    write_images(tmp_path / "LR")
    asked: list[str] = []

    def stop_at_5(images: list[np.ndarray], stems: list[str]) -> list[np.ndarray]:
        if stems == ["5"] and "5" not in asked:
            asked.append("5")
            raise KeyboardInterrupt
        asked.extend(stems)
        return double(images, stems)

    def restore() -> None:
        output, record, progress = (tmp_path / name for name in ("SR", "run.json", ".progress"))
        restore_batches(tmp_path / "LR", output, record, stop_at_5, {}, 2, progress=progress)

    with pytest.raises(KeyboardInterrupt):
        restore()
    assert not (tmp_path / "SR").exists() and not (tmp_path / "run.json").exists()
    restore()
    assert asked == [*"012345", *"5678"]
    assert len(list((tmp_path / "SR").glob("*.png"))) == 9
    # The files are the same ones: they take no room twice.
    assert (tmp_path / "SR" / "0.png").samefile(tmp_path / ".progress" / "0.png")


def test_shards_of_other_settings_are_refused_and_a_failed_one_fails_all(tmp_path: Path) -> None:
    write_images(tmp_path / "LR")
    parts = [tmp_path / f"{n}-of-2" for n in (1, 2)]
    for seed, part in enumerate(parts):
        shard = parse_shard(part.name)
        restore_batches(tmp_path / "LR", part / "SR", part / "run.json", double, {"seed": seed}, 2, shard=shard)
    with pytest.raises(InputError, match=r"2-of-2: was made with other settings than .*1-of-2; restore both again"):
        gather(parts, tmp_path / "SR", tmp_path / "run.json")
    write_failure(parts[1] / "run.json", {"seed": 0}, "no memory", ["last line"])
    gather(parts, tmp_path / "SR", tmp_path / "run.json")
    assert read_json(tmp_path / "run.json")["failed"] == "no memory"
    assert list((tmp_path / "SR").iterdir()) == []
