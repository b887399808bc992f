"""Shards: the parts of a test set that several jobs restore or measure, and how the parts become one folder again.

    python -m osediff.common.shards --shards DIR... --output DIR --record FILE.json

Each DIR has SR/ and run.json of one shard, in their order. The result is that of one job for all images, to the byte.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import read_json, write_json

Item = TypeVar("Item")
LOCK = ".lock"


@dataclass(frozen=True)
class Shard:
    """Part ``number`` (from 1) of ``count`` parts."""

    number: int
    count: int

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Return the items of this shard: a block, so that the shards in order give all items in order.

        InputError if there are fewer items than shards.
        """
        if len(items) < self.count:
            raise InputError(f"{self.count} shards of {len(items)} images or batches: take fewer shards")
        first, end = (len(items) * number // self.count for number in (self.number - 1, self.number))
        return list(items[first:end])


def parse_shard(text: str) -> Shard:
    """Parse ``2-of-8``, as Snakemake writes it."""
    match = re.fullmatch(r"(\d+)-of-(\d+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no shard; write one as 2-of-8")
    return Shard(int(match[1]), int(match[2]))


def add_shard_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that restore a folder."""
    parser.add_argument("--shard", type=parse_shard, metavar="I-of-N", help="only this part of the images")
    parser.add_argument(
        "--progress", type=Path, help="folder that keeps finished images when the command is killed (default: --output)"
    )


def link(source: str, target: str) -> None:
    """Make ``target`` the same file as ``source``, without a second copy on disk where the file system can."""
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # two file systems, or one without hard links
        shutil.copy2(source, target)


def link_folder(source: Path, target: Path) -> None:
    """Give ``target`` every file of ``source``, and no other image."""
    target.mkdir(parents=True, exist_ok=True)
    for image in target.glob("*.png"):
        if not (source / image.name).exists():
            image.unlink()
    for path in source.iterdir():
        if path.name != LOCK and not path.name.startswith(".snakemake"):
            link(str(path), str(target / path.name))


def gather(shards: Sequence[Path], output: Path, record: Path) -> None:
    """Make one folder of images and one record of those of all shards.

    Where a shard failed, the record is that of the first one, and ``output`` stays empty.

    Raises:
        InputError: the shards were made with different settings.
    """
    with suppress(FileNotFoundError):
        shutil.rmtree(output)
    output.mkdir(parents=True)
    records = [read_json(shard / "run.json") for shard in shards]
    failed = next((content for content in records if content.get("failed")), None)
    if failed is not None:
        write_json(record, failed)
        return
    images = {stem: digests for content in records for stem, digests in content.pop("images").items()}
    for shard, content in zip(shards, records, strict=True):
        if content != records[0]:
            raise InputError(f"{shard}: was made with other settings than {shards[0]}; restore both again")
        for path in sorted((shard / "SR").glob("*.png")):
            link(str(path), str(output / path.name))
    write_json(record, {**records[0], "images": images})


def main() -> None:
    """Gather shards."""
    parser = make_parser("osediff.common.shards", __doc__)
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="folders with SR/ and run.json, in order")
    parser.add_argument("--output", type=Path, required=True, help="folder for all SR images")
    parser.add_argument("--record", type=Path, required=True, help="JSON record to write")
    args = parser.parse_args()
    gather(args.shards, args.output, args.record)


if __name__ == "__main__":
    run(main)
