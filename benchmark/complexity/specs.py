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
    """The sum that comes nearest to a published figure. No paper says what its figures include."""

    modules: Annotated[tuple[Text, ...], Field(min_length=1)]
    """The networks in the sum."""
    merged: bool = True
    """Whether LoRA is merged into the weights; otherwise it is beside them."""
    attention: tuple[Text, ...] = ()
    """Networks whose fused attention is counted too; fvcore alone has no rule for it."""
    plus: float = 0.0
    """A number to add, in the figure's unit, that was counted elsewhere."""
    plus_source: str = ""
    """Description of ``plus``."""


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
    """Steps that are timed besides the networks, if the method has them."""
    precision: Precision
    batch: Count
    warmup: Annotated[int, Field(ge=0)] | Literal["stable"]
    """Number of calls before the first timed call; ``stable``: until three in a row are within 5 %."""
    runs: Count | None
    """Runs that are timed; null: no limit."""
    seconds: Positive | None
    """Time after which no run starts; null: no limit."""
    statistic: Literal["median", "mean"]
    """The statistic of the runs that Table 2 shows."""
    compile: bool = False
    """Run the networks through torch.compile, on a GPU with CUDA graphs."""


class TimingChoice(Settings):
    """Key ``timing`` of the main file: the times of Table 2 and Figure 1(b)."""

    models: tuple[Name, ...]
    """Entries of config/complexity.yaml."""
    protocols: tuple[Name, ...]
    """Entries of config/timing.yaml; each model is timed by each."""
    baselines: bool
    """Whether the active baselines are timed too, if their code and weights are here."""
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
    """Sides of the SR image in pixels, in rising order."""
    batches: Annotated[tuple[Count, ...], Field(min_length=1)]
    """Numbers of images at once, in rising order."""
    batch_size: Count
    """Side in pixels of the images of a batch."""
    limit: Positive
    """Seconds of a run after which no larger point is tried."""


class CountSpec(Settings):
    """Spec of ``benchmark.complexity.flops``."""

    title: Text
    steps: Count
    size: Count
    modules: EntryPoint
    options: Options
    lora: bool
    """Count with LoRA merged into the weights and with LoRA beside them (option ``merged`` of the entry point)."""
    contain: bool
    """Whether a failure of the code becomes a record with the reason instead of an error."""


class TimingSpec(Settings):
    """Spec of ``benchmark.complexity.timing``."""

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
    """Whether a failure of the code becomes a record with the reason instead of an error."""


class ScalingSpec(Settings):
    """Spec of ``benchmark.complexity.scaling``."""

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
    """Spec of ``benchmark.complexity.roofline``."""

    title: Text
    size: Count
    modules: EntryPoint
    options: Options
    precision: Precision


class Table2Spec(Settings):
    """Spec of ``benchmark.tables.complexity``."""

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
