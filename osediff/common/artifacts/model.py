"""The typed models of artifacts, as the YAML files of the registries describe them."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field, TypeAdapter, field_validator, model_validator

from osediff.common import settings
from osediff.common.errors import InputError
from osediff.common.files import read_text
from osediff.common.settings import InnerPath, Settings

HUB = "https://huggingface.co"
SHA256_DIGITS = 64


def hub_url(url: str) -> str:
    """Return ``url`` with $HF_ENDPOINT in place of the Hugging Face Hub, where that is set."""
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    return endpoint + url.removeprefix(HUB) if endpoint and url.startswith(f"{HUB}/") else url


# In pydantic's patterns $ is the end of the text, also where a line break stands before it.
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
WholeDigest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class File(Settings):
    """Published size and sha256 of a file. A sha256 of fewer than 64 digits is the beginning of the whole one.

    ``git_blob`` is the id of the content in the git repository of the file, where nobody published a sha256.
    """

    size: Annotated[int, Field(gt=0)] | None = None
    sha256: Digest | None = None
    git_blob: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None

    @property
    def published(self) -> bool:
        """Whether the whole sha256 is published, so that it alone says which file this is."""
        return self.sha256 is not None and len(self.sha256) == SHA256_DIGITS


class Package(Settings):
    """A file in an archive of the package index.

    ``member`` may contain ``{file}``. If ``arrays`` names a CSV file with the positions of arrays in the member, the
    file consists of these arrays as safetensors.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+!_-]*$")
    archive: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]*\.(whl|tar\.gz)$")
    sha256: WholeDigest
    member: str
    arrays: str | None = None


class Mirror(Settings):
    """A source of an artifact's files: a ``url`` with {revision} and {file}, or a package. ``name`` is for messages."""

    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    package: Package | None = None
    revision: str = ""
    name: str = ""

    @model_validator(mode="after")
    def _has_one_place(self) -> Mirror:
        if (self.url is None) == (self.package is None):
            raise ValueError("needs either url or package")
        return self

    def address(self, file: str) -> str:
        """Return the address of ``file``, for requests and for messages."""
        if self.package is not None:
            return f"{self.package.name} {self.package.version} of the package index"
        url = str(self.url).replace("{revision}", self.revision).replace("{file}", quote(file))
        return hub_url(url)


class Artifact(Settings):
    """Files with the same mirrors, in ``folder``. ``files`` by name, or a CSV file of part, name, bytes and sha256.

    ``license`` may stand in the registry's entry instead. ``accept`` is a license that the user must accept first,
    ``manual_source`` says how to get the files by hand, and ``on_request`` means that a command fetches them only by
    their name. ``unpack`` takes folders out of the one file,
    a zip: folder here by folder in it.
    """

    title: str = ""
    license: str = ""
    folder: InnerPath = "."
    mirrors: tuple[Mirror, ...] = ()
    files: dict[InnerPath, File] | str
    unpack: dict[InnerPath, str] = Field(default_factory=dict)
    accept: str | None = None
    manual_source: str = ""
    note: str = ""
    on_request: bool = False

    @field_validator("files", mode="before")
    @classmethod
    def _empty_means_unknown(cls, files: Any) -> Any:
        return {name: file or {} for name, file in files.items()} if isinstance(files, dict) else files

    @model_validator(mode="after")
    def _has_a_source(self) -> Artifact:
        if not self.mirrors and not self.manual_source:
            raise ValueError("needs mirrors, or manual_source")
        if self.unpack and len(self.files) != 1:
            raise ValueError("unpack needs exactly one file")
        return self

    @property
    def contents(self) -> dict[str, File]:
        """Every file by its path in the folder."""
        return listed_files(Path(self.files)) if isinstance(self.files, str) else self.files

    @property
    def paths(self) -> dict[PurePosixPath, File]:
        """Every file by its path, which begins with ``folder``."""
        return {PurePosixPath(self.folder, name): file for name, file in self.contents.items()}

    @property
    def bytes(self) -> int | None:
        """Bytes of all files; None if the size of one is not known."""
        sizes = [file.size for file in self.contents.values()]
        return None if None in sizes else sum(size or 0 for size in sizes)


def listed_files(path: Path) -> dict[str, File]:
    """Read a CSV list of images: files by PART/NAME, or by NAME where part is empty.

    Raises:
        InputError: ``path`` is no such list.
    """
    try:
        rows = {
            "/".join(filter(None, (row["part"], row["name"]))): {"size": int(row["bytes"]), "sha256": row["sha256"]}
            for row in csv.DictReader(io.StringIO(read_text(path), newline=""))
        }
        return TypeAdapter(dict[InnerPath, File]).validate_python(rows)
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: is no list of files ({str(error).splitlines()[0]}); get it anew") from error


def parse(content: Any, source: str) -> Artifact:
    """Read the artifact that ``content`` of a YAML file describes; InputError with the key of a mistake."""
    return settings.parse(content, Artifact, source)
