"""When a training counts as diverged."""

import math

from osediff.training.divergence import divergence


def test_a_loss_above_the_bound_is_divergence_and_a_large_gradient_is_not() -> None:
    assert divergence({"mse": 1001.0}, {}) == "mse is 1e+03, above 1000"
    assert divergence({"mse": 999.0}, {"generator_gradient": 1e6}) == ""


def test_what_is_not_finite_is_divergence() -> None:
    assert divergence({}, {"generator_gradient": math.inf}) == "generator_gradient is not finite"
    assert divergence({"vsd": math.nan}, {}) == "vsd is not finite"
