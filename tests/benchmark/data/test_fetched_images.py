"""Published SR images: fetched or given, and none taken that is not the one that was published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmark.data import fetched_images
from benchmark.data.settings import FetchedImages
from osediff.common.artifacts.downloads import Patience
from osediff.common.artifacts.fetching import Fetching
from osediff.common.artifacts.model import listed_files
from osediff.common.errors import InputError
from osediff.common.files import read_json, sha256
from osediff.common.restore_folder import unusable
from tests.benchmark.rows import command, spec_of, write_spec
from tests.file_server import FileServer
from tests.helpers import ROOT


def run(spec: dict[str, Any], folder: Path, *options: object) -> Path:
    """Run the command and return the record."""
    file = write_spec(folder / "spec.yaml", spec, FetchedImages)
    record = folder / "run.json"
    command(fetched_images.main, "--spec", file, "--record", record, *options)
    return record


def test_images_are_fetched_each_with_its_sha256(server: FileServer, spec: dict[str, Any], tmp_path: Path) -> None:
    spec["images"]["mirrors"] = [{"url": server.url("whole")}]
    record = read_json(run(spec, tmp_path, "--out", tmp_path / "images"))
    digest = sha256(tmp_path / "published" / "a.png")
    assert record["images"] == {"a": {"sr": digest}, "b": {"sr": digest}}
    assert record["license"] == "MIT" and record["source"] == server.url("whole", "")
    assert [path for path, _ in server.seen] == ["/whole/a.png", "/whole/b.png"]
    run(spec, tmp_path, "--out", tmp_path / "images")
    assert len(server.seen) == 2, "what is here is not fetched again"


def test_another_image_than_was_published_is_refused_in_one_line(
    server: FileServer, spec: dict[str, Any], tmp_path: Path
) -> None:
    spec["images"]["mirrors"] = [{"url": server.url("whole")}]
    spec["images"]["files"]["b.png"]["sha256"] = "0" * 64
    how = Fetching(patience=Patience(tries=1, longest_wait=0.05))
    with pytest.raises(InputError, match=r"images/b\.png: no mirror gave it.*its sha256 is not 000000000000") as caught:
        fetched_images.provide(spec_of(spec, FetchedImages), tmp_path / "images", False, how, tmp_path / "run.json")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run.json").exists() and not (tmp_path / "images" / "b.png").exists()


def test_offline_needs_them_here(spec: dict[str, Any], images: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.png: is not here and the run is offline; get it from http") as caught:
        run(spec, tmp_path, "--out", tmp_path / "images", "--offline")
    assert "\n" not in str(caught.value)
    assert list(read_json(run(spec, tmp_path, "--out", images, "--offline"))["images"]) == ["a", "b"]


def test_a_given_folder_is_checked_and_only_read(spec: dict[str, Any], images: Path, tmp_path: Path) -> None:
    (images / "a.log").write_text("what else lies there")
    before = sorted(path.name for path in images.iterdir())
    assert list(read_json(run(spec, tmp_path, "--given", images))["images"]) == ["a", "b"]
    assert sorted(path.name for path in images.iterdir()) == before
    (images / "b.png").write_bytes((images / "b.png").read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match=r"b\.png: has sha256 .* it is another file") as caught:
        run(spec, tmp_path, "--given", images)
    assert "\n" not in str(caught.value) and not (tmp_path / "run.json").exists()
    (images / "b.png").unlink()
    with pytest.raises(InputError, match=r"b\.png: no such file; get it from http"):
        run(spec, tmp_path, "--given", images)


def test_where_none_were_published_the_record_says_so(spec: dict[str, Any], tmp_path: Path) -> None:
    record = run(spec | {"images": None}, tmp_path, "--out", tmp_path / "images")
    assert unusable(record) == "failed: no images of one were published"


def test_the_list_of_the_official_images_is_whole_and_names_the_images_of_the_test_set() -> None:
    methods = yaml.safe_load((ROOT / "config" / "methods.yaml").read_text())
    download = methods["osediff-official-images"]["download"]
    for test_set, count in (("drealsr", 93), ("realsr", 100)):
        files = listed_files(ROOT / download[test_set]["files"])
        pairs = listed_files(ROOT / "config" / "testsets" / f"{test_set}.csv")
        assert sorted(files) == sorted(name.removeprefix("LR/") for name in pairs if name.startswith("LR/"))
        assert len(files) == count and all(len(str(file.sha256)) == 64 for file in files.values())


def test_the_provided_images_are_those_of_the_list(
    tmp_path: Path, drealsr: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)  # where lists of files are named from
    methods = yaml.safe_load((ROOT / "config" / "methods.yaml").read_text())
    artifact = methods["osediff-official-images"]["download"]["drealsr"]
    spec = {"method": "x", "test_set": "drealsr", "images": artifact}
    record = run(spec, tmp_path, "--given", drealsr / "osediff_official")
    assert len(read_json(record)["images"]) == 93
