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
    (upstream / "model.pyc").write_bytes(b"compiled")
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
    if key.startswith("filter"):
        with pytest.raises(InputError, match=r"its \.git/config has filter\.trap\.clean"):
            verify_checkout(source, upstream.parent)
    else:
        verify_checkout(source, upstream.parent)
    assert not (tmp_path / "it-ran").exists()
