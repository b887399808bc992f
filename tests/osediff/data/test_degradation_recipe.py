"""Settings of the degradation: ranges that cannot be are one line."""

from __future__ import annotations

from typing import Any

import pytest

from osediff.common.errors import InputError
from osediff.common.settings import parse
from osediff.data.degradation_recipe import Degradation
from tests.osediff.tiny import DEGRADATION_CONTENT


def stage(part: str, **change: Any) -> dict[str, Any]:
    """The tests' degradation, one part of its stage changed."""
    (first,) = DEGRADATION_CONTENT["stages"]
    changed = first | ({part: first[part] | change} if part != "jpeg" else change)
    return DEGRADATION_CONTENT | {"stages": [changed]}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (stage("blur", sigma=[3.0, 0.2]), "sigma must be two rising numbers from 0.001 to 100, not [3.0, 0.2]"),
        (stage("blur", kernels={"iso": 0.0}), "kernels: at least one weight must be greater than 0"),
        (stage("blur", kernels={"isotropic": 1.0}), "isotropic"),
        (stage("resize", range=[0.0, 1.5]), "range must be two rising numbers from 0.01 to 10"),
        (stage("resize", up_down_keep=[0.5, 0.5, 0.5]), "up_down_keep must sum to 1, not 1.5"),
        (stage("noise", sigma=[1, 300]), "sigma must be two rising numbers from 0 to 255"),
        (stage("jpeg", jpeg=[0, 95]), "jpeg must be two rising numbers from 1 to 100"),
        (DEGRADATION_CONTENT | {"stages": []}, "stages"),
        (DEGRADATION_CONTENT | {"final_sinc_probability": 1.5}, "final_sinc_probability"),
    ],
)
def test_a_range_that_cannot_be_is_one_line(content: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as error:
        parse(content, Degradation, "degradations.yaml")
    assert (
        line in str(error.value) and str(error.value).startswith("degradations.yaml") and "\n" not in str(error.value)
    )


def test_compression_can_be_left_out() -> None:
    assert parse(stage("jpeg", jpeg=None), Degradation, "degradations.yaml").stages[0].jpeg is None
