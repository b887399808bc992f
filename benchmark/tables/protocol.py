"""How every number is measured, as a page: what two people must agree on to get the same number.

python -m benchmark.tables.protocol --registry config/metrics.yaml --protocol osediff --out results/protocol.md
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmark.metrics import build as metrics
from benchmark.metrics.protocols import resolve
from osediff.common.errors import run
from osediff.common.files import write_text

HEAD = ("metric", "better", "range", "unit", "of", "computed by", "options", "weights (sha256)", "protocol")


def bounds(lowest: float | None, highest: float | None) -> str:
    """A range as text: ``0 to 80``, ``from 0``, or a dash."""
    if lowest is None:
        return "–"
    return f"from {lowest:g}" if highest is None else f"{lowest:g} to {highest:g}"


def sheet(registry: metrics.Registry) -> str:
    """The registry under one protocol as Markdown, then what the other protocols change."""
    lines = ["# How every number is measured", "", "| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
    for name, metric in registry["metrics"].items():
        library = metric["library"]
        by = "this repository" if library == "own" else f"{library} {registry['libraries'][library]}: {metric['name']}"
        options = {
            **metric["options"],
            **({"random_crops": metric["random_crops"]} if "random_crops" in metric else {}),
        }
        weights = []
        for weight in (registry["weights"][key] for key in metric["weights"]):
            file = Path(weight.get("repo", "")) / Path(weight["path"]).name
            weights.append(f"{file} ({weight.get('sha256', 'not published')[:16]})")
        cells = [metric["title"], "higher" if metric["higher_is_better"] else "lower", bounds(*metric["range"])]
        cells += [metric["unit"], "each image" if metric["level"] == "image" else "whole sets", by]
        cells += [", ".join(f"{key} {json.dumps(value)}" for key, value in options.items()) or "–"]
        cells += [", ".join(weights) or "–", metrics.protocol(registry, name)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "Images are 8-bit RGB, paired by name; averages are over the images of a test set.", ""]
    lines += ["Other protocols, chosen by `protocol` of the main configuration or `--protocol`:", ""]
    for name, other in registry.get("protocols", {}).items():
        titles = ", ".join(registry["metrics"][metric]["title"] for metric in other["metrics"])
        lines.append(f"- `{name}/{other['version']}` ({titles}): {other['about']}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.protocol", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument("--protocol", help="one of the registry's protocols (default: its own, the paper's)")
    parser.add_argument("--out", type=Path, required=True, help="Markdown file to write")
    args = parser.parse_args()
    registry = metrics.load(args.registry)
    chosen = args.protocol or registry["protocol"]["id"]
    write_text(args.out, sheet(resolve(registry, chosen, str(args.registry))))


if __name__ == "__main__":
    run(main)
