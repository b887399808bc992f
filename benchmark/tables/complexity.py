"""Table 2: steps, time, multiply-adds and parameters, counted and measured here, beside the published figures.

    python -m benchmark.tables.complexity --spec FILE.yaml --counts FILE.json ... --timings FILE.json ...
        --published FILE.csv --out results/table2

``--counts`` are records of benchmark.complexity.flops, ``--timings`` of benchmark.complexity.timing. A row of the CSV
is one method from one source: ``counted`` (without a device), ``measured`` (a time on the device that it names) or
``published``. A column says what the figures of a row include. No paper says what its figures include, so a remark
gives the sum that comes nearest to OSEDiff's published figure, and the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmark.complexity.records import MethodCount, ModuleCount, Timing, read_record
from benchmark.complexity.specs import Interpretation, Interpretations, Table2Spec
from benchmark.data import published
from benchmark.evaluation import results
from benchmark.tables.inputs import make_parser
from benchmark.tables.render import write
from benchmark.tables.table import Column, Row, Table
from osediff.common.errors import run
from osediff.common.settings import read

COLUMNS = (
    *(Column("method", "Method"), Column("source"), Column("Source", "Source", csv=False), Column("size")),
    *(Column("steps", "Steps", number=True), Column("seconds"), Column("Time", "Time (s)", number=True, csv=False)),
    *(Column("device"), Column("gmacs", "MACs (G)", number=True)),
    Column("gmacs_without_attention", "Without attention", number=True),
    *(Column("mparams", "Parameters (M)", number=True), Column("mparams_trainable", "Trainable (M)", number=True)),
    Column("includes", "Includes"),
)
NOTE = (
    "Multiply-adds of one 512x512 image unless the row says otherwise, counted by fvcore with a rule for attention "
    "(norms and upsampling are a fifth of a percent of it). Without attention: without the products of two "
    "activations; published numbers are mostly such. "
    "Times are of the device that they name; none is converted. Published rows are the paper's."
)
SIZE = 512  # side of the image of nearly all figures; a row of another size says so
# For each column with interpretations: the field of a count, the unit, the words for it, and the size of the unit.
FIGURES = {
    "gmacs": ("macs", "G", "multiply-adds", 1e9),
    "mparams": ("parameters", "M", "parameters", 1e6),
    "mparams_trainable": ("trainable_parameters", "M", "trainable parameters", 1e6),
}


def make_row(record: MethodCount | Timing, source: str, **values: str) -> Row:
    """Make the row of a record."""
    size = f"{record.size}x{record.size}"
    shown = source if record.size == SIZE else f"{source}, {size}"
    return Row(
        {"method": record.title, "source": source, "Source": shown, "size": size, "steps": record.steps, **values}
    )


def rows_of_count(count: MethodCount) -> list[Row]:
    """Make a row for each way of counting: LoRA merged into the weights, and beside them where both were counted."""
    if count.failed:
        return [make_row(count, "counted", includes=f"not counted: {count.failed}")]
    ways = [(count.merged, ", LoRA merged" if count.unmerged else "")]
    ways += [(count.unmerged, ", LoRA beside the weights")] if count.unmerged else []
    return [make_row(count, "counted", **sum_up(modules, lora)) for modules, lora in ways]


def sum_up(modules: Sequence[ModuleCount], lora: str) -> dict[str, str]:
    """Return the printed sums over the networks of a method, and the list of the networks."""
    counts = pd.DataFrame([module.model_dump() for module in modules]).sum(numeric_only=True)
    uncounted = sorted({name for module in modules for name in module.uncounted})
    names = [module.name + (f" x{module.calls}" if module.calls > 1 else "") for module in modules]
    return {
        "gmacs": f"{(counts['macs'] + counts['attention_macs']) / 1e9:.1f}",
        "gmacs_without_attention": f"{counts['macs'] / 1e9:.1f}",
        "mparams": f"{counts['parameters'] / 1e6:.1f}",
        "mparams_trainable": f"{counts['trainable_parameters'] / 1e6:.3f}" if counts["trainable_parameters"] else "",
        "includes": " + ".join(names) + lora + (f"; not counted: {', '.join(uncounted)}" if uncounted else ""),
    }


def row_of_timing(timing: Timing) -> Row:
    """Make the row of a measured time, or of the reason why there is none."""
    times, device = timing.times, timing.machine.device
    if times is None:
        why = f"no time: {timing.failed} (protocol {timing.protocol})"
        return make_row(timing, "measured", device=device, includes=why)
    how = f"protocol {timing.protocol}, {timing.precision or 'its own precision'}, batch {timing.batch}, "
    how += (
        f"{'compiled, ' * timing.compiled}{times.runs} runs, 90 % of them within {times.p5:.3g} to {times.p95:.3g} s; "
    )
    how += f"{timing.peak_memory / 1e9:.2f} GB"
    seconds = f"{times.seconds:.4g}"
    shown = {"seconds": seconds, "Time": f"{seconds} ({device})", "includes": f"{timing.includes} ({how})"}
    return make_row(timing, "measured", device=device, **shown)


def rows_published(values: pd.DataFrame) -> list[Row]:
    """Make one row for each method of the published table, as printed."""
    rows = []
    for method, of_method in values[values["table"] == "table2"].groupby("method", sort=False):
        row = {
            "method": method,
            "source": "published",
            "Source": "published",
            "size": f"{SIZE}x{SIZE}",
            "device": "A100",
        }
        row |= dict(zip(of_method["metric"].str.replace("-", "_"), of_method["printed"], strict=True))
        row |= {"steps": of_method["steps"].iloc[0], "includes": "not stated"}
        row |= {"Time": f"{row['seconds']} (A100)"} if "seconds" in row else {}
        rows.append(Row(row, published=True))
    return rows


def nearest_sums(count: MethodCount, interpretations: Interpretations, printed: Row) -> list[str]:
    """Name the sum that comes nearest to each published figure with an interpretation, and the difference."""
    lines = []
    for name in FIGURES:
        interpretation: Interpretation | None = getattr(interpretations, name)
        figure = printed.cell(name).text
        if interpretation and figure:
            lines += _nearest_sum(count, name, interpretation, figure)
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
        f"{nearest - float(figure):+.2f} off. The paper does not say how it counted; this reading was found "
        "afterwards."
    ]


def compose(spec: Table2Spec, counts: list[MethodCount], timings: list[Timing], values: pd.DataFrame) -> Table:
    """Make the table: for each method the counted rows, then the measured rows, then the published row."""
    printed = rows_published(values)
    rows = [row for count in counts for row in rows_of_count(count)] + [*map(row_of_timing, timings), *printed]
    order = list(dict.fromkeys(row.values["method"] for row in rows))
    rows.sort(key=lambda row: order.index(row.values["method"]))
    of_method = {row.values["method"]: row for row in printed}
    remarks = []
    for count in counts:
        interpretations = spec.interpretations.get(count.title, Interpretations())
        remarks += nearest_sums(count, interpretations, of_method.get(count.title, Row({})))
    caption = "Complexity: counted, measured and published."
    return Table("Table 2", list(COLUMNS), [rows], caption, notes=[NOTE], remarks=remarks)


def read_table(path: Path) -> pd.DataFrame:
    """Read the CSV of this module, cells as printed; InputError, with file, line and column, if it is another file."""
    head = [column.key for column in COLUMNS if column.csv]
    what = "a table of benchmark.tables.complexity; render it first"
    return results.read_rendered(path, head, ("seconds", "gmacs", "mparams", "mparams_trainable"), what)


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.tables.complexity", __doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML: Table2Spec of benchmark.complexity.specs")
    parser.add_argument(
        "--counts", type=Path, nargs="+", required=True, help="JSON files of benchmark.complexity.flops"
    )
    parser.add_argument("--timings", type=Path, nargs="*", default=[], help="JSON files of benchmark.complexity.timing")
    parser.add_argument("--published", type=Path, required=True, help="CSV file of published values")
    parser.add_argument("--out", type=Path, required=True, help="path without ending; .csv, .md, .tex, .html are made")
    args = parser.parse_args()
    counts = [read_record(path, MethodCount) for path in args.counts]
    timings = [read_record(path, Timing) for path in args.timings]
    values = published.load([args.published], results.read_metrics(args.registry))
    write(compose(read(args.spec, Table2Spec), counts, timings, values), args.out)


if __name__ == "__main__":
    run(main)
