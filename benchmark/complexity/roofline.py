"""Roofline: the arithmetic and bytes of each network, the least time that they need, and the time that it takes.

    python -m benchmark.complexity.roofline --spec FILE.yaml --device cpu --out results/roofline.md

The device's arithmetic rate (a product of square matrices) and its memory bandwidth (a copy) are measured in the same
run. The bound of a network is the longer of two times: its arithmetic at that rate, and its bytes at that bandwidth.
Its bytes are its weights, once, and the input and output of every layer. The achieved fraction is the bound over the
measured time. The rest of the time is spent on kernels that do not reach the rate, on launching them, and between them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from benchmark.complexity.entry_points import load_entry_point
from benchmark.complexity.flops import count_operators
from benchmark.complexity.specs import RooflineSpec, TimingProtocol
from benchmark.complexity.timing import describe_machine, measure
from benchmark.tables.render import markdown
from benchmark.tables.table import Column, Table, Value, plain_rows
from osediff.common.command_line import make_parser
from osediff.common.devices import check_device
from osediff.common.errors import run
from osediff.common.files import write_text
from osediff.common.profiling import ProfiledModule
from osediff.common.settings import read

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
SIDE, COPIED = {"cpu": 2048, "cuda": 8192}, {"cpu": 2**28, "cuda": 2**31}  # matrix side, bytes of a copy
PROTOCOL = TimingProtocol(
    includes=(), precision="fp32", batch=1, warmup="stable", runs=10, seconds=15.0, statistic="median"
)
HEAD = ("network", "multiply-adds (G)", "bytes (GB)", "bound by", "bound (ms)", "measured (ms)", "achieved")
COLUMNS = [Column(title, title, number=title not in ("network", "bound by")) for title in HEAD]


def median_seconds(call: Callable[[], Any], device: str) -> float:
    """Median seconds of ``call``."""
    return measure(call, device, PROTOCOL).median


def measure_rates(device: str, dtype: torch.dtype) -> tuple[float, float]:
    """Measure the device's operations a second (a multiply-add is two) and its bytes a second (read and written)."""
    side = SIDE[device]
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    source = torch.zeros(COPIED[device] // 4, device=device)
    target = torch.empty_like(source)
    rate = 2 * side**3 / median_seconds(lambda: a @ b, device)
    return rate, 2 * COPIED[device] / median_seconds(lambda: target.copy_(source), device)


def count_bytes(profiled: ProfiledModule, width: int) -> int:
    """Count the bytes that one call moves: weights once, input and output of every layer; ``width`` bytes a number."""
    total = sum(parameter.numel() for parameter in profiled.module.parameters())

    def add(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        nonlocal total
        total += sum(value.numel() for value in (*inputs, output) if isinstance(value, Tensor))

    leaves = [module for module in profiled.module.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(add) for module in leaves]
    with torch.no_grad():
        profiled.module(*profiled.arguments, **profiled.keywords)
    for hook in hooks:
        hook.remove()
    return total * width


def move_to(profiled: ProfiledModule, device: str, dtype: torch.dtype) -> Callable[[], Any]:
    """Return one call of ``profiled`` on ``device``, with its floating-point numbers in ``dtype``."""

    def cast(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        return value.to(device, dtype if value.is_floating_point() else value.dtype)

    module = profiled.module.to(device, dtype).eval()
    arguments = [cast(value) for value in profiled.arguments]
    keywords = {name: cast(value) for name, value in profiled.keywords.items()}
    return lambda: module(*arguments, **keywords)


def measure_table(spec: RooflineSpec, device: str) -> Table:
    """Measure the device and each network on it, and make the table."""
    dtype = DTYPES[spec.precision]
    with torch.inference_mode():
        rate, bandwidth = measure_rates(device, dtype)
    load = load_entry_point(spec.modules)
    with torch.device("meta"):
        shapes: list[ProfiledModule] = list(load(spec.size, **spec.options))
    counts = [(count_operators(profiled).total, count_bytes(profiled, dtype.itemsize)) for profiled in shapes]
    lines: list[tuple[Value, ...]] = []
    bounds, measured = 0.0, 0.0
    networks: list[ProfiledModule] = list(load(spec.size, **spec.options))
    for profiled, (macs, size) in tqdm(list(zip(networks, counts, strict=True)), desc="roofline", unit="network"):
        with torch.inference_mode():
            seconds = median_seconds(move_to(profiled, device, dtype), device) * profiled.calls
        arithmetic, memory = 2 * macs * profiled.calls / rate, size * profiled.calls / bandwidth
        bound = max(arithmetic, memory)
        bounds, measured = bounds + bound, measured + seconds
        limit = "arithmetic" if arithmetic > memory else "memory"
        of_network = (profiled.name, f"{macs * profiled.calls / 1e9:.1f}", f"{size * profiled.calls / 1e9:.2f}", limit)
        lines.append((*of_network, *print_times(bound, seconds)))
    lines.append(("all", "", "", "", *print_times(bounds, measured)))
    return Table(
        title=f"Roofline of {spec.title}, {spec.size}x{spec.size}, {spec.precision}",
        columns=COLUMNS,
        groups=[plain_rows(COLUMNS, lines)],
        caption=f"{describe_machine(device).device}: {rate / 1e12:.3g} T operations/s in a matrix product of "
        f"{SIDE[device]} a side, {bandwidth / 1e9:.3g} GB/s in a copy, both measured in this run. "
        "Random weights, one image.",
        notes=[
            "Bound: the longer of arithmetic at that rate and bytes at that bandwidth (weights once, inputs and "
            "outputs of every layer). Achieved: bound over measured."
        ],
    )


def print_times(bound: float, seconds: float) -> tuple[str, str, str]:
    """Print bound and measured time in milliseconds, and the fraction of the bound that is achieved."""
    return f"{bound * 1e3:.1f}", f"{seconds * 1e3:.1f}", f"{bound / seconds:.0%}"


def main() -> None:
    """Command line: a spec in, a Markdown table out."""
    parser = make_parser("benchmark.complexity.roofline", __doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML file, see benchmark.complexity.specs")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads (default: all)")
    parser.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    args = parser.parse_args()
    spec = read(args.spec, RooflineSpec)
    check_device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    write_text(args.out, markdown(measure_table(spec, args.device)))


if __name__ == "__main__":
    run(main)
