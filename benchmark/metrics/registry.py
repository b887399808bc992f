"""The metric registry, config/metrics.yaml: the metrics, how each is computed, and how tables show it.

Planning, evaluation, statistics, tables and figures read the registry by this module. It imports only pydantic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from osediff.common.artifacts.model import Artifact
from osediff.common.settings import Name, Settings, Text, parse
from osediff.common.validation import check_name, read_yaml

Count = Annotated[int, Field(ge=1)]
Options = dict[str, str | int | float | bool]


class ProtocolVersion(Settings):
    """Name and version of the base protocol; they stand on every row that is measured by it."""

    id: Name
    version: Count


class MetricChange(Settings):
    """The change of one metric by a protocol; keys that are not given stay as they are."""

    name: Text | None = None
    """The library's name of the metric."""
    options: Options | None = None
    """Keyword arguments, in place of all those of the metric."""
    weights: tuple[Text, ...] | None = None
    """Keys of ``weights``."""
    alternative_weights: tuple[Text, ...] | None = None
    """Keys of ``weights``: other files with the same values."""
    random_crops: Count | None = None
    """Number of random crops whose values are averaged."""


class Measure(Settings):
    """How a metric is computed: the settings that decide its values."""

    higher_is_better: bool
    level: Literal["image", "set"]
    """Whether there is one value for each image, or one for the whole test set."""
    needs_reference: bool = True
    """Whether it compares with an HR image; a metric that does not is measured on test sets without HR too."""
    needs_lr: bool = False
    """Whether it compares with the LR image, which it gets in place of the HR image."""
    min_size: Count
    """Least length of the shorter side of an image, in pixels."""
    side_multiple: Count = 1
    """Images are cut, on the right and below, to a multiple of this on each side."""
    self_score: float | None = None
    """Score of an image against itself; every evaluation checks it."""
    library: Literal["suite", "pyiqa", "clean-fid"]
    name: Text | None = None
    """The library's name of the metric."""
    options: Options
    """Keyword arguments of the metric."""
    weights: tuple[Text, ...]
    """Keys of ``weights``: the files that the metric needs."""
    alternative_weights: tuple[Text, ...] = ()
    """Keys of ``weights``: other files with the same values, used if the first ones are missing."""
    random_crops: Count | None = None
    """Number of random crops whose values are averaged."""
    not_measured: Text | None = None
    """Why this suite never measures it; its published values are shown all the same."""

    @model_validator(mode="after")
    def _needs_a_name(self) -> Measure:
        if self.library != "suite" and self.name is None:
            raise ValueError(f"key 'name' is missing: what {self.library} calls the metric")
        if self.needs_lr and (self.library != "suite" or self.needs_reference):
            raise ValueError("needs_lr: only a metric of library suite with needs_reference: false can have it")
        return self

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.higher_is_better else -1

    @property
    def weight_choices(self) -> list[tuple[str, ...]]:
        """The sets of weights with which the metric can be measured, best first."""
        return [self.weights, *([self.alternative_weights] if self.alternative_weights else [])]


class Metric(Measure):
    """A metric: how it is computed, and how tables and figures show it."""

    title: Text
    unit: Text
    range: tuple[float | None, float | None]
    """Lowest and highest value; null if there is no bound."""
    decimals: Annotated[int, Field(ge=0, le=6)]
    """Digits that tables show."""
    protocol: ProtocolVersion | None = None
    """The protocol on its rows, if it is no part of the registry's base protocol."""

    @property
    def heading(self) -> str:
        """Column name in tables: the title and the direction that is better."""
        return self.title + ("↑" if self.higher_is_better else "↓")

    def printed(self, value: float) -> str:
        """Print ``value`` as tables show it; empty for NaN, which means a missing value."""
        return "" if math.isnan(value) else f"{value:.{self.decimals}f}"

    def is_possible(self, value: float) -> bool:
        """Return whether ``value`` is finite and in the metric's range, up to rounding of its sixth decimal."""
        low, high = self.range
        inside = (low is None or value >= low - 1e-6) and (high is None or value <= high + 1e-6)
        return math.isfinite(value) and inside


class Selection(Settings):
    """Everything that decides the values of some metrics: the spec of an evaluation, without titles and decimals."""

    libraries: dict[str, Text]
    """Versions of the libraries that define the protocol."""
    metrics: dict[Name, Measure]
    protocols: dict[Name, Text]
    """The protocol on the rows of each metric: ``id/version``."""
    weights: dict[Name, Artifact]
    """The files that these metrics need."""
    provided: dict[str, int] = Field(default={})
    """Bytes, by name, of files that a person provided and no rule fetched; another file is measured with anew."""


class MetricWeights(Settings):
    """The files from outside that metrics need."""

    weights: dict[Name, Artifact]


class Protocol(Settings):
    """Another protocol: the metrics that it computes differently."""

    version: Count
    about: Text
    metrics: Annotated[dict[Name, MetricChange], Field(min_length=1)]


class MetricRegistry(Settings):
    """The content of config/metrics.yaml; ``under`` gives it under another of its protocols."""

    protocol: ProtocolVersion
    libraries: dict[str, Text] = Field(default={})
    """Versions of the libraries that define the protocol."""
    metrics: Annotated[dict[Name, Metric], Field(min_length=1)]
    protocols: dict[Name, Protocol] = Field(default={})
    weights: dict[Name, Artifact]
    """Files from outside, one each."""

    _changed: dict[str, str] = PrivateAttr(default_factory=dict)

    def protocol_of(self, metric: str) -> str:
        """Return the protocol of ``metric`` as it stands on every row of it: ``id/version``."""
        chosen = self.metrics[metric].protocol or self.protocol
        return self._changed.get(metric, f"{chosen.id}/{chosen.version}")

    def select(self, names: Iterable[str]) -> Selection:
        """Return the settings that decide the values of the metrics ``names``, in that order."""
        chosen = {name: self.metrics[name] for name in names}
        keys = {key for metric in chosen.values() for keys in metric.weight_choices for key in keys}
        return Selection(
            libraries=self.libraries,
            metrics={
                name: Measure(**{field: getattr(metric, field) for field in Measure.model_fields})
                for name, metric in chosen.items()
            },
            protocols={name: self.protocol_of(name) for name in chosen},
            weights={key: artifact for key, artifact in self.weights.items() if key in keys},
        )

    def under(self, protocol: str, source: str) -> MetricRegistry:
        """Return the registry with the metrics of ``protocol`` computed its way; the others keep the base protocol.

        Args:
            protocol: id of the base protocol, or a key of ``protocols``.
            source: beginning of an error line.

        Raises:
            InputError: there is no such protocol.
        """
        check_name("protocol", protocol, [self.protocol.id, *self.protocols], source)
        if protocol == self.protocol.id:
            return self
        chosen = self.protocols[protocol]
        changes = {name: change.model_dump(exclude_none=True) for name, change in chosen.metrics.items()}
        metrics = {name: metric.model_copy(update=changes.get(name, {})) for name, metric in self.metrics.items()}
        registry = self.model_copy(update={"metrics": metrics})
        registry._changed = dict.fromkeys(changes, f"{protocol}/{chosen.version}")
        return registry


def read_registry(path: Path, protocol: str | None = None) -> MetricRegistry:
    """Read the metric registry at ``path``, by ``protocol`` (default: the file's own).

    Raises:
        InputError: the file is no metric registry, or has no such protocol.
    """
    return parse_registry(read_yaml(path), str(path), protocol)


def parse_registry(content: Any, source: str, protocol: str | None = None) -> MetricRegistry:
    """Check ``content``, as parsed from YAML; see ``read_registry``."""
    registry = parse(content, MetricRegistry, source)
    users: list[tuple[str, tuple[str, ...]]] = [
        (name, (*metric.weights, *metric.alternative_weights)) for name, metric in registry.metrics.items()
    ]
    for name, other in registry.protocols.items():
        for metric, change in other.metrics.items():
            check_name("metric", metric, registry.metrics, f"{source}: {name}")
            users.append((f"{name}: {metric}", (*(change.weights or ()), *(change.alternative_weights or ()))))
    for user, weights in users:
        for weight in weights:
            check_name("weights file", weight, registry.weights, f"{source}: {user}")
    return registry.under(protocol or registry.protocol.id, source)
