"""Checkouts and weights: brought ahead, verified before each run, and refused when they are others."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from baselines.runner import descriptor, sources
from osediff.common.errors import InputError
from tests.osediff.common.test_fetch import CONTENT, DIGEST, Server, server  # noqa: F401


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


def described(upstream: Path, **weight: Any) -> dict[str, Any]:
    """As much of a descriptor as sources need, for the older commit of ``upstream``."""
    commit = git(upstream, "rev-parse", "HEAD~1").strip()
    source = {"repository": str(upstream), "commit": commit, "checkout": True}
    return {"source": source, "weights": [{"path": "w.pth", **weight}] if weight else []}


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


@pytest.mark.parametrize("known", [{"size": len(CONTENT), "sha256": DIGEST}, {"size": len(CONTENT)}])
def test_weights_are_fetched_and_verified(
    server: Server,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    known: dict[str, Any],
) -> None:
    one = {"source": {"checkout": False}, "weights": [{"path": "a/w.pth", "urls": [server.url("cut")], **known}]}
    assert sources.bring(one, tmp_path, offline=False) == []
    assert (tmp_path / "weights/a/w.pth").read_bytes() == CONTENT
    said = "verified" if "sha256" in known else "not published, so not verified"
    assert f"sha256 {DIGEST} {said}" in capsys.readouterr().out


def test_other_weights_are_refused_unless_they_are_meant(tmp_path: Path) -> None:
    known = {"path": "w.pth", "urls": ["https://example.org/w.pth"], "size": len(CONTENT), "sha256": DIGEST}
    one: dict[str, Any] = {"source": {"checkout": False}, "weights": [known]}
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.pth").write_bytes(b"mine")
    with pytest.raises(
        InputError, match=f"4 bytes, sha256 .*the official file has {len(CONTENT)} bytes, {DIGEST[:12]}"
    ):
        sources.verify_weights(one, tmp_path, "official")
    digest = hashlib.sha256(b"mine").hexdigest()
    assert sources.verify_weights(one, tmp_path, "other") == {"w.pth": digest}
    # What is there, and is another file, is named, not fetched over.
    (missing,) = sources.bring(one, tmp_path, offline=False)
    assert "get it anew" in missing and (tmp_path / "weights" / "w.pth").read_bytes() == b"mine"


def test_licenses_without_commercial_use_are_fetched_only_when_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def download(urls: list[str], path: Path, digest: str, size: int) -> None:
        asked.append(path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"w")

    monkeypatch.setattr(sources.fetch, "download", download)
    monkeypatch.setattr(sources.fetch, "announced", lambda urls: 1)
    command = ["sources", "--root", str(tmp_path), "--only", "femasr", "ldl"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(InputError, match="2 of the baselines' sources are missing"):
        sources.main()
    told = capsys.readouterr()
    assert asked == [] and "FeMaSR: CC-BY-NC-SA-4.0, NO COMMERCIAL USE" in told.out
    assert "femasr (CC-BY-NC-SA-4.0)" in told.err and "baselines.accept_licenses" in told.err
    assert "by hand only: from the Google Drive" in told.err
    monkeypatch.setattr("sys.argv", [*command[:-1], "--accept", "CC-BY-NC-SA-4.0"])
    sources.main()
    assert asked == ["FeMaSR_SRX4_model_g.pth"]


@pytest.mark.parametrize("name", descriptor.names())
def test_descriptors_say_what_a_user_must_know(name: str) -> None:
    one = descriptor.read(name)  # checked against the schema
    settings = descriptor.settings(one)
    paths = [weight["path"] for weight in one["weights"]]
    assert len(set(paths)) == len(paths)
    assert settings.get("checkpoint", paths[0]) in paths
    module, _, _ = one["runs"]["entry"].partition(":")
    assert (descriptor.FOLDER.parent / Path(*module.split("."))).with_suffix(".py").is_file()
    environment = one["runs"]["environment"]
    assert environment == "main" or (descriptor.FOLDER / name / environment).is_file()
    assert one["license"]["commercial"] or "NC" in one["license"]["id"] or "S-Lab" in one["license"]["id"]
