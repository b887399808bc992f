"""Settings of test sets and of training photographs: entries of config/testsets.yaml and config/photos.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from osediff.common.settings import InnerPath, Seed, Settings, Text

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
WebAddress = Annotated[str, Field(pattern=r"^https://")]
Count = Annotated[int, Field(ge=1)]
PhotoFile = Annotated[str, Field(pattern=r"^[\w-]+\.(png|jpg|jpeg)$")]


class Crop(Settings):
    """A square of one photograph."""

    photo: PhotoFile
    """File name in skimage/data of the installed scikit-image wheel."""
    left: Annotated[int, Field(ge=0)]
    """Pixels left of the crop."""
    top: Annotated[int, Field(ge=0)]
    """Pixels above the crop."""


class Cut(Settings):
    """Which squares of which photographs are a test set's HR images; crop N of NAME becomes the image NAME-N."""

    size: Annotated[int, Field(ge=16, le=8192, multiple_of=4)]
    """Side of the HR images in pixels."""
    crops: Annotated[tuple[Crop, ...], Field(min_length=1)]


class Archive(Settings):
    """A zip file that holds a test set."""

    urls: Annotated[tuple[WebAddress, ...], Field(min_length=1)]
    size: Count | None = None
    """Bytes."""
    sha256: Sha256 | None = None
    lr: InnerPath
    """Folder of the LR images inside the archive."""
    hr: InnerPath
    """Folder of the HR images inside the archive."""


class TestSetDownload(Settings):
    """Where missing images come from: single files, or an archive."""

    __test__ = False

    files: Annotated[tuple[WebAddress, ...], Field(min_length=1)] | None = None
    """Addresses with {part} (LR or HR) and {name}."""
    archive: Archive | None = None

    @model_validator(mode="after")
    def _check_one_source(self) -> TestSetDownload:
        if (self.files is None) == (self.archive is None):
            raise ValueError("needs either files or archive")
        return self


class TestSetBase(Settings):
    """What every test set has."""

    __test__ = False

    title: Text
    scale_factor: Literal[4]


class PhotoTestSet(TestSetBase):
    """A test set that is cut from photographs and degraded."""

    kind: Literal["photos"]
    degradation: str
    """Id of config/degradations.yaml."""
    seed: Seed
    """Of the degradation."""
    cut: Cut


class FolderTestSet(TestSetBase):
    """LR/HR pairs that lie in a folder, or are fetched into one."""

    kind: Literal["folder"]
    license: Text | None = None
    manual_source: Text | None = None
    """Where a person can get the images."""
    checksums: Annotated[str, Field(pattern=r"^config/testsets/[\w.-]+$")] | None = None
    """CSV of every image, as `python -m benchmark.data.testsets list` writes it."""
    download: TestSetDownload | None = None
    images: Count | None = None
    """Number of pairs."""
    lr_sizes: Annotated[tuple[tuple[Count, Count], ...], Field(min_length=1)] | None = None
    """(width, height) that LR images may have."""

    @model_validator(mode="after")
    def _check_checksums(self) -> FolderTestSet:
        if self.download and self.download.files and not self.checksums:
            raise ValueError("download.files needs checksums, which name every file")
        return self


TestSet = Annotated[PhotoTestSet | FolderTestSet, Field(discriminator="kind")]


class PhotoDownloadFile(Settings):
    """One photograph to fetch."""

    name: PhotoFile
    size: Count
    """Bytes."""
    sha256: Sha256


class PhotoDownload(Settings):
    """Photographs to fetch from the first mirror that answers."""

    title: Text
    source: WebAddress
    """Page that a person can read."""
    revision: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    """Commit or release, so that the files never change."""
    license: Text
    urls: Annotated[tuple[Annotated[str, Field(pattern=r"^https://.*\{name\}")], ...], Field(min_length=1)]
    """Mirrors, tried in order; {revision} and {name} are filled in."""
    files: Annotated[tuple[PhotoDownloadFile, ...], Field(min_length=1)]


class PhotoSet(Settings):
    """Photographs to train on: of the scikit-image wheel, fetched, or given in a folder."""

    title: Text
    license: Text
    skimage: tuple[PhotoFile, ...] = ()
    """File names in skimage/data of the installed scikit-image wheel."""
    download: PhotoDownload | None = None
    manual_source: Text | None = None
    """Where a person can get a set that no rule makes."""

    @model_validator(mode="after")
    def _check_any_source(self) -> PhotoSet:
        if not (self.skimage or self.download or self.manual_source):
            raise ValueError("needs skimage, download or manual_source")
        return self
