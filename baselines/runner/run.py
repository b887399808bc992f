"""Run one baseline on one folder: LR images in; SR images and a record of the run, or of its failure, out.

    python -m baselines.runner.run --baseline NAME --input LR --output SR --sources DIR --record run.json

The code and the weights are verified first. Where they are absent, the record says so and the rows of the baseline stay
empty; a mistake that the user can correct stops the command with one line. Then the baseline runs in a separate
process. If that process crashes, hangs, runs out of memory or returns something that is not an SR image, the record
says ``failed``, with the reason and the last lines of output. This command succeeds all the same, so that the other
methods and the tables are made.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from baselines.runner.checkouts import verify_checkout
from baselines.runner.descriptor import Descriptor, SeedMode, Weights, list_names, read_descriptor
from baselines.runner.sources import absent_sources, note_other_weights, verify_weights
from baselines.runner.supervisor import ProcessResult, supervise, without_network
from baselines.runner.worker import Provenance, WorkerSpec
from osediff.common.command_line import make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import lock
from osediff.common.images import list_images
from osediff.common.restore_folder import write_failure
from osediff.common.settings import write
from osediff.common.shards import add_shard_options

ROOT = Path(__file__).parents[2]
CACHES = ("XDG_CACHE_HOME", "TRITON_CACHE_DIR", "TORCH_EXTENSIONS_DIR", "CUDA_CACHE_PATH")  # of libraries
REASON_CHARACTERS = 300


def find_failure(result: ProcessResult, limit: float, images: int) -> str:
    """Return in one line why the folder of SR images is incomplete.

    Args:
        result: how the process of the baseline ended.
        limit: seconds without a message after which it was stopped.
        images: number of LR images.
    """
    begun = next((message.detail for message in reversed(result.messages) if message.event == "begun"), None)
    place = f"at image {begun}" if begun else "while loading"
    if result.hung:
        return f"hung {place}: nothing for {limit:g} s, the limit for one image"
    if result.code < 0:
        name = signal.Signals(-result.code).name
        memory = ", as the system does when memory runs out" if -result.code == signal.SIGKILL else ""
        return f"killed by {name}{memory} {place}"
    if result.code > 0:
        last = result.tail[-1].strip() if result.tail else f"exit code {result.code}, no output"
        return f"{last[:REASON_CHARACTERS]} ({place})"
    restored = sum(message.event == "restored" for message in result.messages)
    return f"ended after {restored} of {images} images without an error"


def baseline_environment() -> dict[str, str]:
    """Return the environment variables of a process that runs the code of a baseline.

    Our packages can be imported, libraries download nothing, Python leaves no compiled files in a checkout, and there
    are no progress bars, since the log has one line for each image.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    switches = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "TQDM_DISABLE")
    return {**os.environ, **dict.fromkeys(switches, "1"), "PYTHONPATH": path}


def make_spec(args: argparse.Namespace, descriptor: Descriptor, digests: dict[str, str]) -> WorkerSpec:
    """Return the spec of the worker; ``digests`` are the sha256 of the weights by path, empty if they are absent."""
    provenance = Provenance(
        baseline=args.baseline,
        license=descriptor.license.id,
        commit=descriptor.source.commit if descriptor.source.checkout else None,
        weights=args.weights,
        weights_sha256=digests,
        settings=descriptor.values,
        seed=args.seed,
        seed_mode=args.seed_mode,
        device=args.device.split(":")[0],
        note=note_other_weights(descriptor.artifacts, digests) if digests and args.weights == "other" else "",
    )
    return WorkerSpec(
        provenance=provenance,
        entry=descriptor.runs.entry,
        scale_factor=descriptor.scale_factor,
        input=str(args.input.resolve()),
        output=str(args.output.resolve()),
        progress=str(args.progress.resolve()) if args.progress else None,
        shard=(args.shard.number, args.shard.count) if args.shard else None,
        record=str(args.record.resolve()),
        sources=str(args.sources.resolve()),
        cache=str((args.cache or args.record.parent / "cache").resolve()),
        device=args.device,
        stream_seed=args.seed if descriptor.official_seed is None else descriptor.official_seed,
    )


def writable_folders(spec: WorkerSpec, temporary: Path) -> list[Path]:
    """Return the folders in which a baseline may write: of its results, caches and temporary files."""
    results = Path(spec.record).parent
    others = [Path(name) for name in (spec.output, spec.progress, spec.cache) if name]
    return [results, temporary, *(folder for folder in others if not folder.is_relative_to(results))]


def restore_folder(args: argparse.Namespace) -> None:
    """Verify the sources, run the baseline, and write the record of a failure if it fails or if its sources are absent.

    Raises:
        InputError: a mistake that the user can correct.
    """
    descriptor = read_descriptor(args.baseline)
    images = list_images(args.input)
    if absent := absent_sources(descriptor, args.sources):
        for line in absent:
            print(f"absent: {line}", file=sys.stderr)
        with lock(args.record.with_name(f".{args.record.name}.lock")):
            reason = f"its code or weights are not here: {'; '.join(absent)}"
            args.output.mkdir(parents=True, exist_ok=True)  # the workflow declares it
            write_failure(args.record, make_spec(args, descriptor, {}).provenance.model_dump(), reason, [])
        return
    verify_checkout(descriptor.source, args.sources)
    digests = verify_weights(descriptor.artifacts, args.sources, args.weights)
    spec = make_spec(args, descriptor, digests)
    spec_file = args.record.with_name(f".{args.record.stem}.spec.yaml")
    with lock(args.record.with_name(f".{args.record.name}.lock")):
        args.record.unlink(missing_ok=True)
        write(spec_file, spec)
        with TemporaryDirectory(prefix="baseline-") as temporary:
            folders = writable_folders(spec, Path(temporary))
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            confined = [sys.executable, "-m", "baselines.runner.confinement", *map(str, folders), "--"]
            worker = [str(args.python), "-m", "baselines.runner.worker", str(spec_file)]
            environment = baseline_environment() | {name: f"{spec.cache}/{name.lower()}" for name in CACHES}
            environment["TMPDIR"] = temporary
            result = supervise([*without_network(), *confined, *worker], environment, args.time_limit)
        for message in result.messages:
            if message.event == "input_error":
                raise InputError(message.detail)
        if result.code == -signal.SIGTERM:  # a scheduler ends all processes of a job; the baseline did not fail
            raise KeyboardInterrupt
        if result.hung or result.code or not args.record.exists():
            reason = find_failure(result, args.time_limit, len(images))
            args.output.mkdir(parents=True, exist_ok=True)
            write_failure(args.record, spec.provenance.model_dump(), reason, list(result.tail))
            again = f"the same command, or snakemake --cores all TARGET --forcerun {args.record}"
            print(f"failed: {reason}", file=sys.stderr)
            print(f"to continue after the images that are finished: {again}", file=sys.stderr)


def main() -> None:
    """Command line: LR images in; SR images and a record out."""
    parser = make_parser("baselines.runner.run", __doc__)
    parser.add_argument("--baseline", required=True, metavar="NAME", help=f"one of {', '.join(list_names())}")
    parser.add_argument("--input", type=Path, required=True, help="folder of LR images (8-bit RGB)")
    parser.add_argument("--output", type=Path, required=True, help="folder for the SR images")
    parser.add_argument("--record", type=Path, required=True, help="JSON record to write")
    parser.add_argument("--sources", type=Path, required=True, help="folder of checkouts and weights")
    parser.add_argument("--cache", type=Path, help="folder for captions and tags (default: cache beside the record)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--seed-mode",
        choices=get_args(SeedMode),
        default="per_image",
        help="a seed for each image; or the official seed once, then all images in order (never resumed)",
    )
    parser.add_argument(
        "--weights",
        choices=get_args(Weights),
        default="official",
        help="official: verified; other: not the published files; random: not evaluated",
    )
    parser.add_argument("--time-limit", type=float, default=1800, help="seconds for loading, and for each image")
    add_shard_options(parser)
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="interpreter to run the baseline in")
    args = parser.parse_args()
    if args.shard and args.seed_mode == "official_stream":
        raise InputError("--seed-mode official_stream restores all images in order; leave --shard out")
    if args.device != "cpu":
        from osediff.common.devices import check_device  # torch, which this process needs for nothing else

        check_device(args.device)
    restore_folder(args)


if __name__ == "__main__":
    run(main)
