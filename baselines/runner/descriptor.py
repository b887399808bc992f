"""The descriptor of a baseline: baselines/NAME/descriptor.yaml, read into a typed model (docs/add-a-baseline.md).

Planning uses this model too, so this module imports nothing heavy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from osediff.common.artifacts.model import Artifact, File
from osediff.common.settings import Seed, Settings, Text, parse
from osediff.common.validation import check_name, read_yaml

FOLDER = Path(__file__).parents[1]
Scalar = bool | int | float | str
Weights = Literal["official", "other", "random"]
SeedMode = Literal["per_image", "official_stream"]
WebAddress = Annotated[str, Field(pattern=r"^https://")]


class Paper(Settings):
    """The publication of a baseline."""

    title: Text
    url: WebAddress


class License(Settings):
    """The license of a baseline."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")]
    """SPDX identifier if there is one. accept_licenses of the main file lists it."""
    commercial: bool
    """Whether commercial use is allowed."""
    covers: Text
    """What the license covers, and what it does not."""


class Source(Settings):
    """The official repository."""

    repository: WebAddress
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    """Date of the commit, if it is known."""
    checkout: bool
    """Whether a run needs the repository itself, or only the weights."""

    @property
    def folder(self) -> str:
        """Folder of the checkout below the sources."""
        return self.repository.rstrip("/").split("/")[-1].removesuffix(".git")


class OfficialSetting(Settings):
    """A setting of the official code."""

    value: Scalar
    source: Annotated[str, Field(min_length=1, alias="from")]
    """Where the value comes from: the paper, a default of the repository, and so on."""

    @field_validator("value", mode="before")
    @classmethod
    def _refuse_collections(cls, value: Any) -> Any:
        # pydantic would name only the first of the allowed types.
        if not isinstance(value, Scalar):
            raise ValueError("must be one value: text, a number, true or false")
        return value


class Runs(Settings):
    """How a baseline is run."""

    entry: Annotated[str, Field(pattern=r"^[\w.-]+:\w+$")]
    """module:function that loads the baseline."""
    environment: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    """main, or a conda environment file in the same folder."""


class Descriptor(Settings):
    """A baseline: its title, the source of its code and weights, and how it runs."""

    title: Text
    """Its name in tables and figures."""
    published: Text | None = None
    """Its name in config/published, if that is not the title."""
    in_paper: bool
    """Whether the tables of the OSEDiff paper have it."""
    paper: Paper
    license: License
    source: Source
    weights: tuple[Artifact, ...]
    """Files below weights/ of the sources. Baselines that name the same path share the file."""
    scale_factor: Literal[4]
    steps: Annotated[int, Field(ge=1, le=10**6)]
    """Network passes for one image."""
    settings: dict[str, OfficialSetting]
    """The values of the adapter's Options, with the source of every value."""
    official_seed: Seed | None = None
    """Seed of the official script, for the seed mode official_stream."""
    runs: Runs
    deviations: tuple[Text, ...]
    """Known differences from an official run."""

    @model_validator(mode="after")
    def _check_steps(self) -> Descriptor:
        setting = self.settings.get("steps")
        if setting is not None and setting.value != self.steps:
            raise ValueError(f"steps is {self.steps}, but settings.steps is {setting.value}; make them equal")
        return self

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The weights. Weights without a license have the license of the baseline."""
        return tuple(
            artifact if artifact.license else artifact.model_copy(update={"license": self.license.id})
            for artifact in self.weights
        )

    @property
    def fetched_without_asking(self) -> bool:
        """Whether all it needs are weights that a mirror has, under a license that allows commercial use."""
        have_mirrors = all(artifact.mirrors for artifact in self.weights)
        return self.license.commercial and not self.source.checkout and have_mirrors

    @property
    def files(self) -> dict[str, File]:
        """Every file of weights by its path below weights/ of the sources."""
        return {str(path): file for artifact in self.weights for path, file in artifact.paths.items()}

    @property
    def values(self) -> dict[str, Scalar]:
        """The values of the official settings, by name."""
        return {name: setting.value for name, setting in self.settings.items()}


def list_names() -> list[str]:
    """Return the name of every baseline, sorted: the folders of baselines/ that hold a descriptor."""
    return sorted(path.parent.name for path in FOLDER.glob("*/descriptor.yaml"))


def read_descriptor(name: str) -> Descriptor:
    """Read the descriptor of the baseline ``name``.

    Raises:
        InputError: there is no such baseline, or its descriptor is not valid.
    """
    check_name("baseline", name, list_names(), str(FOLDER))
    path = FOLDER / name / "descriptor.yaml"
    return parse(read_yaml(path), Descriptor, str(path))
