"""Color correction takes over colors and leaves detail."""

from __future__ import annotations

import numpy as np
import torch

from osediff.data.color import FIXES, adain, blurred, wavelet


def test_adain_takes_over_the_statistics() -> None:
    rng = np.random.default_rng(0)
    image, reference = (torch.from_numpy(rng.random((3, 9, 7)) * scale) for scale in (1, 5))
    fixed = adain(image, reference)
    assert torch.allclose(fixed.mean((1, 2)), reference.mean((1, 2)))
    assert torch.allclose(fixed.std((1, 2)), reference.std((1, 2)), rtol=1e-4)


def test_wavelet_swaps_the_low_frequencies() -> None:
    rng = np.random.default_rng(0)
    image, reference = (torch.from_numpy(rng.random((3, 70, 90))) for _ in range(2))
    fixed = wavelet(image, reference)
    assert torch.allclose(fixed - blurred(reference), image - blurred(image))
    # A constant color has no detail: the image's own detail on that color remains.
    gray = torch.full_like(image, 0.25)
    assert torch.allclose(wavelet(image, gray), image - blurred(image) + 0.25)
    assert torch.allclose(wavelet(gray, reference), blurred(reference))


def test_the_low_frequencies_are_those_of_a_five_level_wavelet() -> None:
    # The response to an impulse, along a row: (1, 2, 1) / 4 with gaps of 1, 2, 4, 8 and 16, convolved.
    impulse = np.array([1.0])
    for level in range(5):
        taps = np.zeros(2 * 2**level + 1)
        taps[[0, 2**level, -1]] = 0.25, 0.5, 0.25
        impulse = np.convolve(impulse, taps)
    image = torch.zeros(3, 129, 129, dtype=torch.float64)
    image[:, 64, 64] = 1
    expected = np.zeros((129, 129))
    expected[33:96, 33:96] = np.outer(impulse, impulse)
    assert np.allclose(blurred(image)[1].numpy(), expected)


def test_none_changes_nothing() -> None:
    image = torch.rand(3, 4, 4)
    assert FIXES["none"](image, torch.rand(3, 4, 4)) is image
