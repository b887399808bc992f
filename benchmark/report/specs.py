"""Typed settings of the report. They import nothing heavy, so that planning can build them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from benchmark.tables.specs import ComparisonSpec, QualitySpec
from osediff.common.settings import Name, Settings, Text


class ReportChoice(Settings):
    """The key ``report`` of the main configuration: how much of a run the report's folder gets."""

    images: Annotated[int, Field(ge=1)] | None = None
    """Images of each test set that are copied: those on which the methods differ most. Null: all of them."""
    methods: tuple[Name, ...] = ()
    """Methods whose images are copied. Empty: all of them."""


class TestSetFiles(Settings):
    """Files of a test set: folders of its LR and HR images, and its manifest."""

    __test__ = False

    lr: Text
    hr: Text | None = None
    """Null: there are no HR images."""
    manifest: Text


class MethodFiles(Settings):
    """Files of one method on one test set."""

    sr: Text
    """Folder of its SR images."""
    record: Text | None = None
    """run.json of its restoration, if a rule wrote one."""
    prompts: Text | None = None
    """Prompt file, if it has prompts for each image."""


class Training(Settings):
    """A training whose curves are shown: a folder with log.jsonl, outcome.json and, maybe, samples/."""

    title: Text
    folder: Text


class ReportSpec(Settings):
    """Spec of ``python -m benchmark.report build`` and ``export``."""

    comparison: ComparisonSpec
    """What is compared: methods, test sets, metrics."""
    tables: dict[Name, QualitySpec]
    protocol: Name
    """The protocol of the main configuration."""
    device: Text
    choice: ReportChoice
    test_sets: dict[str, TestSetFiles]
    methods: dict[str, dict[str, MethodFiles]]
    """By method and test set."""
    trainings: tuple[Training, ...]
    further: dict[str, Text]
    """Results that are shown if they exist (Table 2, ablations), with the sha256 of their content, so that the report
    is made again when one of them changes."""
