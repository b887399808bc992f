"""Captions as the official script passes them on."""

from baselines.pasd.captions import replace_degradation


def test_words_for_a_degradation_become_their_opposite() -> None:
    assert replace_degradation("a blurry, noisy street") == "a clear, clean street"
