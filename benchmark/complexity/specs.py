"""Settings of counting, timing, scaling and roofline, and of the configuration files behind them.

Imports nothing heavy, since planning uses these models at every start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from osediff.common.settings import Name, Positive, Settings, Text

Count = Annotated[int, Field(ge=1)]
Precision = Literal["fp32", "bf16", "fp16"]
Stage = Literal["files", "upsampling", "prompt extraction", "text encoder", "color fix"]
EntryPoint = Annotated[str, Field(pattern=r"^[a-z0-9_.]+:[a-z0-9_]+$")]
Options = dict[str, Any]  # keyword arguments of an entry point, whose own signature types them


class Interpretation(Settings):
    """The sum that comes nearest to a published figure, which nowhere says what it includes."""

    modules: Annotated[tuple[Text, ...], Field(min_length=1)]
    """The networks in the sum."""
    merged: bool = True
    """LoRA folded into the weights; false: beside the weights."""
    attention: tuple[Text, ...] = ()
    """Networks whose fused attention is counted too; fvcore has no rule for it."""
    plus: float = 0.0
    """A number to add, in the figure's unit, counted elsewhere."""
    plus_source: str = ""
    """What ``plus`` is."""


class Interpretations(Settings):
    """An interpretation for each published figure that has one."""

    gmacs: Interpretation | None = None
    mparams: Interpretation | None = None
    mparams_trainable: Interpretation | None = None


class ComplexityEntry(Settings):
    """An entry of config/complexity.yaml: a method that Table 2 counts."""

    title: Text
    steps: Count
    modules: EntryPoint
    """Returns the networks to count (osediff.common.profiling)."""
    pipeline: EntryPoint
    """Returns the run to time (benchmark.complexity.timing)."""
    backbone: Name
    """An entry of config/backbones.yaml, whose sizes the networks have."""
    extractor: bool
    """The networks of RAM, which extracts prompts, are counted and timed too."""
    size: Count
    """Side of the SR image in pixels."""
    published_interpretation: Interpretations = Interpretations()


class TimingProtocol(Settings):
    """An entry of config/timing.yaml: how a time is measured."""

    includes: tuple[Stage, ...]
    """What is timed beside the networks, where the method has it."""
    precision: Precision
    batch: Count
    warmup: Annotated[int, Field(ge=0)] | Literal["stable"]
    """Calls before the first that counts; ``stable``: until three in a row are within 5 %."""
    runs: Count | None
    """Runs that are timed; null: no limit."""
    seconds: Positive | None
    """Time after which no run starts; null: no limit."""
    statistic: Literal["median", "mean"]
    """What Table 2 shows."""
    compile: bool = False
    """Run the networks through torch.compile, on a GPU with CUDA graphs."""


class TimingChoice(Settings):
    """What the main file times for Table 2 and Figure 1(b): key ``timing``."""

    models: tuple[Name, ...]
    """Entries of config/complexity.yaml."""
    protocols: tuple[Name, ...]
    """Entries of config/timing.yaml; each model is timed by each."""
    baselines: bool
    """Time the active baselines too whose code and weights are here."""
    size: Count
    """Side of the SR image in pixels."""
    precision: Precision | None = None
    """Of our networks; null: the protocol's. Baselines have their own."""


class ScalingEntry(Settings):
    """An entry of config/scaling.yaml: the sizes and batches of one preset."""

    model: Name
    """An entry of config/complexity.yaml."""
    precision: Precision
    sizes: Annotated[tuple[Count, ...], Field(min_length=1)]
    """Sides of the SR image in pixels, rising."""
    batches: Annotated[tuple[Count, ...], Field(min_length=1)]
    """Images at once, rising."""
    batch_size: Count
    """Side in pixels of the images of a batch."""
    limit: Positive
    """Seconds of a run after which no larger point is tried."""


class CountSpec(Settings):
    """What ``benchmark.complexity.flops --spec`` reads."""

    title: Text
    steps: Count
    size: Count
    modules: EntryPoint
    options: Options
    lora: bool
    """Count with LoRA merged into the weights and with LoRA beside them (option ``merged`` of the entry point)."""
    contain: bool
    """Code that breaks becomes a record that says so, not an error."""


class TimingSpec(Settings):
    """What ``benchmark.complexity.timing --spec`` reads."""

    title: Text
    steps: Count
    size: Count
    pipeline: EntryPoint
    options: Options
    protocol: Name
    settings: TimingProtocol
    precision: Precision | None
    """The precision of the record: that of the protocol, or null if the official code of a baseline decides it."""
    contain: bool
    """Code that breaks becomes a record that says so, not an error."""


class ScalingSpec(Settings):
    """What ``benchmark.complexity.scaling --spec`` reads."""

    title: Text
    steps: Count
    pipeline: EntryPoint
    options: Options
    settings: TimingProtocol
    sizes: tuple[Count, ...]
    batches: tuple[Count, ...]
    batch_size: Count
    limit: Positive


class RooflineSpec(Settings):
    """What ``benchmark.complexity.roofline --spec`` reads."""

    title: Text
    size: Count
    modules: EntryPoint
    options: Options
    precision: Precision


class Table2Spec(Settings):
    """What ``benchmark.tables.complexity --spec`` reads."""

    interpretations: dict[str, Interpretations]
    """By the method's title."""


def entry_options(entry: ComplexityEntry, folder: str, sizes: Mapping[str, Any] | None) -> Options:
    """Return the options of ``entry``'s entry points: the sizes of its networks, or the folder that has them.

    Args:
        entry: the entry of config/complexity.yaml.
        folder: of its backbone.
        sizes: of its backbone where that has random weights.
    """
    return {"backbone": dict(sizes) if sizes else folder, "extractor": entry.extractor}
