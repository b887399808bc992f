"""Settings of baselines: baselines/NAME/descriptor.yaml (see baselines/README.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from osediff.common.artifacts.model import Artifact, File
from osediff.common.settings import Seed, Settings, Text

WebAddress = Annotated[str, Field(pattern=r"^https://")]


class Paper(Settings):
    """The publication of a baseline."""

    title: Text
    url: WebAddress


class License(Settings):
    """What a baseline may be used for."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")]
    """SPDX id where there is one; what accept_licenses of the main configuration lists."""
    commercial: bool
    """Whether commercial use is allowed."""
    covers: Text
    """What is under it, and what is not."""


class Source(Settings):
    """The official repository."""

    repository: WebAddress
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """Of the commit."""
    checkout: bool
    """Whether a run needs the repository itself, or only the weights."""

    @property
    def folder(self) -> str:
        """Folder of the checkout below the sources."""
        return self.repository.split("/")[-1]


class OfficialSetting(Settings):
    """A setting of the official code."""

    value: Any
    source: Annotated[str, Field(min_length=1, alias="from")]
    """The paper, a default of the repository, and so on."""


class Runs(Settings):
    """How a baseline is run."""

    entry: Annotated[str, Field(pattern=r"^[\w.-]+:\w+$")]
    """module:function that loads it."""
    environment: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    """main, or a conda environment file in the same folder."""


class Descriptor(Settings):
    """What a baseline is, where its code and weights come from, and how it runs."""

    title: Text
    """Its name in tables and figures."""
    published: Text | None = None
    """Its name in config/published, where that is not the title."""
    in_paper: bool
    """Whether the tables of the OSEDiff paper have it."""
    paper: Paper
    license: License
    source: Source
    weights: tuple[Artifact, ...]
    """Below weights/ of the sources; equal paths are one file."""
    scale_factor: Literal[4]
    steps: Annotated[int, Field(ge=1, le=10**6)]
    """Network passes per image."""
    settings: dict[str, OfficialSetting]
    """What load() gets, each with where it comes from."""
    official_seed: Seed | None = None
    """Of the official script, for the seed mode official_stream."""
    runs: Runs
    deviations: tuple[Text, ...]
    """Known differences from an official run."""

    @property
    def files(self) -> dict[str, File]:
        """Every file of weights by its path below weights/ of the sources."""
        return {str(path): file for artifact in self.weights for path, file in artifact.paths.items()}
