"""Measured beside published: does the same method give the same number?

    python -m benchmark.tables.published --spec JSON --rows FILE.csv ... --published FILE.csv ... --out results

Writes compare_published.csv and .md below ``--out``. ``--spec`` is that of benchmark.statistics.pairwise; a method there may say
under what name it is ``published`` (else its title), a test set how many ``images`` it has. The verdict is ``match``
within the published value's tolerance, ``outside`` beyond it, or ``not comparable`` with the reason: demo preset, other
data, other protocol, not measured. Published values of methods or metrics that are not in ``--spec`` are left out.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from benchmark.data import published
from benchmark.data.published import Published
from benchmark.metrics import build as metrics
from benchmark.tables.quality import PRESETS, Groups, Row, read_rows
from osediff.common.errors import InputError, run
from osediff.common.files import write_text

COLUMNS = (
    *("preset", "table", "test_set", "method", "metric", "published", "measured", "difference", "tolerance"),
    *("verdict", "reason", "protocol", "published_protocol", "source"),
)
VERDICTS = ("match", "outside", "not comparable")


def obstacle(value: Published, rows: list[Row], spec: dict[str, Any]) -> str:
    """Why a published value cannot be compared with ``rows``, all of one method and test set; empty if it can."""
    if value.test_set not in spec["test_sets"]:
        return f"other data: {value.test_set} was not measured"
    if spec["preset"] != "paper":
        return f"{spec['preset']} preset"
    images, expected = len({row["image"] for row in rows} - {""}), spec["test_sets"][value.test_set].get("images")
    if images and expected and images != expected:
        return f"other data: {images} images, not {expected}"
    of_metric = [row for row in rows if row["metric"] == value.metric]
    if not any(row["value"] for row in of_metric):
        return f"not measured: {of_metric[0]['note'] if of_metric else 'not among the metrics'}"
    protocol = of_metric[0]["protocol"]
    return f"other protocol: {value.protocol}" if value.protocol != protocol else ""


def compare(spec: dict[str, Any], registry: metrics.Registry, groups: Groups, values: list[Published]) -> list[Row]:
    """One row, keyed by COLUMNS, for every published value of each method in ``spec``, in the order of ``values``."""
    lines = []
    for method, entry in spec["methods"].items():
        for value in values:
            if value.method != entry.get("published", entry["title"]) or value.metric not in spec["metrics"]:
                continue
            rows = groups.get((method, value.test_set), [])
            if value.test_set in spec["test_sets"] and not rows:
                raise InputError(
                    f"no evaluation of {method} on {value.test_set} among --rows; run benchmark.evaluation.evaluate"
                )
            reason = obstacle(value, rows, spec)
            found = [float(row["value"]) for row in rows if row["metric"] == value.metric and row["value"]]
            mean = math.fsum(found) / len(found) if found else math.nan
            verdict = "not comparable"
            if not reason:
                # The last term is for the binary form of printed decimals, such as 27.925 against 27.92.
                verdict = "match" if abs(mean - value.value) <= value.tolerance + 1e-9 else "outside"
            fields = [spec["preset"], value.table, value.test_set, entry["title"], value.metric, value.printed]
            fields += [f"{mean:.6f}", f"{mean - value.value:+.6f}"] if found else ["", ""]
            stated = next((row["protocol"] for row in rows if row["metric"] == value.metric), "")
            fields += [f"{value.tolerance:g}", verdict, reason, stated, value.protocol]
            lines.append(dict(zip(COLUMNS, [*fields, value.source], strict=True)))
    return lines


def as_csv(lines: list[Row]) -> str:
    """The comparison as CSV text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def as_markdown(spec: dict[str, Any], registry: metrics.Registry, lines: list[Row]) -> str:
    """The comparison as Markdown: what concerns the test sets that were measured, and a count of the rest."""
    counts = Counter(line["verdict"] for line in lines)
    text = ["# Measured beside published", "", f"**{PRESETS[spec['preset']]}**", ""]
    text += [", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS) + ".", ""]
    if not lines:
        titles = ", ".join(entry.get("published", entry["title"]) for entry in spec["methods"].values())
        text[-2] = f"Nothing to compare: no published number in config/published is of {titles} and an active metric."
    shown = [line for line in lines if line["test_set"] in spec["test_sets"]]
    head = ["test set", "method", "metric", "published", "measured", "difference", "tolerance", "verdict", "source"]
    if shown:
        text += ["| " + " | ".join(head) + " |", "|---|---|---|" + "--:|" * 4 + "---|---|"]
    for line in shown:
        metric = registry["metrics"][line["metric"]]
        digits = metric["decimals"] + 2
        numbers = [f"{float(line[key]):.{digits}f}" if line[key] else "" for key in ("measured", "difference")]
        verdict = line["verdict"] + (f" ({line['reason']})" if line["reason"] else "")
        name = spec["test_sets"][line["test_set"]]["title"]
        cells = [name, line["method"], metric["title"], line["published"], *numbers, line["tolerance"], verdict]
        text.append("| " + " | ".join([*cells, line["source"]]) + " |")
    if len(shown) < len(lines):
        text += ["", f"{len(lines) - len(shown)} published values are of test sets that were not measured here."]
    return "\n".join(text).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.published", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON: preset, metrics, methods, test_sets")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument(
        "--rows", type=Path, nargs="+", required=True, help="CSV files of benchmark.evaluation.evaluate"
    )
    parser.add_argument("--published", type=Path, nargs="+", required=True, help="CSV files of published values")
    parser.add_argument("--out", type=Path, required=True, help="folder for the two files")
    args = parser.parse_args()
    lacking = {"preset", "metrics", "methods", "test_sets"} - args.spec.keys()
    if lacking:
        raise InputError(f"--spec lacks {', '.join(sorted(lacking))}")
    registry = metrics.load(args.registry)
    values = [value for path in args.published for value in published.load(path)]
    lines = compare(args.spec, registry, read_rows(args.rows), values)
    write_text(args.out / "compare_published.csv", as_csv(lines))
    write_text(args.out / "compare_published.md", as_markdown(args.spec, registry, lines))


if __name__ == "__main__":
    run(main)
