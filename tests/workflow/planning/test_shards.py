"""Shards of the main file, and the minutes that a job asks for."""

from __future__ import annotations

import pytest

from osediff.common.errors import InputError
from tests.helpers import ROOT
from tests.workflow.planning.configurations import PAPER
from workflow.planning import loader, shards


def test_a_stream_of_random_numbers_is_not_split() -> None:
    main = PAPER | {"shards": {"drealsr": 2}, "baselines": PAPER["baselines"] | {"seed_mode": "official_stream"}}
    with pytest.raises(InputError, match="shards: drealsr: seed_mode official_stream restores all images in one order"):
        shards.check(loader.load(main, ROOT))


def test_a_job_asks_for_the_published_time_of_its_part_and_half_as_much_again() -> None:
    loaded = loader.load(PAPER, ROOT)
    whole, part = (shards.minutes(loaded, "stablesr", "div2k-val", jobs) for jobs in (1, 20))
    assert (whole, part) == (30 + 863, 30 + 44)  # 3,000 images of 11.5 s on an A100: 575 minutes
    assert shards.minutes(loaded, "bsrgan", "drealsr", 1) == 30 + 3  # no published seconds


def test_every_method_of_table_2_has_its_published_seconds() -> None:
    names = {entry.published or entry.title for entry in loader.load(PAPER, ROOT).methods.values()}
    assert set(shards.published_seconds()) <= names
