"""How a test set is split among jobs, and for how long a job asks: shards, and minutes by published seconds."""

from __future__ import annotations

import csv
from functools import cache
from math import ceil
from pathlib import Path

from osediff.common.errors import InputError
from osediff.common.validation import check_name
from workflow.planning.configuration import Configuration
from workflow.planning.settings import BaselineMethod

PUBLISHED = Path("config/published/osediff-tables-2-7.csv")
START_MINUTES = 30  # for a queue's file system, imports and weights
MARGIN = 1.5  # other GPUs than the A100 of the published seconds
FEED_FORWARD_SECONDS = 1.0  # of methods without published seconds: GANs need less


def images(bench: Configuration, test_set: str) -> int | None:
    """Return the number of images of a complete test set; None if the registry does not say it."""
    entry = bench.test_sets[test_set]
    return len(entry.cut.crops) if entry.kind == "photos" else entry.images


def counts(bench: Configuration) -> dict[str, int]:
    """Return the number of shards of every test set: what the main file says, else one."""
    return {name: bench.main.shards.get(name, 1) for name in bench.test_sets}


def check(bench: Configuration) -> None:
    """Raise InputError for shards that cannot be."""
    for name, count in bench.main.shards.items():
        check_name("test set", name, bench.test_sets, "configuration: shards")
        known = images(bench, name)
        if known is not None and count > known:
            raise InputError(f"configuration: shards: {name}: {count} shards of {known} images; take fewer")
        baselines = [m for m in bench.main.methods if isinstance(bench.methods[m], BaselineMethod)]
        if count > 1 and baselines and bench.main.baselines.seed_mode == "official_stream":
            raise InputError(
                f"configuration: shards: {name}: seed_mode official_stream restores all images in one order;"
                " take one shard, or seed_mode: per_image"
            )


@cache
def published_seconds() -> dict[str, float]:
    """Return the seconds per image of Table 2, by the method's published name."""
    with PUBLISHED.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["table"] == "table2" and row["metric"] == "seconds"]
    return {row["method"]: float(row["value"]) for row in rows}


def minutes(bench: Configuration, method: str, test_set: str, jobs: int) -> int:
    """Return for how many minutes a job asks that restores one of ``jobs`` parts of a test set."""
    entry = bench.methods[method]
    seconds = published_seconds().get(entry.published or entry.title, FEED_FORWARD_SECONDS)
    return START_MINUTES + ceil(MARGIN * seconds * (images(bench, test_set) or 0) / jobs / 60)
