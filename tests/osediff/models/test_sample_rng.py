"""Random numbers of a batch: each sample's own, whatever batch it is in."""

from __future__ import annotations

import torch

from osediff.models.sample_rng import SampleRNG


def test_a_sample_s_numbers_do_not_depend_on_its_batch() -> None:
    whole, part = SampleRNG([1, 2, 3]), SampleRNG([2])
    like = torch.zeros(3, 4, 8, dtype=torch.float64)
    numbers = whole.normal(like)
    assert numbers.dtype == torch.float64 and numbers.shape == like.shape
    assert torch.equal(part.normal(like[:1])[0], numbers[1])
    integers = whole.integers(20, 980)
    assert integers.shape == (3,) and torch.equal(part.integers(20, 980), integers[1:2])
    assert not torch.equal(numbers[0], numbers[1])


def test_integers_are_below_the_upper_end() -> None:
    numbers = torch.cat([SampleRNG(list(range(200))).integers(3, 5)])
    assert set(numbers.tolist()) == {3, 4}
