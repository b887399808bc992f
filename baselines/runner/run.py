"""One baseline on one folder: LR images in, SR images out, and a record of what made them, or of why it failed.

    python -m baselines.runner.run --baseline NAME --input LR --output SR --sources DIR --record run.json

Sources are verified first; what a user can mend stops this command in one line. Then the baseline runs in a process of
its own. If that crashes, hangs, runs out of memory or returns what is no SR image, the record says ``failed`` with the
reason and the last lines, and this command ends well: other methods and the tables are not to wait for it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from baselines.runner import descriptor as descriptors
from baselines.runner import sources
from baselines.runner.supervisor import Ended, supervise
from osediff.common.errors import InputError, run
from osediff.common.files import lock
from osediff.common.images import list_images
from osediff.common.restore_folder import write_failure

ROOT = Path(__file__).parents[2]
LINE = 300  # characters of a reason


def reason(ended: Ended, limit: float, images: int) -> str:
    """Why there is no whole folder of SR images, in one line."""
    begun = next((message["begun"] for message in reversed(ended.messages) if "begun" in message), None)
    place = f"at image {begun}" if begun else "while loading"
    if ended.hung:
        return f"hung {place}: nothing for {limit:g} s, the limit for one image"
    if ended.code < 0:
        name = signal.Signals(-ended.code).name
        memory = ", as the system does when memory runs out" if -ended.code == signal.SIGKILL else ""
        return f"killed by {name}{memory} {place}"
    if ended.code > 0:
        last = ended.tail[-1].strip() if ended.tail else f"exit code {ended.code}, no output"
        return f"{last[:LINE]} ({place})"
    restored = sum("restored" in message for message in ended.messages)
    return f"ended after {restored} of {images} images without an error"


def environment() -> dict[str, str]:
    """The environment of the baseline's process: our packages importable, no downloads, no traces in a checkout, and
    no bars, for the log has one line for each image."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    on = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "TQDM_DISABLE")
    return {**os.environ, **dict.fromkeys(on, "1"), "PYTHONPATH": path}


def restore(args: argparse.Namespace) -> None:
    """Verifies, runs and records; InputError for what the user can mend."""
    descriptor = descriptors.read(args.baseline)
    images = list_images(args.input)
    sources.verify_checkout(descriptor, args.sources)
    digests = sources.verify_weights(descriptor, args.sources, args.weights)
    made_by: dict[str, Any] = {
        "method": "baseline",
        "baseline": args.baseline,
        "license": descriptor["license"]["id"],
        "commit": descriptor["source"]["commit"] if descriptor["source"]["checkout"] else None,
        "weights": args.weights,
        "weights_sha256": digests,
        "settings": descriptors.settings(descriptor),
        "seed": args.seed,
        "seed_mode": args.seed_mode,
        "device": args.device.split(":")[0],
    }
    if note := sources.other_weights_note(descriptor, digests) if args.weights == "other" else "":
        made_by["note"] = note
    job = {
        "baseline": args.baseline,
        "entry": descriptor["runs"]["entry"],
        "settings": made_by["settings"],
        "scale_factor": descriptor["scale_factor"],
        "input": str(args.input.resolve()),
        "output": str(args.output.resolve()),
        "record": str(args.record.resolve()),
        "sources": str(args.sources.resolve()),
        "cache": str((args.cache or args.record.parent / "cache").resolve()),
        "device": args.device,
        "seed": args.seed,
        "seed_mode": args.seed_mode,
        "stream_seed": descriptor.get("official_seed", args.seed),
        "made_by": made_by,
    }
    command = [str(args.python), "-m", "baselines.runner.worker", json.dumps(job)]
    with lock(args.record.with_name(f".{args.record.name}.lock")):
        args.record.unlink(missing_ok=True)
        ended = supervise(command, environment(), args.time_limit)
        for message in ended.messages:
            if "input_error" in message:
                raise InputError(message["input_error"])
        if ended.hung or ended.code or not args.record.exists():
            why = reason(ended, args.time_limit, len(images))
            write_failure(args.record, made_by, why, ended.tail)
            print(f"failed: {why}", file=sys.stderr)
            again = f"the same command, or snakemake --cores all TARGET --forcerun {args.record}"
            print(f"to go on from the images that it made: {again}", file=sys.stderr)


def stopped(*_: Any) -> NoReturn:
    """A scheduler's polite stop is handled as Ctrl-C: the baseline's process ends too, and no record is left."""
    raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m baselines.runner.run", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--baseline", required=True, metavar="NAME", help=f"one of {', '.join(descriptors.names())}")
    parser.add_argument("--input", type=Path, required=True, help="folder of LR images (8-bit RGB)")
    parser.add_argument("--output", type=Path, required=True, help="folder for the SR images")
    parser.add_argument("--record", type=Path, required=True, help="JSON record to write")
    parser.add_argument("--sources", type=Path, required=True, help="folder of checkouts and weights")
    parser.add_argument("--cache", type=Path, help="folder for captions and tags (default: cache beside the record)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--seed-mode",
        choices=["per_image", "official_stream"],
        default="per_image",
        help="a seed for each image; or the official seed once, then all images in order (never resumed)",
    )
    parser.add_argument(
        "--weights",
        choices=sources.MODES,
        default="official",
        help="official: verified; other: not the published files; random: not evaluated",
    )
    parser.add_argument("--time-limit", type=float, default=1800, help="seconds for loading, and for each image")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="interpreter to run the baseline in")
    args = parser.parse_args()
    if args.device != "cpu":
        from osediff.common.devices import check_device  # torch, which this process needs for nothing else

        check_device(args.device)
    signal.signal(signal.SIGTERM, stopped)
    restore(args)


if __name__ == "__main__":
    run(main)
