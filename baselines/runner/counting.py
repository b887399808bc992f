"""MACs and parameters of a baseline's networks, without weights or memory (Table 2).

    python -m baselines.runner.counting --baseline NAME --sources DIR [--size 128] [--out FILE.json]

Counted by torch's FlopCounterMode, halved: convolutions, matrix products and attention, for one LR image of SIZE x SIZE
pixels. The checkout must be there. A baseline whose environment is another one is counted in that. Where its code
breaks, FILE says ``failed`` with the reason, and this command ends well: other rows are not to wait for it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from baselines.runner import descriptor as descriptors
from baselines.runner import sources
from osediff.common.errors import InputError, run
from osediff.common.files import write_json

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
    parser = argparse.ArgumentParser(
        prog="python -m baselines.runner.counting", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--baseline", required=True, metavar="NAME", help=f"one of {', '.join(descriptors.names())}")
    parser.add_argument("--sources", type=Path, required=True, help="folder of checkouts")
    parser.add_argument("--size", type=int, default=128, help="side of the LR image in pixels")
    parser.add_argument("--out", type=Path, help="JSON file to write (default: standard output)")
    args = parser.parse_args()
    descriptor = descriptors.read(args.baseline)
    sources.verify_checkout(descriptor, args.sources)
    found: dict[str, Any] = {"baseline": args.baseline, "size": args.size}
    try:
        found |= of(descriptor, args.sources, args.size)
    except InputError:
        raise
    except Exception as error:
        if not args.out:
            raise
        traceback.print_exc()
        found["failed"] = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if args.out:
        write_json(args.out, found)
    else:
        print(json.dumps(found, indent=2))


def of(descriptor: descriptors.Descriptor, root: Path, size: int) -> dict[str, Any]:
    """The parts of a baseline, counted, and their total; InputError where its adapter names none."""
    adapter = importlib.import_module(descriptor["runs"]["entry"].split(":")[0])
    if not hasattr(adapter, "parts"):
        raise InputError(f"{descriptor['title']}: its adapter names no parts to be counted")
    rows = counted(adapter.parts(root, descriptors.settings(descriptor), size))
    total = {name: round(sum(row[name] for row in rows), 3) for name in ("gmacs", "without_attention", "mparams")}
    return {"parts": rows, "total": total}


if __name__ == "__main__":
    run(main)
