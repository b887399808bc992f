"""Where the time goes: each network's arithmetic and bytes against what the device can do, and what it achieves.

    python -m benchmark.complexity.roofline --spec JSON --device cpu --dtype fp32 --out results/roofline.md

The device's matrix rate (a product of square matrices) and its memory bandwidth (a copy) are measured in the same run.
A part needs at least the longer of its arithmetic at that rate and its bytes at that bandwidth: its weights once, and
what every layer reads and writes. The fraction is that bound over the measured time; what is missing goes to kernels
that do not reach the rate, to launching them, and to everything between them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from benchmark.complexity.complexity import loader
from benchmark.complexity.flops import count
from benchmark.complexity.timing import machine, measure
from osediff.common.devices import check_device
from osediff.common.errors import InputError, run
from osediff.common.files import write_text
from osediff.common.profiling import Part
from osediff.common.validation import known

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
SIDE, COPIED = {"cpu": 2048, "cuda": 8192}, {"cpu": 2**28, "cuda": 2**31}  # matrix side, bytes of a copy
PROTOCOL = {"warmup": "stable", "runs": 10, "seconds": 15, "statistic": "median"}


def seconds(call: Callable[[], Any], device: str) -> float:
    """Median seconds of ``call``."""
    return float(measure(call, device, PROTOCOL)["seconds"])


def rates(device: str, dtype: torch.dtype) -> tuple[float, float]:
    """The device's operations a second (a multiply-add is two) and bytes a second (read and written)."""
    side = SIDE[device]
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    source = torch.zeros(COPIED[device] // 4, device=device)
    target = torch.empty_like(source)
    rate = 2 * side**3 / seconds(lambda: a @ b, device)
    return rate, 2 * COPIED[device] / seconds(lambda: target.copy_(source), device)


def moved(part: Part, width: int) -> int:
    """Bytes that one call moves: weights once, input and output of every layer; ``width`` bytes a number."""
    total = sum(p.numel() for p in part.module.parameters())

    def add(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        nonlocal total
        tensors = [x for x in (*inputs, output) if isinstance(x, Tensor)]
        total += sum(x.numel() for x in tensors)

    leaves = [module for module in part.module.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(add) for module in leaves]
    with torch.no_grad():
        part.module(*part.arguments, **part.keywords)
    for hook in hooks:
        hook.remove()
    return total * width


def on(part: Part, device: str, dtype: torch.dtype) -> Callable[[], Any]:
    """One call of ``part`` on ``device``, its numbers in ``dtype``."""

    def cast(x: Any) -> Any:
        return x.to(device, dtype if x.is_floating_point() else x.dtype) if isinstance(x, Tensor) else x

    module = part.module.to(device, dtype).eval()
    arguments = [cast(x) for x in part.arguments]
    keywords = {name: cast(x) for name, x in part.keywords.items()}
    return lambda: module(*arguments, **keywords)


def table(spec: dict[str, Any], device: str, precision: str) -> list[str]:
    """The Markdown lines."""
    dtype = DTYPES[precision]
    with torch.inference_mode():
        rate, bandwidth = rates(device, dtype)
    load, rows, whole = loader(spec["parts"]), [], [0.0, 0.0]
    with torch.device("meta"):
        shapes = load(spec["size"], **spec["options"])
    counts = [(count(part), moved(part, dtype.itemsize)) for part in shapes]
    real = load(spec["size"], **spec["options"])
    for part, (found, size) in tqdm(list(zip(real, counts, strict=True)), desc="roofline", unit="part"):
        with torch.inference_mode():
            taken = seconds(on(part, device, dtype), device) * part.runs
        arithmetic, memory = 2 * found.total * part.runs / rate, size * part.runs / bandwidth
        bound = max(arithmetic, memory)
        whole = [whole[0] + bound, whole[1] + taken]
        limit = "arithmetic" if arithmetic > memory else "memory"
        cells = [part.name, f"{found.total * part.runs / 1e9:.1f}", f"{size * part.runs / 1e9:.2f}", limit]
        rows.append([*cells, f"{bound * 1e3:.1f}", f"{taken * 1e3:.1f}", f"{bound / taken:.0%}"])
    rows.append(["all", "", "", "", f"{whole[0] * 1e3:.1f}", f"{whole[1] * 1e3:.1f}", f"{whole[0] / whole[1]:.0%}"])
    about = machine(device)
    head = ["part", "multiply-adds (G)", "bytes (GB)", "bound by", "bound (ms)", "measured (ms)", "achieved"]
    lines = [f"# Roofline of {spec['title']}, {spec['size']}x{spec['size']}, {precision}", ""]
    lines += [f"{about['device']}: {rate / 1e12:.3g} T operations/s in a matrix product of {SIDE[device]} a side, "]
    lines[-1] += f"{bandwidth / 1e9:.3g} GB/s in a copy, both measured in this run. Random weights, one image."
    lines += ["", "| " + " | ".join(head) + " |", "|---|" + "--:|" * 2 + "---|" + "--:|" * 3]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", "Bound: the longer of arithmetic at that rate and bytes at that bandwidth (weights once, inputs and"]
    lines += ["outputs of every layer). Achieved: bound over measured."]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.complexity.roofline", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON: title, size, parts, options")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", default="fp32", help="fp32, bf16 or fp16")
    parser.add_argument("--threads", type=int, default=None, help="of a CPU (default: all)")
    parser.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    args = parser.parse_args()
    lacking = {"title", "size", "parts", "options"} - args.spec.keys()
    if lacking:
        raise InputError(f"--spec lacks {', '.join(sorted(lacking))}")
    known("dtype", args.dtype, DTYPES, "--dtype")
    check_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    write_text(args.out, "\n".join(table(args.spec, args.device, args.dtype)) + "\n")


if __name__ == "__main__":
    run(main)
