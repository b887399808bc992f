"""Records of counts and times: one JSON format for each, written and read only here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field

from benchmark.complexity.specs import Count, Precision
from osediff.common.files import read_json, write_json
from osediff.common.settings import Name, Settings, Text, parse

Amount = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]


class ModuleCount(Settings):
    """Cost of one network for one image, over all its calls."""

    name: Text
    calls: Count
    macs: Amount
    """Multiply-adds without those of attention."""
    attention_macs: Amount
    """Multiply-adds of attention: products of two activations."""
    parameters: Amount
    trainable_parameters: Amount
    uncounted: dict[str, int]
    """Operators that no rule counts, with their number."""


class MethodCount(Settings):
    """Cost of a method's networks for one image of ``size`` pixels a side."""

    title: Text
    steps: Count
    size: Count
    merged: tuple[ModuleCount, ...] = ()
    """Every network; LoRA, if there is any, is merged into the weights."""
    unmerged: tuple[ModuleCount, ...] = ()
    """The same with LoRA beside the weights; empty if there is no LoRA."""
    failed: str = ""
    """Why nothing could be counted."""


class Distribution(Settings):
    """Seconds of a run; ``seconds`` is the protocol's statistic."""

    seconds: Seconds
    median: Seconds
    mean: Seconds
    p5: Seconds
    p95: Seconds
    runs: Count
    warmup: Amount
    """Number of calls before the first timed call."""


class Machine(Settings):
    """Everything besides the method that a time depends on: device, versions, clocks."""

    device: Text
    torch: Text
    threads: Count
    clock: str = ""
    power_limit: str = ""
    driver: str = ""
    cuda: str = ""


class Timing(Settings):
    """One measured time, or the reason why there is none."""

    title: Text
    steps: Count
    size: Count
    batch: Count
    precision: Precision | None
    """None: the official code of a baseline decides it."""
    compiled: bool
    protocol: Name
    machine: Machine
    includes: str = ""
    """The timed steps, in words."""
    times: Distribution | None = None
    peak_memory: Amount = 0
    """Bytes."""
    failed: str = ""
    """Why there is no time."""


Record = TypeVar("Record", MethodCount, Timing)


def read_record(path: Path, kind: type[Record]) -> Record:
    """Read a record; InputError, in one line, where the file is none of this kind."""
    return parse(read_json(path), kind, str(path))


def write_record(path: Path, record: Settings) -> None:
    """Write a record as JSON."""
    write_json(path, record.model_dump(mode="json"))
