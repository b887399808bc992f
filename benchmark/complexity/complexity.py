"""Counts a method's networks for Table 2: multiply-adds of each part, with and without attention, and parameters.

    python -m benchmark.complexity.complexity --spec JSON --out FILE.json

``--spec``: title, steps, size, parts (module:function, see osediff.common.profiling), options, readings. Counted on the meta
device, so no weights are needed. Networks with LoRA are counted merged into the weights and beside them.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from benchmark.complexity.flops import count, parameters
from osediff.common.errors import InputError, run
from osediff.common.files import write_json
from osediff.common.profiling import Part


def loader(name: str) -> Callable[..., list[Part]]:
    """The function that ``module:function`` names; InputError where there is none."""
    module, _, function = name.partition(":")
    try:
        found: Callable[..., list[Part]] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InputError(f"no parts to count: {name} cannot be loaded ({error})") from error
    return found


def counted(parts: list[Part]) -> list[dict[str, Any]]:
    """A row for each part: multiply-adds and parameters as whole numbers, what is trained, what nothing counts."""
    own = parameters(parts)
    rows = []
    for part in tqdm(parts, desc="counting", unit="part"):
        found = count(part)
        macs = {"macs": found.without_attention * part.runs, "attention": found.attention * part.runs}
        rows.append({"part": part.name, "runs": part.runs, **macs, "parameters": own[part.name]})
        rows[-1] |= {"trainable": sum(part.trainable.values()), "uncounted": found.uncounted}
    return rows


def of(spec: dict[str, Any]) -> dict[str, Any]:
    """The count of ``spec``: rows merged, and beside the weights where the loader can say so."""
    load = loader(spec["parts"])
    choices = {"merged": True, "beside": False} if "merged" in inspect.signature(load).parameters else {"merged": None}
    found = {}
    for name, merged in choices.items():
        options = spec["options"] | ({} if merged is None else {"merged": merged})
        with torch.device("meta"):
            parts = load(spec["size"], **options)
        if not parts:
            raise InputError(f"{spec['title']}: {spec['parts']} gives no parts to count")
        found[name] = counted(parts)
    return {key: spec[key] for key in ("title", "steps", "size")} | found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.complexity.complexity", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON: title, steps, size, parts, options")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    lacking = {"title", "steps", "size", "parts", "options"} - args.spec.keys()
    if lacking:
        raise InputError(f"--spec lacks {', '.join(sorted(lacking))}")
    write_json(args.out, of(args.spec))


if __name__ == "__main__":
    run(main)
