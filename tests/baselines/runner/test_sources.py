"""Checkouts and weights: brought ahead, verified before each run, and refused when they are others."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.runner import descriptor, sources
from osediff.common.artifacts.fetching import Fetching
from osediff.common.artifacts.model import Artifact
from osediff.common.errors import InputError
from tests.file_server import CONTENT, DIGEST, FileServer, serving


def git(folder: Path, *arguments: str) -> str:
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A repository with two commits, whose older one is wanted."""
    folder = tmp_path / "upstream" / "Method"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    for text in ("old", "new"):
        (folder / "model.py").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", text)
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    return folder


def described(upstream: Path) -> dict[str, Any]:
    """As much of a descriptor as sources need, for the older commit of ``upstream``."""
    commit = git(upstream, "rev-parse", "HEAD~1").strip()
    source = {"repository": str(upstream), "commit": commit, "checkout": True}
    return {"source": source, "weights": []}


def test_a_checkout_is_cloned_at_its_commit_and_verified(upstream: Path, tmp_path: Path) -> None:
    one = described(upstream)
    root = tmp_path / "sources"
    root.mkdir()
    (missing,) = sources.bring(one, root, offline=True)
    assert "no checkout of" in missing and not (root / "Method").exists()
    (root / ".clone-Method").mkdir()  # as a killed run leaves it
    assert sources.bring(one, root, offline=False) == []
    assert (root / "Method" / "model.py").read_text() == "old"
    assert [path.name for path in root.iterdir()] == ["Method"]
    assert sources.bring(one, root, offline=True) == []


def test_a_checkout_that_is_another_is_refused_by_name(upstream: Path, tmp_path: Path) -> None:
    one, root = described(upstream), upstream.parent
    with pytest.raises(InputError, match=rf"is at commit \w{{12}}; git -C .*Method checkout {one['source']['commit']}"):
        sources.verify_checkout(one, root)
    git(upstream, "checkout", "--quiet", one["source"]["commit"])
    sources.verify_checkout(one, root)
    (upstream / "model.pyc").write_bytes(b"compiled")
    sources.verify_checkout(one, root)
    (upstream / "added.py").write_text("a module that shadows another")
    with pytest.raises(InputError, match=r"added\.py is not as in the commit"):
        sources.verify_checkout(one, root)
    (upstream / "added.py").unlink()
    (upstream / "model.py").write_text("patched")
    with pytest.raises(InputError, match=r"model\.py is not as in the commit"):
        sources.verify_checkout(one, root)


@pytest.mark.parametrize("key", ["core.fsmonitor", "core.hooksPath", "filter.trap.clean"])
def test_verifying_a_checkout_runs_nothing_that_its_configuration_names(
    upstream: Path, tmp_path: Path, key: str
) -> None:
    one, trap = described(upstream), tmp_path / "trap"
    git(upstream, "checkout", "--quiet", one["source"]["commit"])
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/it-ran\ncat\n")
    trap.chmod(0o755)
    (upstream / ".git/info/attributes").write_text("* filter=trap\n")
    (upstream / "model.py").touch()
    git(upstream, "config", key, str(tmp_path if key.endswith("hooksPath") else trap))
    if key.startswith("filter"):
        with pytest.raises(InputError, match=r"its \.git/config has filter\.trap\.clean"):
            sources.verify_checkout(one, upstream.parent)
    else:
        sources.verify_checkout(one, upstream.parent)
    assert not (tmp_path / "it-ran").exists()


@pytest.fixture
def server() -> Iterator[FileServer]:
    yield from serving()


def with_weights(name: str, known: dict[str, Any] | None, url: str = "https://example.org/{file}") -> dict[str, Any]:
    """As much of a descriptor as weights need: one file."""
    return {"source": {"checkout": False}, "weights": [{"mirrors": [{"url": url}], "files": {name: known}}]}


@pytest.mark.parametrize("known", [{"size": len(CONTENT), "sha256": DIGEST}, {"size": len(CONTENT)}, None])
def test_weights_are_fetched_and_verified(
    server: FileServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], known: dict[str, Any] | None
) -> None:
    one = with_weights("a/w.pth", known, server.url("cut"))
    assert sources.bring(one, tmp_path, offline=False) == []
    assert (tmp_path / "weights/a/w.pth").read_bytes() == CONTENT
    proof = "verified" if known and "sha256" in known else "not published, so that of the first download"
    assert f"sha256 {DIGEST} {proof}" in capsys.readouterr().out
    # What came first is demanded from then on, also where nobody published a sha256.
    (tmp_path / "weights/a/w.pth").write_bytes(CONTENT[::-1])
    with pytest.raises(InputError, match=f"but the official file has {len(CONTENT)} bytes, {DIGEST[:12]}"):
        sources.verify_weights(one, tmp_path, "official")


def test_other_weights_are_refused_unless_they_are_meant(tmp_path: Path) -> None:
    one = with_weights("w.pth", {"size": len(CONTENT), "sha256": DIGEST})
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.pth").write_bytes(b"mine")
    with pytest.raises(
        InputError, match=f"4 bytes, sha256 .*the official file has {len(CONTENT)} bytes, {DIGEST[:12]}"
    ):
        sources.verify_weights(one, tmp_path, "official")
    digest = hashlib.sha256(b"mine").hexdigest()
    assert sources.verify_weights(one, tmp_path, "other") == {"w.pth": digest}
    assert sources.other_weights_note(one, {"w.pth": digest}) == (
        f"its weights are not the official ones: w.pth has sha256 {digest[:12]}…, the official file {DIGEST[:12]}…"
    )
    assert sources.other_weights_note(one, {"w.pth": DIGEST}) == ""
    # What is there, and is another file, is named, not fetched over.
    (missing,) = sources.bring(one, tmp_path, offline=False)
    assert "get it anew" in missing and (tmp_path / "weights" / "w.pth").read_bytes() == b"mine"


def test_licenses_without_commercial_use_are_fetched_only_when_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def obtain(artifact: Artifact, how: Fetching, root: Path) -> None:
        for path in artifact.paths:
            asked.append(path.name)
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(b"w")

    monkeypatch.setattr(sources, "obtain", obtain)
    command = ["sources", "--root", str(tmp_path), "--only", "femasr", "ldl"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(InputError, match="2 of the baselines' sources are missing"):
        sources.main()
    printed = capsys.readouterr()
    assert asked == [] and "FeMaSR: CC-BY-NC-SA-4.0, NO COMMERCIAL USE" in printed.out
    assert "femasr (CC-BY-NC-SA-4.0)" in printed.err and "baselines.accept_licenses" in printed.err
    assert "by hand only: get it from the Google Drive" in printed.err
    monkeypatch.setattr("sys.argv", [*command[:-1], "--accept", "CC-BY-NC-SA-4.0"])
    sources.main()
    assert asked == ["FeMaSR_SRX4_model_g.pth"]


@pytest.mark.parametrize("name", descriptor.names())
def test_descriptors_say_what_a_user_must_know(name: str) -> None:
    one = descriptor.read(name)  # checked against the schema
    settings = descriptor.settings(one)
    paths = [str(path) for artifact in descriptor.artifacts(one) for path in artifact.paths]
    assert len(set(paths)) == len(paths)
    assert settings.get("checkpoint", paths[0]) in paths
    module, _, _ = one["runs"]["entry"].partition(":")
    assert (descriptor.FOLDER.parent / Path(*module.split("."))).with_suffix(".py").is_file()
    environment = one["runs"]["environment"]
    assert environment == "main" or (descriptor.FOLDER / name / environment).is_file()
    assert one["license"]["commercial"] or "NC" in one["license"]["id"] or "S-Lab" in one["license"]["id"]
