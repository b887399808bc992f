"""Time of the demo's training by one or several processes and threads, in turns.

    python -m tools.benchmarks.processes

The recipe is that of base ``demo``, whose photographs ``snakemake --cores 1 data/photos/demo-train.csv`` makes. A side
runs the command of rule ``train`` for few steps and for more. The row of steps is the
difference of the two, without start and end of the command. CPU time is that of all processes, peak memory that of the
largest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from osediff.common.errors import InputError, run
from osediff.common.settings import write
from osediff.common.validation import read_yaml
from osediff.recipe import TrainingSpec
from tools.benchmarks.record import Recorder
from workflow.planning.loader import load
from workflow.planning.specs import training_spec


def time_command(command: list[str]) -> dict[str, float]:
    """Run ``command`` to its end; return its seconds and memory. InputError if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InputError(f"the training ended with exit code {process.returncode}; see above")
    return {
        "wall": time.perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024 / 1e9,
    }


def parse_side(text: str) -> tuple[int, int]:
    """Read ``PROCESSESxTHREADS``, for example 2x1; ValueError if it is something else."""
    processes, threads = (int(part) for part in text.split("x"))
    return processes, threads


def train_command(
    spec: TrainingSpec, steps: int, side: tuple[int, int], arguments: argparse.Namespace, folder: Path
) -> list[str]:
    """Write the spec of ``side`` with ``steps`` into ``folder``; return the command of rule ``train``."""
    processes, threads = side
    recipe = spec.recipe.model_copy(update={"steps": steps})
    spec_file = folder / f"{steps}.yaml"
    write(spec_file, spec.model_copy(update={"recipe": recipe, "threads": threads}))
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"] if processes > 1 else []
    places = {"photos": arguments.photos, "photo-list": arguments.photo_list, "backbone": arguments.backbone}
    options = [text for name, place in places.items() for text in (f"--{name}", str(place))]
    command = ["-m", "osediff.train", "--spec", str(spec_file), *options, "--out", str(folder / str(steps))]
    return [sys.executable, *launcher, *command]


def main() -> None:
    """Command line: photographs in, a record out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("data/photos/demo-train"), help="the demo makes them")
    parser.add_argument("--photo-list", type=Path, default=Path("data/photos/demo-train.csv"), help="of --photos")
    parser.add_argument("--backbone", type=Path, default=Path("backbones/demo"))
    parser.add_argument(
        "--sides", type=parse_side, nargs="+", default=[(1, 1), (1, 2), (2, 1)], metavar="PROCESSESxTHREADS"
    )
    parser.add_argument("--steps", type=int, nargs=2, default=[5, 45], metavar=("FEW", "MORE"))
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--record", default="processes", help="name of the record")
    args = parser.parse_args()
    bench = load(read_yaml(Path("config/config.yaml")), Path.cwd())
    spec = training_spec(bench, bench.variants.default, "demo", seed=0)
    few, more = args.steps
    if more < few + 10:
        parser.error("--steps: MORE must be at least 10 more than FEW, since their difference is measured")
    images = f"{more - few} steps, {(more - few) * spec.recipe.batch} images"
    sides = {f"{processes} x {threads}": (processes, threads) for processes, threads in args.sides}
    threads = max(processes * threads for processes, threads in args.sides)
    recorder = Recorder("tools.benchmarks.processes", tuple(sides), ("torch", "diffusers", "peft"), threads)
    for _ in tqdm(range(args.repeats), desc="repeats"):
        for name, side in sides.items():
            with TemporaryDirectory() as folder:
                short, long = (
                    time_command(train_command(spec, steps, side, args, Path(folder))) for steps in args.steps
                )
            recorder.add(f"start, {few} steps and end", name, short)
            difference = {field: long[field] - short[field] for field in ("wall", "cpu")}
            recorder.add(images, name, difference | {"peak": long["peak"]})
    recorder.write(args.record)


if __name__ == "__main__":
    run(main)
