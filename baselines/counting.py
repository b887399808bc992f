"""MACs and parameters of a baseline's networks, without weights or memory (Table 2).

    python -m baselines.counting --baseline NAME --sources DIR [--size 128]

Counted by torch's FlopCounterMode, halved: convolutions, matrix products and attention, for one LR image of SIZE x SIZE
pixels. The checkout must be there. A baseline whose environment is another one is counted in that.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from baselines import descriptor as descriptors
from baselines import sources
from contracts.errors import InputError, run

ATTENTION = ("attention", "bmm")  # products of two activations; many published counts leave them out


class Part(NamedTuple):
    """A network and what restoring one image asks of it."""

    name: str
    network: nn.Module  # for its parameters
    call: Callable[[], Any]  # one call, on the meta device
    calls: int  # for one image


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A tensor without values."""
    return torch.empty(shape, device="meta", dtype=dtype)


@torch.no_grad()
def counted(parts: Iterator[Part]) -> list[dict[str, Any]]:
    """A row for each part: MACs of one call in G (1e9), calls, their product, the same without the products inside
    attention, and parameters in M (1e6)."""
    rows = []
    for part in parts:
        part.network.eval()
        with FlopCounterMode(display=False) as counter:
            part.call()
        flops = counter.get_flop_counts()["Global"]
        macs = counter.get_total_flops() / 2e9
        attention = sum(value for op, value in flops.items() if any(word in str(op) for word in ATTENTION)) / 2e9
        parameters = sum(each.numel() for each in part.network.parameters()) / 1e6
        rows.append(
            {
                "part": part.name,
                "gmacs_a_call": round(macs, 3),
                "calls": part.calls,
                "gmacs": round(macs * part.calls, 1),
                "without_attention": round((macs - attention) * part.calls, 1),
                "mparams": round(parameters, 3),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m baselines.counting", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--baseline", required=True, metavar="NAME", help=f"one of {', '.join(descriptors.names())}")
    parser.add_argument("--sources", type=Path, required=True, help="folder of checkouts")
    parser.add_argument("--size", type=int, default=128, help="side of the LR image in pixels")
    args = parser.parse_args()
    descriptor = descriptors.read(args.baseline)
    sources.verify_checkout(descriptor, args.sources)
    adapter = importlib.import_module(descriptor["runs"]["entry"].split(":")[0])
    if not hasattr(adapter, "parts"):
        raise InputError(f"{args.baseline}: its adapter names no parts to be counted")
    rows = counted(adapter.parts(args.sources, descriptors.settings(descriptor), args.size))
    total = {name: round(sum(row[name] for row in rows), 3) for name in ("gmacs", "without_attention", "mparams")}
    print(json.dumps({"baseline": args.baseline, "size": args.size, "parts": rows, "total": total}, indent=2))


if __name__ == "__main__":
    run(main)
