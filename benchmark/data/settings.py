"""Settings of test sets and of training photographs: entries of config/testsets.yaml and config/photos.yaml."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from osediff.common.artifacts.model import Artifact
from osediff.common.settings import InnerPath, ScaleFactor, Seed, Settings, Text

Count = Annotated[int, Field(ge=1)]
PhotoFile = Annotated[str, Field(pattern=r"^[\w-]+\.(png|jpg|jpeg)$")]


class Crop(Settings):
    """A square of one photograph."""

    photo: Annotated[str, Field(pattern=r"^(photographs/[\w-]+/)?[\w-]+\.(png|jpg|jpeg)$")]
    """A photograph of this repository (photographs/...), or the name of one in skimage/data of the installed wheel."""
    left: Annotated[int, Field(ge=0)]
    """Pixels left of the crop."""
    top: Annotated[int, Field(ge=0)]
    """Pixels above the crop."""


class Cut(Settings):
    """The squares of photographs that are a test set's HR images; crop N of NAME becomes the image NAME-N."""

    size: Annotated[int, Field(ge=16, le=8192)]
    """Side of the HR images in pixels."""
    crops: Annotated[tuple[Crop, ...], Field(min_length=1)]


class TestSetBase(Settings):
    """Settings that every test set has."""

    __test__ = False

    title: Text
    scale_factor: ScaleFactor


class PhotoTestSet(TestSetBase):
    """A test set that is cut from photographs and degraded."""

    kind: Literal["photos"]
    reference: Literal[True] = True
    degradation: str
    """Id of config/degradations.yaml."""
    seed: Seed
    """Of the degradation."""
    cut: Cut

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if self.cut.size % self.scale_factor:
            raise ValueError(f"cut.size: must be a multiple of the scale factor, {self.scale_factor}")
        return self


class FolderTestSet(TestSetBase):
    """LR/HR pairs, or LR images alone, in a folder or fetched into a folder."""

    kind: Literal["folder"]
    reference: bool = True
    """Whether there are HR images; without, what is fetched lies in original/, and LR/ has it as 8-bit RGB."""
    license: Text | None = None
    manual_source: Text | None = None
    """Where a person can get the images."""
    checksums: Annotated[str, Field(pattern=r"^config/testsets/[\w.-]+$")] | None = None
    """CSV of every image, as `python -m benchmark.data.testsets list` writes it."""
    download: Artifact | None = None
    """Where missing images come from: LR/ and HR/ of the artifact's folder, or a zip file with both."""
    images: Count | None = None
    """Number of pairs."""
    lr_sizes: Annotated[tuple[tuple[Count, Count], ...], Field(min_length=1)] | None = None
    """(width, height) that LR images may have."""


class TestSetCheck(Settings):
    """Spec of ``python -m benchmark.data.testsets manifest``: the properties that a test set must have."""

    __test__ = False

    name: Text
    scale_factor: ScaleFactor
    reference: bool = True
    """Whether there are HR images."""
    images: Count | None = None
    """Number of pairs; null: any."""
    lr_sizes: tuple[tuple[Count, Count], ...] | None = None
    """(width, height) that LR images may have; null: any."""
    checksums: Text | None = None
    """CSV of every image; null: not known."""
    download: Artifact | None = None
    """Where missing images come from; null: nothing is fetched."""


TestSet = Annotated[PhotoTestSet | FolderTestSet, Field(discriminator="kind")]


class FetchedImages(Settings):
    """Spec of benchmark.data.fetched_images: the published SR images of one method on one test set."""

    method: Text
    test_set: Text
    images: Artifact | None
    """Null: none were published."""


class PhotoSet(Settings):
    """Photographs to train on: of the scikit-image wheel, of the repository, fetched, or given in a folder."""

    title: Text
    license: Text
    skimage: tuple[PhotoFile, ...] = ()
    """File names in skimage/data of the installed scikit-image wheel."""
    repository: InnerPath | None = None
    """Folder of the repository that has photographs."""
    download: tuple[Artifact, ...] = ()
    """Photographs to fetch."""
    manual_source: Text | None = None
    """Where a person can get the photographs, if no rule fetches them."""
    pairs: Literal[4] | None = None
    """Scale factor of the LR/HR pairs that the folder has below LR/ and HR/; null: single photographs."""

    @model_validator(mode="after")
    def _check_any_source(self) -> PhotoSet:
        if not (self.skimage or self.repository or self.download or self.manual_source):
            raise ValueError("needs skimage, repository, download or manual_source")
        if self.pairs and not self.manual_source:
            raise ValueError("pairs are given in a folder: they need manual_source")
        return self


class PhotoSetSpec(PhotoSet):
    """Spec of benchmark.data.photographs: a set of photographs, and where its downloads lie already."""

    local: Text | None = None
    """Folder that has them; null: they are fetched."""
