"""Where the code and weights of the baselines lie, whether they are the right ones, and bringing them here ahead.

    python -m baselines.runner.sources --root DIR [--only NAME ...] [--accept LICENSE ...] [--offline]

DIR holds a git checkout per repository, under the repository's name, and ``weights/``. Runs only read and verify it:
the commit, a clean tree, sizes and sha256. Nothing is fetched while a baseline runs; this command does it before, shows
every license, and brings what forbids commercial use only once --accept lists that license.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

from baselines.runner import descriptor as descriptors
from baselines.runner.descriptor import Descriptor
from osediff.common.artifacts.downloads import Patience
from osediff.common.artifacts.fetching import Fetching, by_hand, obtain
from osediff.common.artifacts.offline import add_offline_option
from osediff.common.artifacts.record import present, recorded
from osediff.common.errors import InputError, run
from osediff.common.files import lock, sha256

# Somebody else's clone is read, and no program that its own configuration names is started.
GIT: tuple[str, ...] = ("git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
GIT += ("-c", "core.fileMode=false")
GIT_VARIABLES = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0"}
PATIENT = Patience()
MODES = ("official", "other", "random")


def git(*arguments: str | Path, quiet: bool = True) -> str:
    """Standard output of a git command; InputError with git's last line where it fails."""
    try:
        done = subprocess.run(
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
    return done.stdout.strip()


def checkout_folder(descriptor: Descriptor, root: Path) -> Path:
    """Where the checkout of a baseline's repository belongs."""
    return root / str(descriptor["source"]["repository"]).rstrip("/").split("/")[-1].removesuffix(".git")


def verify_checkout(descriptor: Descriptor, root: Path) -> None:
    """InputError unless the checkout is at the descriptor's commit, with nothing changed or added."""
    source = descriptor["source"]
    if not source["checkout"]:
        return
    folder = checkout_folder(descriptor, root)
    if not (folder / ".git").exists():
        raise InputError(
            f"{folder}: no checkout of {source['repository']}; `snakemake --cores 1 baseline_sources` clones it there"
        )
    # A filter is a program that git starts to compare files; no option switches all of them off.
    programs = [key for key in git("-C", folder, "config", "--local", "--list", "--name-only").split()
                if key.startswith(("filter.", "include"))]  # fmt: skip
    if programs:
        raise InputError(f"{folder}: its .git/config has {programs[0]}, by which git may start programs; clone it anew")
    commit = git("-C", folder, "rev-parse", "HEAD")
    if commit != source["commit"]:
        wanted = source["commit"]
        raise InputError(f"{folder}: is at commit {commit[:12]}; git -C {folder} checkout {wanted}")
    # Compiled files, which Python leaves wherever it runs, are no change.
    dirty = git("-C", folder, "status", "--porcelain", "--untracked-files=all", "--", ".", ":(exclude,glob)**/*.pyc")
    if dirty:
        changed = dirty.splitlines()[0].split(maxsplit=1)[-1]
        raise InputError(f"{folder}: {changed} is not as in the commit; git stash -u, or clone it anew")


def verify_weights(descriptor: Descriptor, root: Path, mode: str) -> dict[str, str]:
    """Return the sha256 of every weights file by its path below weights/ of ``root``.

    Raises:
        InputError: a file is absent or, in mode ``official``, is another one than the descriptor says, or than the one
            that came here first; ``other`` and ``random`` take any.
    """
    digests = {}
    for artifact in descriptors.artifacts(descriptor):
        folder = root / "weights" / artifact.folder
        for name, expected in recorded(artifact, folder).items():
            path = folder / name
            if not path.is_file():
                proof = f"sha256 {expected.sha256}" if expected.sha256 else "its sha256 is not published"
                way = "`snakemake --cores 1 baseline_sources` brings it, or " if artifact.mirrors else "by hand only: "
                raise InputError(f"{path}: no such file; {way}{by_hand(artifact, name, path)}; {proof}")
            size, digest = path.stat().st_size, sha256(path)
            if mode == "official" and (
                expected.size not in (None, size) or not digest.startswith(expected.sha256 or "")
            ):
                official = f"{expected.size or size} bytes, {str(expected.sha256 or digest)[:12]}…"
                raise InputError(
                    f"{path}: {size} bytes, sha256 {digest[:12]}…, but the official file has {official}; "
                    "get it anew, or say that it is another one (docs/add-a-baseline.md, weights)"
                )
            digests[str(PurePosixPath(artifact.folder, name))] = digest
    return digests


def other_weights_note(descriptor: Descriptor, digests: dict[str, str]) -> str:
    """Say which files of weights are not the official ones, by their sha256; empty where all are, or nobody knows.

    ``digests`` are those of ``verify_weights``. The text stands on every row that is measured with them.
    """
    others = []
    for artifact in descriptors.artifacts(descriptor):
        for path, file in artifact.paths.items():
            digest = digests[str(path)]
            if file.sha256 and not digest.startswith(file.sha256):
                others.append(f"{path.name} has sha256 {digest[:12]}…, the official file {file.sha256[:12]}…")
    return f"its weights are not the official ones: {' and '.join(others)}" if others else ""


def clone(descriptor: Descriptor, root: Path) -> None:
    """Makes the checkout of a baseline, whole or not at all: its one commit, without history."""
    source, folder = descriptor["source"], checkout_folder(descriptor, root)
    aside = root / f".clone-{folder.name}"  # what a killed run left there is begun anew
    shutil.rmtree(aside, ignore_errors=True)
    git("init", "--quiet", aside)
    git("-C", aside, "fetch", "--depth", "1", "--progress", source["repository"], source["commit"], quiet=False)
    git("-C", aside, "checkout", "--quiet", "--detach", source["commit"])
    aside.rename(folder)


def bring(descriptor: Descriptor, root: Path, offline: bool, patience: Patience = PATIENT) -> list[str]:
    """Fetches and verifies the sources of one baseline; what is still missing, a line each."""
    missing = []
    try:
        if descriptor["source"]["checkout"] and not offline and not checkout_folder(descriptor, root).exists():
            clone(descriptor, root)
        verify_checkout(descriptor, root)
    except InputError as error:
        missing.append(str(error))
    for weights, artifact in zip(descriptor["weights"], descriptors.artifacts(descriptor), strict=True):
        one = {**descriptor, "weights": [weights]}
        try:
            if not offline and artifact.mirrors and not present(artifact, root / "weights"):
                obtain(artifact, Fetching(patience=patience), root / "weights")
            digests = verify_weights(one, root, "official")
        except InputError as error:
            missing.append(str(error))
            continue
        for path, file in artifact.paths.items():
            proof = "verified" if file.sha256 else "not published, so that of the first download"
            print(f"  {root / 'weights' / path}: sha256 {digests[str(path)]} {proof}", flush=True)
    return missing


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m baselines.runner.sources", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--root", type=Path, required=True, help="folder for checkouts and weights")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="baselines (default: all)")
    parser.add_argument("--accept", nargs="*", default=[], metavar="LICENSE", help="non-commercial licenses accepted")
    add_offline_option(parser)
    args = parser.parse_args()
    missing, refused = [], []
    with lock(args.root / ".lock"):
        for name in args.only or descriptors.names():
            descriptor = descriptors.read(name)
            license = descriptor["license"]
            use = "commercial use allowed" if license["commercial"] else "NO COMMERCIAL USE"
            print(f"{descriptor['title']}: {license['id']}, {use}; {license['covers']}", flush=True)
            if not license["commercial"] and license["id"] not in args.accept and not args.offline:
                refused.append(f"{name} ({license['id']})")
                continue
            missing += [f"{name}: {line}" for line in bring(descriptor, args.root, args.offline)]
    if refused:
        missing.append(
            f"not fetched, since commercial use is forbidden: {', '.join(refused)}; "
            "list the licenses that you accept in baselines.accept_licenses"
        )
    for line in missing:
        print(f"missing: {line}", file=sys.stderr)
    if missing:
        raise InputError(f"{args.root}: {len(missing)} of the baselines' sources are missing; each is named above")


if __name__ == "__main__":
    run(main)
