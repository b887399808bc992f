"""Checkouts are cloned at their commit, verified before each run, and refused when they are others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from baselines.runner.checkouts import clone, verify_checkout
from baselines.runner.descriptor import Source
from osediff.common.errors import InputError


def test_a_clone_is_at_the_commit_even_after_a_killed_run(source: Source, tmp_path: Path) -> None:
    root = tmp_path / "sources"
    with pytest.raises(InputError, match="no checkout of"):
        verify_checkout(source, root)
    (root / ".clone-Method").mkdir(parents=True)  # as a killed run leaves it
    clone(source, root)
    assert (root / "Method" / "model.py").read_text() == "old"
    assert [path.name for path in root.iterdir()] == ["Method"]
    verify_checkout(source, root)


def test_a_checkout_that_is_another_is_refused_by_name(source: Source, upstream: Path, git: Callable[..., str]) -> None:
    root = upstream.parent
    with pytest.raises(InputError, match=rf"is at commit \w{{12}}; git -C .*Method checkout {source.commit}"):
        verify_checkout(source, root)
    git(upstream, "checkout", "--quiet", source.commit)
    verify_checkout(source, root)
    (upstream / "__pycache__").mkdir()
    (upstream / "__pycache__" / "model.cpython-311.pyc").write_bytes(b"compiled")
    verify_checkout(source, root)
    (upstream / "added.py").write_text("a module that shadows another")
    with pytest.raises(InputError, match=r"added\.py is not as in the commit"):
        verify_checkout(source, root)
    (upstream / "added.py").unlink()
    (upstream / "model.py").write_text("patched")
    with pytest.raises(InputError, match=r"model\.py is not as in the commit"):
        verify_checkout(source, root)


@pytest.mark.parametrize("key", ["core.fsmonitor", "core.hooksPath", "filter.trap.clean"])
def test_verifying_a_checkout_runs_nothing_that_its_configuration_names(
    source: Source, upstream: Path, tmp_path: Path, git: Callable[..., str], key: str
) -> None:
    trap = tmp_path / "trap"
    git(upstream, "checkout", "--quiet", source.commit)
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/it-ran\ncat\n")
    trap.chmod(0o755)
    (upstream / ".git/info/attributes").write_text("* filter=trap\n")
    (upstream / "model.py").touch()
    git(upstream, "config", key, str(tmp_path if key.endswith("hooksPath") else trap))
    verify_checkout(source, upstream.parent)
    assert not (tmp_path / "it-ran").exists()


def test_what_git_is_told_to_overlook_is_seen(source: Source, upstream: Path, git: Callable[..., str]) -> None:
    git(upstream, "checkout", "--quiet", source.commit)
    (upstream / ".git/info/exclude").write_text("hidden.py\n")
    (upstream / "hidden.py").write_text("a module that git ignores")
    with pytest.raises(InputError, match=r"hidden\.py is not as in the commit"):
        verify_checkout(source, upstream.parent)
    (upstream / "hidden.py").unlink()
    git(upstream, "update-index", "--assume-unchanged", "model.py")
    (upstream / "model.py").write_text("patched")
    with pytest.raises(InputError, match=r"model\.py is not as in the commit"):
        verify_checkout(source, upstream.parent)


def test_an_object_of_another_content_than_its_id_is_seen(
    source: Source, upstream: Path, git: Callable[..., str]
) -> None:
    git(upstream, "checkout", "--quiet", source.commit)
    other = git(upstream, "rev-parse", "HEAD@{1}").strip()
    git(upstream, "replace", source.commit, other)
    verify_checkout(source, upstream.parent)
    objects = upstream / ".git" / "objects"
    ours, theirs = (objects / commit[:2] / commit[2:] for commit in (source.commit, other))
    ours.chmod(0o644)
    ours.write_bytes(theirs.read_bytes())
    git(upstream, "checkout", "--quiet", "--force", other)
    (upstream / ".git" / "HEAD").write_text(f"{source.commit}\n")
    with pytest.raises(InputError):
        verify_checkout(source, upstream.parent)


def test_links_folders_and_odd_names_have_the_ids_that_git_gives_them(
    source: Source, upstream: Path, git: Callable[..., str]
) -> None:
    for path in ("a/b/c.py", "a.py", "a-b", "é\n x.txt", "empty"):
        (upstream / path).parent.mkdir(parents=True, exist_ok=True)
        (upstream / path).write_text("" if path == "empty" else path)
    (upstream / "run.sh").write_text("echo")
    (upstream / "run.sh").chmod(0o755)
    (upstream / "link").symlink_to("a/b")
    git(upstream, "add", "--all")
    git(upstream, "commit", "--quiet", "-m", "odd")
    commit = git(upstream, "rev-parse", "HEAD").strip()
    verify_checkout(source.model_copy(update={"commit": commit}), upstream.parent)
    (upstream / "link").unlink()
    (upstream / "link").symlink_to("/etc")
    with pytest.raises(InputError, match="link is not as in the commit"):
        verify_checkout(source.model_copy(update={"commit": commit}), upstream.parent)
