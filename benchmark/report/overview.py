"""What a run was: its facts, the tables that the page shows, and everything that did not work."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.evaluation import results
from benchmark.metrics.registry import MetricRegistry
from benchmark.report.copies import FORMS, copy_of
from benchmark.report.page_data import Measured
from benchmark.report.specs import ReportSpec
from benchmark.tables import quality
from benchmark.tables.inputs import Inputs
from benchmark.tables.table import Column, Table, Value, plain_rows
from osediff.common.errors import InputError
from osediff.common.files import JSON, read_object, read_text


@dataclass(frozen=True)
class ShownTable:
    """A table of the page, and the forms in which it is copied."""

    name: str
    table: Table
    metrics: list[str]
    """Headings of the columns that are metrics."""
    without_intervals: Table | None = None
    """The same table without intervals, if it has some."""

    def texts(self, key: str) -> list[str]:
        """List the different texts of a column, in order."""
        return [text for text in dict.fromkeys(row.cell(key).text for row in self.table.rows) if text]

    @property
    def copies(self) -> dict[str, list[JSON]]:
        """The texts to copy, by form: with everything and, if there are intervals, without them."""
        tables = [table for table in (self.table, self.without_intervals) if table]
        return {form: [copy_of(table, form) for table in tables] for form in FORMS}


def quality_tables(measured: Measured, published_values: pd.DataFrame, statistics: Path) -> list[ShownTable]:
    """Make the tables of averages, with intervals and with published rows; the page can hide both."""
    intervals = quality.read_intervals(statistics)
    shown = []
    for name, spec in measured.spec.tables.items():
        inputs = Inputs(spec, measured.metrics, measured.frame, published_values)
        headings = [measured.metrics[metric].heading for metric in spec.metrics]
        shown.append(ShownTable(name, quality.compose(inputs, intervals), headings, quality.compose(inputs)))
    return shown


def rendered_table(name: str, path: Path, title: str) -> ShownTable:
    """Read a table that was rendered as CSV, as it is: Table 2, or an ablation."""
    columns = [Column(key, key) for key in results.read_head(path, "a table of this suite")]
    rows = results.read_rendered(path, [column.key for column in columns], (), "a table of this suite")
    filled = [column for column in columns if (rows[column.key] != "").any()]
    cells: list[tuple[Value, ...]] = [tuple(row) for row in rows[[column.key for column in filled]].to_numpy()]
    return ShownTable(name, Table(title, filled, [plain_rows(filled, cells)]), [])


def further_tables(spec: ReportSpec) -> list[ShownTable]:
    """Read the other tables that exist: their title is the first line of the Markdown beside them."""
    shown = []
    for name in spec.further:
        path = Path(name)
        if path.suffix == ".csv" and path.is_file():
            beside = path.with_suffix(".md")
            lines = read_text(beside, "a table in Markdown; make it anew").splitlines() if beside.is_file() else []
            shown.append(rendered_table(path.stem, path, lines[0].lstrip("# ") if lines else path.stem))
    return shown


def published_table(path: Path, measured: Measured) -> ShownTable:
    """Make the table of measured beside published values, for the measured test sets."""
    head = results.read_head(path, "a table of benchmark.tables.published; make it anew")
    try:
        rows = results.read_rendered(path, head, (), "a table of benchmark.tables.published; make it anew")
    except InputError:  # nothing of these methods was published
        rows = pd.DataFrame(columns=head)
    spec = measured.spec.comparison
    rows = rows[rows["test_set"].isin(list(spec.test_sets))]
    columns = [Column("Test set", "Test set"), Column("method", "Method"), Column("Metric", "Metric")]
    columns += [Column(key, key, number=True) for key in ("published", "measured", "difference", "tolerance")]
    columns += [Column("verdict", "verdict"), Column("source", "source")]
    lines: list[tuple[Value, ...]] = []
    for row in rows.to_dict("records"):
        metric = measured.metrics[row["metric"]]
        digits, numbers = metric.decimals + 2, (row["measured"], row["difference"])
        shown = [f"{float(number):.{digits}f}" if number else "" for number in numbers]
        verdict = row["verdict"] + (f" ({row['reason']})" if row["reason"] else "")
        lines.append(
            (spec.test_sets[row["test_set"]].title, row["method"], metric.title, row["published"], *shown,
             row["tolerance"], verdict, row["source"])
        )  # fmt: skip
    notes = ["Within noise: the published value is in the 95 % interval of the measured average over images."]
    return ShownTable(
        "published", Table("Measured beside published", columns, [plain_rows(columns, lines)], notes=notes), []
    )


def facts(spec: ReportSpec, frame: pd.DataFrame, rows: list[Path], registry: MetricRegistry) -> dict[str, str]:
    """Describe a run: preset, commit, dates, device, protocol, versions."""
    comparison = spec.comparison
    dates = [datetime.fromtimestamp(path.stat().st_mtime) for path in rows]
    libraries = ", ".join(f"{name} {version}" for name, version in registry.libraries.items())
    return {
        "Preset": comparison.preset,
        "Commit": commit(),
        "Measured": " to ".join(dict.fromkeys(f"{date:%Y-%m-%d %H:%M}" for date in (min(dates), max(dates)))),
        "Page made": f"{datetime.now():%Y-%m-%d %H:%M}",
        "Device": spec.device,
        "Protocol": ", ".join(dict.fromkeys(frame["protocol"])) + (f"; {libraries}" if libraries else ""),
        "Test sets": ", ".join(
            f"{entry.title} ({len(results.images(frame[frame['test_set'] == name]))} images)"
            for name, entry in comparison.test_sets.items()
        ),
    }


def commit() -> str:
    """Return the commit of this repository, and whether files were changed; ``unknown`` without git."""
    try:
        command = ["git", "describe", "--always", "--dirty=, with changes", "--abbrev=12", "--exclude=*"]
        here = Path(__file__).parent
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def weights_table(spec: ReportSpec) -> Table:
    """Describe the weights of each method, from the records of its restorations."""
    columns = [Column("method", "Method"), Column("steps", "Steps", number=True), Column("weights", "Weights")]
    columns += [Column("settings", "Settings")]
    lines: list[tuple[Value, ...]] = []
    for name, method in spec.comparison.methods.items():
        files = [Path(entry.record) for entry in spec.methods[name].values() if entry.record]
        record: dict[str, Any] = next((read_object(file) for file in files if file.is_file()), {})
        settings = [f"{key} {record[key]}" for key in ("seed", "precision", "posterior") if key in record]
        digest = f", sha256 {str(record['adapters'])[:12]}" if "adapters" in record else ""
        weights = f"{record.get('weights', method.weights or '–')}{digest}"
        lines.append((method.title, method.steps, weights, ", ".join(settings) or "–"))
    return Table("Methods", columns, [plain_rows(columns, lines)])


def older_protocols(frame: pd.DataFrame, registry: MetricRegistry) -> list[str]:
    """Return a sentence for each metric that was measured by another protocol than the registry's."""
    pairs = frame.loc[frame["value"].notna(), ["metric", "protocol"]].drop_duplicates().itertuples(index=False)
    return [
        f"{registry.metrics[metric].title} was measured by {protocol}, and the configuration has "
        f"{registry.protocol_of(metric)} now: these values do not compare with new ones"
        for metric, protocol in pairs
        if protocol != registry.protocol_of(metric)
    ]


def failures(measured: Measured, missing: list[tuple[str, str]]) -> Table:
    """List everything that did not run, and why: methods, metrics, trainings, images."""
    spec = measured.spec
    columns = [Column("what", "What"), Column("why", "Why")]
    lines: list[tuple[Value, ...]] = []
    for (method, test_set), rows in measured.frame.groupby(["method", "test_set"], sort=False):
        if not results.has_values(rows):
            place = spec.comparison.test_sets[test_set].title
            reason = results.method_note(rows) or results.first_note(rows) or "no value, and no reason was recorded"
            lines.append((f"{spec.comparison.methods[method].title} on {place}", reason))
    measured_rows = measured.frame.groupby(["method", "test_set"]).filter(results.has_values)
    for metric, rows in measured_rows.groupby("metric", sort=False):
        reasons = {results.split_note(note)[1] for note in rows.loc[rows["value"].isna(), "note"]}
        if reasons:
            lines.append((measured.metrics[str(metric)].title, "; ".join(sorted(filter(None, reasons))) or "no value"))
    for training in spec.trainings:
        outcome = Path(training.folder, "outcome.json")
        content = read_object(outcome) if outcome.is_file() else {}
        if not content.get("converged", True):
            reason = f"did not converge: {content.get('reason')} at step {content.get('step')}"
            lines.append((f"Training of {training.title}", reason))
    return Table("What did not run", columns, [plain_rows(columns, [*lines, *missing])])
