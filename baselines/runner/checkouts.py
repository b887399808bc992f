"""Git checkouts of the official repositories: clone one at its commit, and verify that it is unchanged."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from baselines.runner.descriptor import Source
from osediff.common.errors import InputError

# A checkout may be the clone of another person: git must not start programs that its configuration names.
GIT: tuple[str, ...] = ("git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
GIT += ("-c", "core.fileMode=false")
GIT_VARIABLES = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0"}


def run_git(*arguments: str | Path, quiet: bool = True) -> str:
    """Return the standard output of a git command.

    Args:
        arguments: words after ``git``.
        quiet: keep stderr for the error message; otherwise git shows its progress there.

    Raises:
        InputError: git is not installed, or fails; with the last line that git printed.
    """
    try:
        result = subprocess.run(
            [*GIT, *map(str, arguments)],
            env=os.environ | GIT_VARIABLES,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if quiet else None,
            check=True,
        )
    except FileNotFoundError:
        raise InputError("git is not installed, and checkouts are verified with it; install it") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "see above").strip().splitlines()[-1]
        raise InputError(f"git {' '.join(map(str, arguments))}: {last}") from error
    return result.stdout.strip()


def verify_checkout(source: Source, root: Path) -> None:
    """Check that the checkout of a baseline below ``root`` is at its commit, with nothing changed or added.

    Raises:
        InputError: the checkout is absent, at another commit, or changed.
    """
    if not source.checkout:
        return
    folder = root / source.folder
    if not (folder / ".git").exists():
        raise InputError(
            f"{folder}: no checkout of {source.repository}; `snakemake --cores 1 baseline_sources` clones it there"
        )
    # A filter is a program that git starts to compare files; no option switches all of them off.
    keys = run_git("-C", folder, "config", "--local", "--list", "--name-only").split()
    programs = [key for key in keys if key.startswith(("filter.", "include"))]
    if programs:
        raise InputError(f"{folder}: its .git/config has {programs[0]}, by which git may start programs; clone it anew")
    commit = run_git("-C", folder, "rev-parse", "HEAD")
    if commit != source.commit:
        raise InputError(f"{folder}: is at commit {commit[:12]}; git -C {folder} checkout {source.commit}")
    # Python writes compiled files wherever it runs; they are not a change.
    status = run_git(
        "-C", folder, "status", "--porcelain", "--untracked-files=all", "--", ".", ":(exclude,glob)**/*.pyc"
    )
    if status:
        changed = status.splitlines()[0].split(maxsplit=1)[-1]
        raise InputError(f"{folder}: {changed} is not as in the commit; git stash -u, or clone it anew")


def clone(source: Source, root: Path) -> None:
    """Clone one commit of a repository, without history; the checkout is complete or absent.

    Raises:
        InputError: git fails.
    """
    folder = root / source.folder
    unfinished = root / f".clone-{folder.name}"
    shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
    run_git("init", "--quiet", unfinished)
    run_git("-C", unfinished, "fetch", "--depth", "1", "--progress", source.repository, source.commit, quiet=False)
    run_git("-C", unfinished, "checkout", "--quiet", "--detach", source.commit)
    unfinished.rename(folder)
