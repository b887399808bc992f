"""Fetch the code and weights of the baselines, and verify them.

    python -m baselines.runner.sources --root DIR [--only NAME ...] [--accept LICENSE ...] [--offline] [--optional]

DIR contains a git checkout of each repository, under the repository's name, and ``weights/``. A run only reads and
verifies them: commit, unchanged files, sizes, sha256. Nothing is fetched while a baseline runs; this command fetches
before. It shows every license. A baseline whose license does not allow commercial use is fetched only if --accept lists
that license. With ``--optional``, it gives up within seconds where no server answers, and missing files are no error.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from baselines.runner.checkouts import absent_checkout, clone, verify_checkout
from baselines.runner.descriptor import Descriptor, Weights, list_names, read_descriptor
from osediff.common.artifacts.downloads import QUICK, Patience
from osediff.common.artifacts.fetching import Fetching, by_hand, obtain
from osediff.common.artifacts.model import Artifact, File
from osediff.common.artifacts.offline import add_offline_option
from osediff.common.artifacts.record import check_file, expected_files, is_present
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import lock, write_json

PATIENCE = Patience()


def absent_weights(artifacts: Iterable[Artifact], root: Path) -> list[str]:
    """Return a line about each weights file that is not below weights/ of ``root``, with where to get it."""
    lines = []
    for artifact in artifacts:
        folder = root / "weights" / artifact.folder
        for name, expected in expected_files(artifact, folder).items():
            path = folder / name
            if not path.is_file():
                proof = f"sha256 {expected.sha256}" if expected.sha256 else "its sha256 is not published"
                way = "`snakemake --cores 1 baseline_sources` brings it, or " if artifact.mirrors else "by hand only: "
                lines.append(f"{path}: no such file; {way}{by_hand(artifact, name, path)}; {proof}")
    return lines


def absent_sources(descriptor: Descriptor, root: Path) -> list[str]:
    """Return a line about each part of a baseline that is not below ``root``: its checkout, its weights files."""
    return absent_checkout(descriptor.source, root) + absent_weights(descriptor.artifacts, root)


def verify_weights(artifacts: Collection[Artifact], root: Path, mode: Weights) -> dict[str, str]:
    """Return the sha256 of every weights file by its path below weights/ of ``root``.

    Args:
        artifacts: the weights of a baseline.
        root: folder of checkouts and weights.
        mode: ``official``: size and sha256 must be those of the descriptor or, if it has none, those of the file that
            was fetched first. ``other`` and ``random`` accept any file.

    Raises:
        InputError: files are absent, all of which it names, or one is wrong.
    """
    if absent := absent_weights(artifacts, root):
        raise InputError("; ".join(absent))
    digests = {}
    for artifact in artifacts:
        folder = root / "weights" / artifact.folder
        for name, expected in expected_files(artifact, folder).items():
            path = folder / name
            try:
                entry = check_file(path, expected if mode == "official" else File(size=None))
            except InputError as error:
                raise InputError(f"{error}; or say that it is another file (docs/add-a-baseline.md, weights)") from None
            digests[str(PurePosixPath(artifact.folder, name))] = entry.sha256
    return digests


def note_other_weights(artifacts: Iterable[Artifact], digests: Mapping[str, str]) -> str:
    """Return a note about weights that are not the official files, for every row that is measured with them.

    Args:
        artifacts: the weights of a baseline.
        digests: the result of ``verify_weights``.

    Returns:
        One line with names and sha256; empty if all files are official, or if nobody published their sha256.
    """
    others = []
    for artifact in artifacts:
        for path, file in artifact.paths.items():
            digest = digests[str(path)]
            if file.sha256 and not digest.startswith(file.sha256):
                others.append(f"{path.name} has sha256 {digest[:12]}…, the official file {file.sha256[:12]}…")
    return f"its weights are not the official ones: {' and '.join(others)}" if others else ""


def fetch_sources(descriptor: Descriptor, root: Path, offline: bool, patience: Patience = PATIENCE) -> list[str]:
    """Fetch and verify the code and weights of one baseline.

    Args:
        descriptor: the baseline.
        root: folder of checkouts and weights.
        offline: only verify.
        patience: how long to wait for a server.

    Returns:
        One line for each thing that is still missing.
    """
    missing, source = [], descriptor.source
    try:
        if source.checkout and not offline and not (root / source.folder).exists():
            clone(source, root)
        verify_checkout(source, root)
    except InputError as error:
        missing.append(str(error))
    for artifact in descriptor.artifacts:
        try:
            if not offline and artifact.mirrors and not is_present(artifact, root / "weights"):
                obtain(artifact, Fetching(patience=patience), root / "weights")
            if absent := absent_weights([artifact], root):
                missing += absent
                continue
            digests = verify_weights([artifact], root, "official")
        except InputError as error:
            missing.append(str(error))
            continue
        for path, file in artifact.paths.items():
            proof = "verified" if file.published else "not published, so that of the first download"
            print(f"  {root / 'weights' / path}: sha256 {digests[str(path)]} {proof}", flush=True)
    return missing


def fetch_all(
    names: Iterable[str], root: Path, accept: Iterable[str], offline: bool, patience: Patience = PATIENCE
) -> list[str]:
    """Fetch and verify the code and weights of the baselines ``names``; print the license of each.

    Args:
        names: baselines.
        root: folder of checkouts and weights.
        accept: licenses without commercial use that the user accepts.
        offline: only verify.
        patience: how long to wait for a server.

    Returns:
        One line for each thing that is still missing.
    """
    missing, refused = [], []
    for name in names:
        descriptor = read_descriptor(name)
        license = descriptor.license
        use = "commercial use allowed" if license.commercial else "NO COMMERCIAL USE"
        print(f"{descriptor.title}: {license.id}, {use}; {license.covers}", flush=True)
        if not license.commercial and license.id not in accept and not offline:
            refused.append(f"{name} ({license.id})")
            continue
        missing += [f"{name}: {line}" for line in fetch_sources(descriptor, root, offline, patience)]
    if refused:
        missing.append(
            f"not fetched, since their licenses do not allow commercial use: {', '.join(refused)}; "
            "list the licenses that you accept in baselines.accept_licenses"
        )
    return missing


def main() -> None:
    """Command line: fetch and verify, then list the missing things."""
    parser = make_parser("baselines.runner.sources", __doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder for checkouts and weights")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="baselines (default: all)")
    parser.add_argument("--accept", nargs="*", default=[], metavar="LICENSE", help="non-commercial licenses accepted")
    add_offline_option(parser)
    parser.add_argument("--optional", action="store_true", help="give up within seconds; missing files are no error")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the missing things of each baseline as JSON")
    args = parser.parse_args()
    names, patience = args.only or list_names(), QUICK if args.optional else PATIENCE
    with lock(args.root / ".lock"):
        missing = fetch_all(names, args.root, args.accept, args.offline, patience)
    for line in missing:
        print(f"missing: {line}", file=sys.stderr)
    if args.record is not None:
        write_json(args.record, {"baselines": list(names), "missing": missing})
    if missing and not args.optional:
        raise InputError(f"{args.root}: {len(missing)} of the baselines' sources are missing; each is named above")


if __name__ == "__main__":
    run(main)
