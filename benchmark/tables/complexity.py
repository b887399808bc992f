"""Table 2: steps, time, multiply-adds and parameters, counted and measured here, beside what was published.

    python -m benchmark.tables.complexity --spec FILE.yaml --counts FILE.json ... --timings FILE.json ... --published FILE.csv ...

``--counts`` are of benchmark.complexity.flops, ``--timings`` of benchmark.complexity.timing. A row of the CSV is one
method from one source: ``counted`` (on no device), ``measured`` (a time on the device that it names) or
``published``. What each figure includes stands in its own column. Published figures say nowhere what they include; for
OSEDiff the sum that comes nearest is named with its remainder.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmark.complexity.records import MethodCount, ModuleCount, Timing, read_record
from benchmark.complexity.specs import Interpretation, Interpretations, Table2Spec
from benchmark.data import published
from benchmark.evaluation import results
from benchmark.tables.render import write
from benchmark.tables.table import Cell, Column, Table
from osediff.common.errors import run
from osediff.common.settings import read

COLUMNS = (
    *(Column("method", "Method"), Column("source"), Column(title="Source"), Column("size")),
    Column("steps", "Steps", number=True),
    *(Column("seconds"), Column(title="Time (s)", number=True), Column("device")),
    Column("gmacs", "MACs (G)", number=True),
    Column("gmacs_without_attention", "Without attention", number=True),
    Column("mparams", "Parameters (M)", number=True),
    Column("mparams_trainable", "Trainable (M)", number=True),
    Column("includes", "Includes"),
)
NOTE = (
    "Multiply-adds of one 512x512 image unless the row says otherwise, counted by fvcore with a rule for attention "
    "(norms and upsampling are a fifth of a percent of it). Without attention: without the products inside fused "
    "attention, which fvcore leaves out by default; published numbers are mostly such. Times are of the device that they name; "
    "none is converted. Published rows are the paper's."
)
Row = dict[str, str]


def rows_of_count(count: MethodCount) -> list[Row]:
    """One row for each way of counting: LoRA merged into the weights, and beside them where both were counted."""
    about = {"method": count.title, "source": "counted", "size": f"{count.size}x{count.size}"}
    about |= {"steps": str(count.steps)}
    if count.failed:
        return [about | {"includes": f"not counted: {count.failed}"}]
    if not count.unmerged:
        return [about | _cells_of_count(count.merged, "")]
    ways = ((count.merged, ", LoRA merged"), (count.unmerged, ", LoRA beside the weights"))
    return [about | _cells_of_count(modules, lora) for modules, lora in ways]


def _cells_of_count(modules: Sequence[ModuleCount], lora: str) -> Row:
    macs = sum(module.macs for module in modules)
    attention = sum(module.attention_macs for module in modules)
    trainable = sum(module.trainable_parameters for module in modules)
    uncounted = sorted({name for module in modules for name in module.uncounted})
    names = [module.name + (f" x{module.calls}" if module.calls > 1 else "") for module in modules]
    return {
        "gmacs": f"{(macs + attention) / 1e9:.1f}",
        "gmacs_without_attention": f"{macs / 1e9:.1f}",
        "mparams": f"{sum(module.parameters for module in modules) / 1e6:.1f}",
        "mparams_trainable": f"{trainable / 1e6:.3f}" if trainable else "",
        "includes": " + ".join(names) + lora + (f"; not counted: {', '.join(uncounted)}" if uncounted else ""),
    }


def row_of_timing(timing: Timing) -> Row:
    """The row of a measured time, or of why there is none."""
    row = {"method": timing.title, "source": "measured", "size": f"{timing.size}x{timing.size}"}
    row |= {"steps": str(timing.steps), "device": timing.machine.device}
    times = timing.times
    if times is None:
        return row | {"includes": f"no time: {timing.failed} (protocol {timing.protocol})"}
    how = f"protocol {timing.protocol}, {timing.precision or 'its own precision'}, batch {timing.batch}, "
    how += (
        f"{'compiled, ' * timing.compiled}{times.runs} runs, 90 % of them within {times.p5:.3g} to {times.p95:.3g} s; "
    )
    how += f"{timing.peak_memory / 1e9:.2f} GB"
    return row | {"seconds": f"{times.seconds:.4g}", "includes": f"{timing.includes} ({how})"}


def rows_published(values: pd.DataFrame) -> list[Row]:
    """Make one row for each method of the published table, as printed."""
    rows: dict[str, Row] = {}
    of_table = values[values["table"] == "table2"]
    for value in of_table.to_dict("records"):
        fixed = {"method": value["method"], "source": "published", "size": "512x512", "steps": value["steps"]}
        row = rows.setdefault(value["method"], {**fixed, "device": "A100", "includes": "not stated"})
        if value["metric"] != "steps":
            row[value["metric"].replace("-", "_")] = value["printed"]
    return list(rows.values())


FIGURES = {
    "gmacs": ("macs", "G", "multiply-adds", 1e9),
    "mparams": ("parameters", "M", "parameters", 1e6),
    "mparams_trainable": ("trainable_parameters", "M", "trainable parameters", 1e6),
}


def nearest_sums(count: MethodCount, interpretations: Interpretations, printed: Row) -> list[str]:
    """A line for each published figure that has an interpretation: the sum that comes nearest, and its remainder."""
    lines = []
    for name in FIGURES:
        interpretation: Interpretation | None = getattr(interpretations, name)
        if interpretation and printed.get(name):
            lines += _nearest_sum(count, name, interpretation, printed[name])
    return lines


def _nearest_sum(count: MethodCount, name: str, interpretation: Interpretation, figure: str) -> list[str]:
    field, unit, what, scale = FIGURES[name]
    modules = count.merged if interpretation.merged else count.unmerged
    chosen = [module for module in modules if module.name in interpretation.modules]
    if len(chosen) < len(interpretation.modules):
        return []  # one of them was not counted
    total = sum(getattr(module, field) for module in chosen)
    total += sum(module.attention_macs for module in chosen if module.name in interpretation.attention)
    nearest = total / scale + interpretation.plus
    how = " + ".join([*interpretation.modules, *([interpretation.plus_source] if interpretation.plus else [])])
    if name == "gmacs":
        how += f", LoRA {'merged' if interpretation.merged else 'beside the weights'}"
        how += f", attention counted in: {', '.join(interpretation.attention) or 'none'}"
    return [
        f"{count.title}, published {figure} {unit} {what}: the nearest reading is {nearest:.2f} {unit} ({how}), "
        f"{nearest - float(figure):+.2f} off. It is a reading after the fact, not what the paper says."
    ]


def cells(row: Row) -> list[Cell]:
    """Make the cells of one row; published ones are marked so."""
    time = f"{row['seconds']} ({row['device']})" if row.get("seconds") else ""
    source = row["source"] + (f", {row['size']}" if row.get("size") != "512x512" else "")
    shown = {"Source": source, "Time (s)": time}
    is_published = row["source"] == "published"
    return [
        Cell(row.get(column.name, "") if column.name else shown[column.title], published=is_published)
        for column in COLUMNS
    ]


def compose(spec: Table2Spec, counts: list[MethodCount], timings: list[Timing], values: pd.DataFrame) -> Table:
    """Make the table: of each method what was counted, then measured, then published."""
    others = rows_published(values)
    rows = [row for count in counts for row in rows_of_count(count)]
    rows += [row_of_timing(timing) for timing in timings] + others
    order = list(dict.fromkeys(row["method"] for row in rows))
    rows.sort(key=lambda row: order.index(row["method"]))
    printed = {row["method"]: row for row in others}
    remarks = [
        line
        for count in counts
        for line in nearest_sums(
            count, spec.interpretations.get(count.title, Interpretations()), printed.get(count.title, {})
        )
    ]
    caption = "Complexity: counted, measured and published."
    return Table("Table 2", list(COLUMNS), [[cells(row) for row in rows]], caption, notes=[NOTE], remarks=remarks)


def read_table(path: Path) -> pd.DataFrame:
    """Read the CSV of this module, cells as printed; InputError, with file, line and column, where it is not one."""
    head = [column.name for column in COLUMNS if column.name]
    what = "a table of benchmark.tables.complexity; render it first"
    return results.read_rendered(path, head, ("seconds", "gmacs", "mparams"), what)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.tables.complexity", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=Path, required=True, help="YAML file, see benchmark.complexity.specs.Table2Spec")
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument(
        "--counts", type=Path, nargs="+", required=True, help="JSON files of benchmark.complexity.flops"
    )
    parser.add_argument("--timings", type=Path, nargs="*", default=[], help="JSON files of benchmark.complexity.timing")
    parser.add_argument("--published", type=Path, required=True, help="CSV file of published values")
    parser.add_argument("--out", type=Path, required=True, help="path without ending")
    args = parser.parse_args()
    spec = read(args.spec, Table2Spec)
    counts = [read_record(path, MethodCount) for path in args.counts]
    timings = [read_record(path, Timing) for path in args.timings]
    values = published.load([args.published], results.read_metrics(args.registry))
    write(compose(spec, counts, timings, values), args.out)


if __name__ == "__main__":
    run(main)
