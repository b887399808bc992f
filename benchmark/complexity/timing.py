"""Times a method on one device: warm-up, many runs, median and percentiles, and all that a time depends on.

    python -m benchmark.complexity.timing --spec JSON --protocol plain --size 512 --dtype bf16 --device cuda --out FILE.json

``--spec``: title, steps, pipeline (module:function) and its options, as config/complexity.yaml has them. A pipeline is
called as ``function(size, batch, device, precision, includes, **options)``, ``includes`` being the protocol's list in
config/timing.yaml, and returns what one run does, and a line of what that includes. GPU times are taken by CUDA events,
others by a clock. A device should be alone: put ``python -m osediff.common.gpu_lease --`` in front on a GPU. Times of one device
say nothing of another, and none is converted. Where memory ends, the file says so in place of a time; with
``--contain`` also where the code breaks in any other way.
"""

from __future__ import annotations

import argparse
import importlib
import json
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
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from osediff.common.devices import check_device
from osediff.common.errors import InputError, run
from osediff.common.files import write_json
from osediff.common.validation import known, read_yaml

STABLE, WITHIN = 3, 0.05  # calls that agree, and by how much
MOST, LONGEST = 20, 60.0  # calls and seconds of warm-up after which to go on all the same


def timed(call: Callable[[], Any], device: str) -> float:
    """Seconds of one ``call``."""
    if device == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call()
        end.record()
        torch.cuda.synchronize()
        return float(start.elapsed_time(end)) / 1000
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def warm(call: Callable[[], Any], device: str, warmup: int | str) -> list[float]:
    """Calls that do not count: so many, or until the last three agree, but for a minute at most."""
    times: list[float] = []
    while len(times) < (MOST if warmup == "stable" else int(warmup)):
        if warmup == "stable" and sum(times) > LONGEST:
            break
        times.append(timed(call, device))
        last = times[-STABLE:]
        if warmup == "stable" and len(last) == STABLE and max(last) <= (1 + WITHIN) * min(last):
            break
    return times


def measure(call: Callable[[], Any], device: str, protocol: dict[str, Any]) -> dict[str, Any]:
    """Times of ``call`` by ``protocol``: seconds (its statistic), median, mean, p5, p95, runs, calls before them."""
    before = warm(call, device, protocol["warmup"])
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    times: list[float] = []
    begun = time.perf_counter()
    bar = tqdm(total=protocol["runs"], desc="timing", unit="run")
    while not times or (
        (protocol["runs"] is None or len(times) < protocol["runs"])
        and (protocol["seconds"] is None or time.perf_counter() - begun < protocol["seconds"])
    ):
        times.append(timed(call, device))
        bar.update()
    bar.close()
    p5, p95 = np.percentile(times, [5, 95])
    found = {"median": float(np.median(times)), "mean": float(np.mean(times)), "p5": float(p5), "p95": float(p95)}
    return {"seconds": found[protocol["statistic"]], **found, "runs": len(times), "warmup": len(before)}


def peak_memory(device: str) -> int:
    """Bytes: of tensors on a GPU since the last reset, of this process elsewhere."""
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def machine(device: str) -> dict[str, Any]:
    """The device's name, and what else its times depend on."""
    found: dict[str, Any] = {"torch": torch.__version__, "threads": torch.get_num_threads(), "cpus": os.cpu_count()}
    if device == "cuda":
        found |= {"device": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
        if shutil.which("nvidia-smi"):
            keys = "driver_version,clocks.sm,clocks.max.sm,clocks.mem,power.limit"
            query = ["nvidia-smi", f"--query-gpu={keys}", "--format=csv,noheader"]
            answer = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
            found |= {"nvidia_smi": dict(zip(keys.split(","), answer[0].split(", "), strict=False))} if answer else {}
        return found
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    name = names[0] if info.exists() and names else platform.processor() or platform.machine()
    return found | {"device": f"{name}, {torch.get_num_threads()} thread" + "s" * (torch.get_num_threads() > 1)}


def loader(name: str) -> Callable[..., tuple[Callable[[], Any], str]]:
    """The pipeline that ``module:function`` names; InputError where there is none."""
    module, _, function = name.partition(":")
    try:
        found: Callable[..., tuple[Callable[[], Any], str]] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InputError(f"nothing to time: {name} cannot be loaded ({error})") from error
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.complexity.timing", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, help="JSON: title, steps, pipeline, options")
    parser.add_argument("--method", help="in place of --spec: an entry of config/complexity.yaml")
    parser.add_argument("--protocol", default="plain", help="of config/timing.yaml")
    parser.add_argument("--size", type=int, default=512, help="side of the image that is made, in pixels")
    parser.add_argument("--batch", type=int, default=None, help="images at once (default: the protocol's)")
    parser.add_argument("--dtype", default=None, help="fp32, bf16 or fp16 (default: the protocol's)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=None, help="of a CPU (default: all)")
    parser.add_argument("--contain", action="store_true", help="code that breaks is a row that says so, not an error")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    protocols = read_yaml(Path("config/timing.yaml"))
    known("protocol", args.protocol, protocols, "--protocol")
    check_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    spec = args.spec or named(args.method)
    protocol = dict(protocols[args.protocol])
    batch, precision = args.batch or protocol["batch"], args.dtype or protocol["precision"]
    known("dtype", precision, ("fp32", "bf16", "fp16"), "--dtype")
    precision = spec.get("precision", precision)  # somebody else's code has its own
    made_by = {"title": spec["title"], "steps": spec["steps"], "size": args.size, "batch": batch}
    made_by |= {"precision": precision, "compiled": False, "protocol": args.protocol, **machine(args.device)}
    try:
        prepare = loader(spec["pipeline"])
        call, includes = prepare(args.size, batch, args.device, precision, protocol["includes"], **spec["options"])
        with torch.inference_mode():
            found = measure(call, args.device, protocol)
    except InputError:
        raise
    except Exception as error:
        why = failure(error, args.size, batch)
        if not why and not args.contain:
            raise
        if not why:
            traceback.print_exc()
        write_json(args.out, {**made_by, "failed": why or f"{type(error).__name__}: {' '.join(str(error).split())}"})
        print(f"{spec['title']}: {why or 'failed, its row says so'}", file=sys.stderr)
        return
    write_json(args.out, {**made_by, "includes": includes, **found, "peak_memory": peak_memory(args.device)})


def failure(error: Exception, size: int, batch: int) -> str:
    """A line that says so where ``error`` is a lack of memory; empty otherwise."""
    ended = isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "memory" in str(error).lower()
    )
    return f"out of memory at {size} pixels, batch {batch}" if ended else ""


def named(method: str | None) -> dict[str, Any]:
    """The entry ``method`` of config/complexity.yaml as a specification."""
    entries, backbones = read_yaml(Path("config/complexity.yaml")), read_yaml(Path("config/backbones.yaml"))
    known("method", str(method), entries, "--method")
    entry = entries[str(method)]
    backbone = backbones[entry["backbone"]]
    sizes = backbone["random"]["sizes"] if "random" in backbone else backbone["folder"]
    return {**entry, "options": {"backbone": sizes, "extractor": entry["extractor"]}}


if __name__ == "__main__":
    run(main)
