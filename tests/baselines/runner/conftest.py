"""What the tests of the runner share: a repository to clone, a server of files, a fake baseline in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baselines.runner import profiling
from baselines.runner.descriptor import Descriptor, Source
from tests.baselines.fake_baseline import write_inputs
from tests.file_server import FileServer, serving

Git = Callable[..., str]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder with three LR images and the sources of the fake baseline."""
    write_inputs(tmp_path)
    return tmp_path


@pytest.fixture
def git() -> Git:
    """A function that runs git in a folder and returns what it prints."""

    def run(folder: Path, *arguments: str) -> str:
        author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
        command = ["git", *author, *arguments]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout

    return run


@pytest.fixture
def upstream(tmp_path: Path, git: Git) -> Path:
    """A repository with two commits."""
    folder = tmp_path / "upstream" / "Method"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    for text in ("old", "new"):
        (folder / "model.py").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", text)
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    return folder


@pytest.fixture
def source(upstream: Path, git: Git, fake_descriptor: Descriptor) -> Source:
    """The older commit of ``upstream``, as a descriptor names it."""
    commit = git(upstream, "rev-parse", "HEAD~1").strip()
    return fake_descriptor.source.model_copy(update={"repository": str(upstream), "commit": commit, "checkout": True})


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A server of files on this machine."""
    yield from serving()


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch, fake_descriptor: Descriptor) -> list[object]:
    """The audit hooks that are set in place of those of this process, in which the fake is a baseline."""
    added: list[object] = []
    monkeypatch.setattr(profiling, "read_descriptor", lambda name: fake_descriptor)
    monkeypatch.setattr(sys, "addaudithook", added.append)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return added
