"""Typed settings of pictures. They import nothing heavy, so that planning can build them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from benchmark.tables.specs import Preset
from osediff.common.settings import Settings, Text

Side = Annotated[int, Field(ge=1)]
Offset = Annotated[int, Field(ge=0)]
Box = tuple[Offset, Offset, Side, Side]  # left, top, width, height in pixels of the SR image


class PictureMethod(Settings):
    """A method of a picture: its title, the folder of its SR images, and its evaluation file, if it has one."""

    title: Text
    sr: Text
    rows: Text | None = None
    prompts: Text | None = None
    """File of the prompts with which it restored the test set, if it had any."""


class PictureImage(Settings):
    """One image of a picture, restored by each method."""

    image: Text
    """Its name without suffix."""
    test_set: Text
    """Title of its test set."""
    lr: Text
    hr: Text | None = None
    """Folder of the HR images; a test set without them has none."""
    scale_factor: Side
    metrics: tuple[Text, ...] = ()
    """Metrics whose values stand below the crops, as far as they were measured."""
    box: Box | None = None
    """The crop; null: the part with the most edges."""
    methods: tuple[PictureMethod, ...] = Field(min_length=1)


class PictureSpec(Settings):
    """Spec of benchmark.figures.visual_comparison."""

    title: Text
    preset: Preset
    images: tuple[PictureImage, ...] = Field(min_length=1)
    show_prompts: bool = False
    """Whether each method's prompt stands below the crops, as in the paper's Figure 4."""
    remarks: tuple[Text, ...] = ()
