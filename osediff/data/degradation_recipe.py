"""Typed settings of the random degradation (config/degradations.yaml). Light: imports neither torch nor OpenCV."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from osediff.common.settings import Probability, ScaleFactor, Settings

KernelName = Literal["iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso"]
Span = tuple[float, float]


def check_span(name: str, span: Span, low: float, high: float) -> None:
    """Raise ValueError unless ``low`` <= first <= second <= ``high``."""
    if not low <= span[0] <= span[1] <= high:
        raise ValueError(f"{name} must be two rising numbers from {low:g} to {high:g}, not {list(span)}")


class Blur(Settings):
    """Random blur kernel of 7 to 21 pixels a side."""

    probability: Probability
    """Probability of a blur."""
    sinc_probability: Probability
    """Probability of a sinc kernel in place of one of ``kernels``."""
    sigma: Span
    """Range of the width, in pixels."""
    generalized_beta: Span
    """Range of the shape exponent of generalized Gaussians; the lower half of the draws lies below 1."""
    plateau_beta: Span
    """Range of the shape exponent of plateau kernels."""
    kernels: Annotated[dict[KernelName, Annotated[float, Field(ge=0)]], Field(min_length=1)]
    """Relative frequency of each kernel family."""

    @model_validator(mode="after")
    def _check_ranges(self) -> Self:
        check_span("sigma", self.sigma, 1e-3, 100)
        check_span("generalized_beta", self.generalized_beta, 1e-3, 100)
        check_span("plateau_beta", self.plateau_beta, 1e-3, 100)
        if not sum(self.kernels.values()) > 0:
            raise ValueError("kernels: at least one weight must be greater than 0")
        return self


class Resize(Settings):
    """Random change of size."""

    up_down_keep: tuple[Probability, Probability, Probability]
    """Probabilities of upsampling, reducing and keeping the size; they sum to 1."""
    range: Span
    """Smallest and largest factor."""

    @model_validator(mode="after")
    def _check_ranges(self) -> Self:
        check_span("range", self.range, 0.01, 10)
        if abs(sum(self.up_down_keep) - 1) > 1e-6:
            raise ValueError(f"up_down_keep must sum to 1, not {sum(self.up_down_keep):g}")
        return self


class Noise(Settings):
    """Random noise: Gaussian or Poisson shot noise, in color or gray."""

    gaussian_probability: Probability
    """Probability of Gaussian noise; otherwise it is Poisson noise."""
    sigma: Span
    """Range of the Gaussian deviation, in 1/255."""
    poisson_scale: Span
    """Range of the factor of the shot noise."""
    gray_probability: Probability
    """Probability of the same noise in all channels."""

    @model_validator(mode="after")
    def _check_ranges(self) -> Self:
        check_span("sigma", self.sigma, 0, 255)
        check_span("poisson_scale", self.poisson_scale, 0, 255)
        return self


class Stage(Settings):
    """One round of blur, resize, noise and JPEG."""

    blur: Blur
    resize: Resize
    noise: Noise
    jpeg: Span | None
    """Range of the JPEG quality, 1 to 100; null for no compression."""

    @model_validator(mode="after")
    def _check_ranges(self) -> Self:
        if self.jpeg is not None:
            check_span("jpeg", self.jpeg, 1, 100)
        return self


class Degradation(Settings):
    """How an LR image is made from an HR image: stages in order; the last one ends at LR size."""

    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    final_sinc_probability: Probability
    """Of a sinc filter at the end."""


class DegradationSpec(Settings):
    """Settings of ``python -m osediff.data.degradation``."""

    degradation: Degradation
    scale_factor: ScaleFactor = 4
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
