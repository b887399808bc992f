"""Git checkouts of the official repositories: clone one at its commit, and verify that it is unchanged."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from baselines.runner.descriptor import Source
from osediff.common.errors import InputError
from osediff.common.files import git_blob

# A checkout may be the clone of another person: git must not start programs that its configuration names, nor take
# another object for the one that an id names.
GIT: tuple[str, ...] = ("git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
GIT += ("-c", "core.autocrlf=false")
GIT_VARIABLES = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
GIT_VARIABLES |= {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
LINK, SUBMODULE, FOLDER = "120000", "160000", "40000"
SECONDS = 3600  # of one git command, which may clone a large repository


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
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if quiet else None,
            check=True,
            timeout=SECONDS,
        )
    except FileNotFoundError:
        raise InputError("git is not installed, and checkouts are verified with it; install it") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"git {' '.join(map(str, arguments))}: did not end within {SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        last = ((error.stderr or b"").decode(errors="replace").strip() or "see above").splitlines()[-1]
        raise InputError(f"git {' '.join(map(str, arguments))}: {last}") from error
    return os.fsdecode(result.stdout)


def absent_checkout(source: Source, root: Path) -> list[str]:
    """Return a line about the checkout of a baseline below ``root`` if it needs one that is not there."""
    folder = root / source.folder
    if not source.checkout or (folder / ".git").exists():
        return []
    return [f"{folder}: no checkout of {source.repository}; `snakemake --cores 1 baseline_sources` clones it there"]


def verify_checkout(source: Source, root: Path) -> None:
    """Check that the checkout of a baseline below ``root`` is at its commit, with nothing changed or added.

    git only reads objects; their ids are computed here, from the files to the commit.

    Raises:
        InputError: the checkout is absent, at another commit, or changed.
    """
    if not source.checkout:
        return
    for absent in absent_checkout(source, root):
        raise InputError(absent)
    folder = root / source.folder
    commit = run_git("-C", folder, "rev-parse", "HEAD").strip()
    if commit != source.commit:
        raise InputError(f"{folder}: is at commit {commit[:12]}; git -C {folder} checkout {source.commit}")
    content = run_git("-C", folder, "cat-file", "commit", commit)
    listed = run_git("-C", folder, "ls-tree", "-r", "-z", "--full-tree", commit)
    entries = dict(map(parse_entry, filter(None, listed.split("\0"))))
    changed = find_change(folder, entries)
    if changed:
        raise InputError(f"{folder}: {changed} is not as in the commit; git stash -u, or clone it anew")
    # The files are those of the list, and the list is the commit's, if the ids follow from each other.
    if object_id("commit", content) != commit or not content.startswith(f"tree {tree_id(entries)}\n"):
        raise InputError(f"{folder}: its .git holds another tree than that of commit {commit[:12]}; clone it anew")


def parse_entry(line: str) -> tuple[str, tuple[str, str]]:
    """Return path, and mode and id of a file, of one line of ``git ls-tree -r``."""
    description, path = line.split("\t", 1)
    mode, _, identity = description.split()
    return path, (mode, identity)


def find_change(folder: Path, entries: Mapping[str, tuple[str, str]]) -> str:
    """Return the first path below ``folder`` that is not a file of ``entries`` as it should be; empty if there is none.

    Only files are read; git would start the filters that a repository names. Python writes compiled files wherever it
    runs; they are no change, and the process of a baseline does not read them.
    """
    for path, (mode, identity) in entries.items():
        file = folder / path
        if mode == SUBMODULE:
            continue
        if mode == LINK:
            same = file.is_symlink() and object_id("blob", str(file.readlink())) == identity
        else:
            same = file.is_file() and not file.is_symlink() and git_blob(file) == identity
        if not same:
            return path
    for place, folders, files in os.walk(folder):
        inner = Path(place).relative_to(folder)
        folders[:] = [name for name in folders if name != "__pycache__" and inner / name != Path(".git")]
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in sorted([*files, *links]):
            if str(inner / name) not in entries:
                return str(inner / name)
    return ""


def object_id(kind: str, content: str | bytes) -> str:
    """Return git's id of an object: sha1 of kind, size, a zero and the content."""
    raw = os.fsencode(content)
    return hashlib.sha1(f"{kind} {len(raw)}\0".encode() + raw, usedforsecurity=False).hexdigest()


def tree_id(entries: Mapping[str, tuple[str, str]]) -> str:
    """Return git's id of the tree that holds ``entries``, mode and id by path."""
    inner: dict[str, dict[str, tuple[str, str]]] = {}
    items: dict[str, tuple[str, str]] = {}
    for path, entry in entries.items():
        name, slash, rest = path.partition("/")
        if slash:
            inner.setdefault(name, {})[rest] = entry
        else:
            items[name] = entry
    items |= {name: (FOLDER, tree_id(below)) for name, below in inner.items()}
    # git sorts folders as if their names ended with a slash.
    order = sorted(items, key=lambda name: os.fsencode(name + "/" * (items[name][0] == FOLDER)))
    raw = b"".join(os.fsencode(f"{items[name][0]} {name}\0") + bytes.fromhex(items[name][1]) for name in order)
    return object_id("tree", raw)


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
