"""Table 2: steps, time, multiply-adds and parameters, counted and measured here, beside what was published.

    python -m benchmark.tables.complexity --spec JSON --counts FILE.json ... --timings FILE.json ... --published FILE.csv --out ...

``--counts`` are of benchmark.complexity.complexity or baselines.runner.counting, ``--timings`` of benchmark.complexity.timing. A row of the CSV is
one method from one source: ``counted`` (on no device), ``measured`` (a time on the device that it names) or
``published``. What each figure includes stands in its own column. Published figures say nowhere what they include; for
OSEDiff the sum that comes nearest is named with its remainder.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from html import escape
from pathlib import Path
from typing import Any

from benchmark.data import published
from benchmark.tables import html, latex
from osediff.common.errors import InputError, run
from osediff.common.files import read_json, write_text

COLUMNS = (
    *("method", "source", "size", "steps", "seconds", "device", "gmacs", "gmacs_without_attention", "mparams"),
    *("mparams_trainable", "includes"),
)
HEAD = (
    *("method", "source", "steps", "time (s)", "MACs (G)", "without attention", "parameters (M)", "trainable (M)"),
    "includes",
)
Row = dict[str, str]


def rows_of_count(found: dict[str, Any]) -> list[Row]:
    """One row for each way of counting: LoRA merged into the weights, and beside them where both were counted."""
    rows = []
    for key in ("merged", "beside"):
        if key not in found:
            continue
        parts = found[key]
        macs, attention = (sum(part[name] for part in parts) for name in ("macs", "attention"))
        trained = sum(part["trainable"] for part in parts)
        lora = {"merged": ", LoRA merged", "beside": ", LoRA beside the weights"}[key] if "beside" in found else ""
        uncounted = sorted({name for part in parts for name in part["uncounted"]})
        includes = " + ".join(part["part"] + (f" x{part['runs']}" if part["runs"] > 1 else "") for part in parts) + lora
        rows.append(
            {
                "method": found["title"],
                "source": "counted",
                "size": f"{found['size']}x{found['size']}",
                "steps": str(found["steps"]),
                "gmacs": f"{(macs + attention) / 1e9:.1f}",
                "gmacs_without_attention": f"{macs / 1e9:.1f}",
                "mparams": f"{sum(part['parameters'] for part in parts) / 1e6:.1f}",
                "mparams_trainable": f"{trained / 1e6:.3f}" if trained else "",
                "includes": includes + (f"; not counted: {', '.join(uncounted)}" if uncounted else ""),
            }
        )
    return rows


def row_of_baseline(found: dict[str, Any], entry: dict[str, Any]) -> Row:
    """The row of one count of baselines.runner.counting; ``entry`` has the method's title and steps."""
    size = 4 * found["size"]
    if "failed" in found:
        about = {"method": entry["title"], "source": "counted", "size": f"{size}x{size}", "steps": str(entry["steps"])}
        return about | {"includes": f"not counted: {found['failed']}"}
    return {
        "method": entry["title"],
        "source": "counted",
        "size": f"{size}x{size}",
        "steps": str(entry["steps"]),
        "gmacs": f"{found['total']['gmacs']:.1f}",
        "gmacs_without_attention": f"{found['total']['without_attention']:.1f}",
        "mparams": f"{found['total']['mparams']:.1f}",
        "includes": " + ".join(
            part["part"] + (f" x{part['calls']}" if part["calls"] > 1 else "") for part in found["parts"]
        ),
    }


def row_of_timing(path: Path) -> Row:
    """The row of one file of benchmark.complexity.timing, or of why there is no time; InputError where it is no such file."""
    found = read_json(path)
    lacking = [key for key in ("title", "steps", "size", "device") if key not in found]
    if lacking:
        raise InputError(f"{path}: not a file of benchmark.complexity.timing, it has no {', '.join(lacking)}")
    if "failed" in found:
        about = {"method": found["title"], "source": "measured", "size": f"{found['size']}x{found['size']}"}
        return about | {
            "steps": str(found["steps"]),
            "device": found["device"],
            "includes": f"no time: {found['failed']}",
        }
    return {
        "method": found["title"],
        "source": "measured",
        "size": f"{found['size']}x{found['size']}",
        "steps": str(found["steps"]),
        "seconds": f"{found['seconds']:.4g}",
        "device": found["device"],
        "includes": f"{found['includes']} (protocol {found['protocol']}, {found['precision']}, batch {found['batch']}, "
        f"{found['runs']} runs, 90 % of them within {found['p5']:.3g} to {found['p95']:.3g} s; "
        f"{found['peak_memory'] / 1e9:.2f} GB)",
    }


def rows_published(path: Path) -> list[Row]:
    """The published table, a row for each method, as printed."""
    names = {"seconds": "seconds", "gmacs": "gmacs", "mparams": "mparams", "mparams-trainable": "mparams_trainable"}
    rows: dict[str, Row] = {}
    for value in published.load(path):
        if value.table == "table2":
            row = rows.setdefault(value.method, {"method": value.method, "source": "published", "size": "512x512"})
            row["steps"] = "" if value.steps is None else str(value.steps)
            row["device"] = "A100"
            row["includes"] = "not stated"
            if value.metric in names:
                row[names[value.metric]] = value.printed
    return list(rows.values())


def nearest(found: dict[str, Any], readings: dict[str, Any], printed: dict[str, str]) -> list[str]:
    """A line for each published figure that ``readings`` explain: the sum that comes nearest, and its remainder."""
    units = {"gmacs": ("multiply-adds", "G", 1e9), "mparams": ("parameters", "M", 1e6)}
    units["mparams-trainable"] = ("trainable parameters", "M", 1e6)
    lines = []
    for name, reading in readings.items():
        what, unit, scale = units[name]
        figure = printed.get(name.replace("-", "_"), "")
        parts = found["merged" if reading.get("merged", True) else "beside"]
        absent = [part for part in reading["parts"] if part not in [each["part"] for each in parts]]
        if absent or not figure:
            continue
        chosen = [part for part in parts if part["part"] in reading["parts"]]
        key = {"gmacs": "macs", "mparams": "parameters", "mparams-trainable": "trainable"}[name]
        attending = reading.get("attention", [])
        total = sum(part[key] + part["attention"] * (part["part"] in attending) for part in chosen) / scale
        total += reading.get("plus", 0)
        how = " + ".join([*reading["parts"], *([reading["with"]] if "plus" in reading else [])])
        if name == "gmacs":
            how += f", LoRA {'merged' if reading['merged'] else 'beside the weights'}"
            how += f", attention counted in: {', '.join(attending) or 'none'}"
        lines.append(
            f"{found['title']}, published {figure} {unit} {what}: the nearest reading is {total:.2f} {unit} ({how}), "
            f"{total - float(figure):+.2f} off. It is a reading after the fact, not what the paper says."
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.complexity", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON: readings by title; baselines")
    parser.add_argument(
        "--counts", type=Path, nargs="+", required=True, help="JSON files of benchmark.complexity.complexity"
    )
    parser.add_argument("--timings", type=Path, nargs="*", default=[], help="JSON files of benchmark.complexity.timing")
    parser.add_argument("--published", type=Path, required=True, help="CSV file of published values")
    parser.add_argument("--out", type=Path, required=True, help="path without ending")
    args = parser.parse_args()
    lacking = {"readings", "baselines"} - args.spec.keys()
    if lacking:
        raise InputError(f"--spec lacks {', '.join(sorted(lacking))}")
    every = [read_json(path) for path in args.counts]
    counts = [found for found in every if "baseline" not in found]
    of_baselines = [found for found in every if "baseline" in found]
    timings = [row_of_timing(path) for path in args.timings]
    others = rows_published(args.published)
    rows = [row for found in counts for row in rows_of_count(found)]
    rows += [row_of_baseline(found, args.spec["baselines"][found["baseline"]]) for found in of_baselines]
    rows += timings + others
    order = list(dict.fromkeys(row["method"] for row in rows))
    rows.sort(key=lambda row: order.index(row["method"]))
    printed = {row["method"]: row for row in others}
    remarks = [
        line
        for found in counts
        for line in nearest(found, args.spec["readings"].get(found["title"], {}), printed.get(found["title"], {}))
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    cells = [[shown(row, column) for column in HEAD] for row in rows]
    about = [
        "Multiply-adds of one 512x512 image unless the row says otherwise, counted by fvcore with a rule for attention "
        "(norms and upsampling are a fifth of a percent of it), those of baselines by torch's own counter; both "
        "numbers are given, since published ones are mostly without attention. Times are of the device that they name; "
        "none is converted. Published rows are the paper's.",
    ]
    caption = "Complexity: counted, measured and published"
    texts = {
        ".csv": text.getvalue(),
        ".md": markdown(caption, cells, [*about, *remarks]),
        ".html": html.page("Table 2", caption, list(HEAD), [[list(map(escape, row)) for row in cells]], about, remarks),
        ".tex": latex.page(
            latex.escaped(f"{caption}. {about[0]}"),
            list(HEAD),
            2,
            [[list(map(latex.escaped, row)) for row in cells]],
            remarks,
        ),
    }
    for suffix, content in texts.items():
        write_text(args.out.with_name(args.out.name + suffix), content)


def shown(row: Row, column: str) -> str:
    """The cell of ``row`` under a heading of ``HEAD``."""
    keys = dict(zip(HEAD, ("method", "source", "steps", "seconds", "gmacs", "gmacs_without_attention", "mparams",
                           "mparams_trainable", "includes"), strict=True))  # fmt: skip
    cell = row.get(keys[column], "")
    if column == "time (s)" and cell:
        return f"{cell} ({row['device']})"
    return cell + (f", {row['size']}" if column == "source" and row.get("size") != "512x512" else "")


def markdown(caption: str, cells: list[list[str]], notes: list[str]) -> str:
    """The table as Markdown, published rows in italics."""
    lines = [f"# Table 2. {caption}", "", "| " + " | ".join(HEAD) + " |", "|---|---|" + "--:|" * 6 + "---|"]
    for row in cells:
        italic = row[1].startswith("published")
        lines.append("| " + " | ".join(f"*{cell}*" if italic and cell else cell for cell in row) + " |")
    return "\n".join([*lines, "", *(f"{note}\n" for note in notes)]).rstrip() + "\n"


if __name__ == "__main__":
    run(main)
