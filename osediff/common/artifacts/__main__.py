"""Fetch, list or check files from outside.

    python -m osediff.common.artifacts fetch metric-weights --limit 100
    python -m osediff.common.artifacts fetch baselines --only real-esrgan
    python -m osediff.common.artifacts list
    python -m osediff.common.artifacts verify test-sets

Groups are metric-weights, loss-weights, backbones, prompt-weights, photographs, test-sets, method-images,
method-checkpoints and baselines. A stopped fetch continues where it stopped. $HF_TOKEN and $HF_ENDPOINT are honored; if
$OSEDIFF_OFFLINE is set, nothing is fetched. Packages come from the index for which pip is configured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from osediff.common.artifacts.downloads import QUICK, Patience
from osediff.common.artifacts.fetching import Fetching, obtain, remove_packages
from osediff.common.artifacts.model import Artifact
from osediff.common.artifacts.offline import add_offline_option
from osediff.common.artifacts.record import Entry, check_file, expected_files, is_present
from osediff.common.artifacts.registries import GROUPS, choose
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import write_json

MEGABYTE = 10**6


def megabytes(size: int | None) -> str:
    """Print ``size``, in bytes, as megabytes."""
    return "size not published" if size is None else f"{size / MEGABYTE:.1f} MB"


def selection(args: argparse.Namespace) -> Iterator[tuple[str, str, Artifact, Path]]:
    """Yield group, name and artifact of the command line's choice, with the folder that contains its folder."""
    for group, named in choose(args.groups, args.only, Path()).items():
        root = args.root or Path(GROUPS[group].root)
        for name, artifacts in named.items():
            for artifact in artifacts:
                yield group, name, artifact, root


def affordable(args: argparse.Namespace) -> Iterator[tuple[str, Artifact, Path]]:
    """Yield label, artifact and root of the artifacts to fetch; print a line for those that ``--limit`` leaves out.

    Artifacts that ``--only`` names, or that are here already, are always yielded.
    """
    left = args.limit * MEGABYTE if args.limit is not None else None
    for group, name, artifact, root in selection(args):
        if not args.only and not is_present(artifact, root):
            if artifact.on_request:
                continue
            if left is not None and (artifact.bytes is None or artifact.bytes > left):
                print(f"{group}/{name}: left out ({megabytes(artifact.bytes)}); --only {name} brings it", flush=True)
                continue
            left = None if left is None else left - (artifact.bytes or 0)
        yield f"{group}/{name}", artifact, root


def describe(artifact: Artifact, entries: dict[str, Entry], folder: Path) -> str:
    """Describe in one line an artifact in ``folder``: number of files, size, how it was checked, license."""
    known = sum(file.published for file in artifact.contents.values())
    proof = "verified"
    if known < len(entries):
        proof = f"{known} of {len(entries)} by a published sha256, the others by that of the first download"
    size = megabytes(sum(entry.size for entry in entries.values()))
    return f"{len(entries)} files, {size}, in {folder}; {proof}; {artifact.license}"


def fetch(args: argparse.Namespace) -> None:
    """Fetch every chosen artifact and print a line for each; missing files are an error unless ``--optional``."""
    patience = QUICK if args.optional else Patience()
    how = Fetching(args.offline, args.local, frozenset(args.accept), patience, keep_packages=True)
    missing: list[str] = []
    report: dict[str, str] = {}
    folders: set[Path] = set()
    for label, artifact, root in affordable(args):
        folder = root / artifact.folder
        folders.add(folder)
        try:
            entries = obtain(artifact, how, root)
        except InputError as error:
            missing.append(f"{label}: {error}")
            continue
        print(f"{label}: {describe(artifact, entries, folder)}", flush=True)
        report |= {str(folder / file): entry.sha256 for file, entry in entries.items()}
    for folder in folders:
        remove_packages(folder)
    for line in missing:
        print(f"missing: {line}", file=sys.stderr, flush=True)
    if args.record is not None:
        write_json(args.record, report)
    if missing and not args.optional:
        raise InputError(
            f"{len(missing)} artifacts are missing; each is named above" if len(missing) > 1 else missing[0]
        )


def show(args: argparse.Namespace) -> None:
    """Print a line for every artifact: group/name, size, whether it is here, folder, license."""
    for group, name, artifact, root in selection(args):
        here = "here" if is_present(artifact, root) else "not here"
        print(f"{group}/{name}: {here}, {megabytes(artifact.bytes)}, {root / artifact.folder}; {artifact.license}")


def verify(args: argparse.Namespace) -> None:
    """Compare every file that is here with its sha256; InputError if a file is wrong."""
    wrong, right = [], 0
    for _, _, artifact, root in selection(args):
        folder = root / artifact.folder
        for name, expected in expected_files(artifact, folder).items():
            if (folder / name).exists():
                try:
                    check_file(folder / name, expected)
                    right += 1
                except InputError as error:
                    wrong.append(str(error))
    print(f"{right} files are right")
    for line in wrong:
        print(f"wrong: {line}", file=sys.stderr)
    if wrong:
        raise InputError(f"{len(wrong)} files are wrong; each is named above")


def main() -> None:
    """Command line."""
    parser = make_parser("osediff.common.artifacts", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for function, name, text in (
        (fetch, "fetch", "fetch the files that are not here"),
        (show, "list", "list all artifacts and say which are here"),
        (verify, "verify", "compare the files that are here with their sha256"),
    ):
        command = commands.add_parser(name, help=text, description=function.__doc__)
        command.set_defaults(function=function)
        command.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)} (default: all)")
        command.add_argument("--only", nargs="+", default=[], metavar="NAME", help="entries of the registries")
        command.add_argument("--root", type=Path, help="folder that the artifacts' folders are in")
        if name == "fetch":
            add_offline_option(command)
            command.add_argument("--local", type=Path, help="folder that has the files already; they are checked")
            command.add_argument("--accept", nargs="*", default=[], metavar="LICENSE", help="licenses that you accept")
            command.add_argument("--limit", type=int, metavar="MB", help="bring what fits into so many megabytes")
            command.add_argument(
                "--optional", action="store_true", help="give up within seconds, and end well without what is missing"
            )
            command.add_argument("--record", type=Path, help="JSON file to write: sha256 of what is here, by path")
    args = parser.parse_args()
    args.function(args)


if __name__ == "__main__":
    run(main)
