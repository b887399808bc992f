"""Time a method on one device: warm-up, many runs, median and percentiles, and a description of the machine.

    python -m benchmark.complexity.timing --spec FILE.yaml --device cuda --out FILE.json

The spec names a pipeline, ``module:function``. It is called as ``function(size, batch, device, protocol, **options)``
and returns a function that does one run, and a line that says what a run includes. A GPU is timed by CUDA events, other
devices by a clock. The device should be idle: ``python -m osediff.common.gpu_lease --`` before the command reserves a
GPU. Times are never converted from one device to another. If memory runs out, the record says so in place of a time.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from tqdm import tqdm

from benchmark.complexity.entry_points import failure_line, load_entry_point
from benchmark.complexity.records import Distribution, Machine, Timing, write_record
from benchmark.complexity.specs import TimingProtocol, TimingSpec
from osediff.common.command_line import make_parser
from osediff.common.devices import check_device
from osediff.common.errors import InputError, run
from osediff.common.settings import read

Run = Callable[[], Any]
STABLE, WITHIN = 3, 0.05  # calls that agree, and by how much
MOST, LONGEST = 20, 60.0  # calls and seconds of warm-up after which to go on all the same


def time_call(call: Run, device: str) -> float:
    """Time one ``call``, in seconds."""
    if device == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        call()
        end.record()
        torch.cuda.synchronize()
        return float(start.elapsed_time(end)) / 1000
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def warm_up(call: Run, device: str, warmup: int | Literal["stable"]) -> list[float]:
    """Call ``warmup`` times, or until the last three times agree, for at most a minute; return all seconds."""
    times: list[float] = []
    while len(times) < (MOST if warmup == "stable" else warmup):
        if warmup == "stable" and sum(times) > LONGEST:
            break
        times.append(time_call(call, device))
        last = times[-STABLE:]
        if warmup == "stable" and len(last) == STABLE and max(last) <= (1 + WITHIN) * min(last):
            break
    return times


def measure(call: Run, device: str, protocol: TimingProtocol) -> Distribution:
    """Time ``call`` by ``protocol``."""
    before = warm_up(call, device, protocol.warmup)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    times: list[float] = []
    begun = time.perf_counter()
    bar = tqdm(total=protocol.runs, desc="timing", unit="run")
    while not times or (
        (protocol.runs is None or len(times) < protocol.runs)
        and (protocol.seconds is None or time.perf_counter() - begun < protocol.seconds)
    ):
        times.append(time_call(call, device))
        bar.update()
    bar.close()
    median, mean = float(np.median(times)), float(np.mean(times))
    p5, p95 = (float(value) for value in np.percentile(times, [5, 95]))
    seconds = median if protocol.statistic == "median" else mean
    return Distribution(seconds=seconds, median=median, mean=mean, p5=p5, p95=p95, runs=len(times), warmup=len(before))


def peak_memory(device: str) -> int:
    """Return the peak memory in bytes: of tensors on a GPU since the last reset, of this process on other devices."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def describe_machine(device: str) -> Machine:
    """Describe the device and everything else that its times depend on."""
    torch_version, threads = str(torch.__version__), torch.get_num_threads()
    if device == "cuda":
        name, cuda = torch.cuda.get_device_name(), str(torch.version.cuda)
        return Machine(device=name, cuda=cuda, torch=torch_version, threads=threads, **_gpu_state())
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return Machine(device=f"{name}, {threads} thread" + "s" * (threads > 1), torch=torch_version, threads=threads)


def _gpu_state() -> dict[str, str]:
    """Return driver, clock and power limit as nvidia-smi gives them, if it is installed."""
    if not shutil.which("nvidia-smi"):
        return {}
    query = ["nvidia-smi", "--query-gpu=driver_version,clocks.max.sm,power.limit", "--format=csv,noheader"]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    query += ["-i", visible] if visible else []
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=60).stdout.splitlines()
    except subprocess.TimeoutExpired:
        return {}
    return dict(zip(("driver", "clock", "power_limit"), answer[0].split(", "), strict=False)) if answer else {}


def out_of_memory(error: Exception) -> bool:
    """Tell whether ``error`` is a lack of memory."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "memory" in str(error).lower()
    )


def time_method(spec: TimingSpec, device: str) -> Timing:
    """Time the pipeline of ``spec`` on ``device``.

    Raises:
        InputError: the entry point cannot be loaded, or refuses the size, batch or precision.
    """
    protocol = spec.settings
    record = Timing(
        title=spec.title,
        steps=spec.steps,
        size=spec.size,
        batch=protocol.batch,
        precision=spec.precision,
        compiled=protocol.compile,
        protocol=spec.protocol,
        machine=describe_machine(device),
    )
    try:
        call, includes = load_entry_point(spec.pipeline)(spec.size, protocol.batch, device, protocol, **spec.options)
        with torch.inference_mode():
            times = measure(call, device, protocol)
    except InputError:
        raise
    except Exception as error:
        reason = f"out of memory at {spec.size} pixels, batch {protocol.batch}" if out_of_memory(error) else ""
        if not reason and not spec.contain:
            raise
        if not reason:
            traceback.print_exc()
        print(f"{spec.title}: {reason or 'failed, its record says so'}", file=sys.stderr)
        return record.model_copy(update={"failed": reason or failure_line(error)})
    measured = {"includes": includes, "times": times, "peak_memory": peak_memory(device)}
    return record.model_copy(update=measured)


def main() -> None:
    """Command line: a spec in, a record of times out."""
    parser = make_parser("benchmark.complexity.timing", __doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML file, see benchmark.complexity.specs.TimingSpec")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads (default: all)")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    spec = read(args.spec, TimingSpec)
    check_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    write_record(args.out, time_method(spec, args.device))


if __name__ == "__main__":
    run(main)
