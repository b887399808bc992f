"""Measure how time and memory grow with the size of an image and with the number of images at once.

    python -m benchmark.complexity.scaling --spec FILE.yaml --device cpu --out results/scaling

Each point is measured in a separate process, so that a lack of memory ends only that process. The row of this point
says so, and so do the rows of larger points, which are not tried. The command writes CSV, Markdown, PNG and SVG.
Finished points are stored in OUT.partial, so that a killed run continues.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure
from pydantic import Field
from tqdm import tqdm

from benchmark.complexity.records import Machine, Timing, read_record
from benchmark.complexity.specs import ScalingSpec, TimingSpec
from benchmark.figures.style import ACCENT, COLORS, new_figure, plain_axes, save
from benchmark.tables.render import write as write_table
from benchmark.tables.table import Column, Row, Table
from osediff.common.command_line import make_parser
from osediff.common.devices import check_device
from osediff.common.errors import InputError, run
from osediff.common.files import read_json, write_json
from osediff.common.settings import Settings, dump, parse, read, write

SECONDS = 6 * 3600  # of one point at most; the runs of all points that are useful take minutes
COLUMNS = ("method", "device", "precision", "size", "batch", "seconds", "seconds_per_image", "peak_memory_gb", "note")


def time_point(spec: ScalingSpec, size: int, batch: int, device: str) -> Timing:
    """Time one size and batch in a separate process; the record says so if the process ends early."""
    timing = TimingSpec(
        title=spec.title,
        steps=spec.steps,
        size=size,
        pipeline=spec.pipeline,
        options=spec.options,
        protocol="scaling",
        settings=spec.settings.model_copy(update={"batch": batch}),
        precision=spec.settings.precision,
        contain=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        out, file = Path(folder) / "time.json", Path(folder) / "spec.yaml"
        write(file, timing)
        command = [sys.executable, "-m", "benchmark.complexity.timing", "--spec", str(file), "--device", device]
        command += ["--out", str(out)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return _failed(spec, size, batch, f"did not end within {SECONDS} s")
        if out.exists():
            return read_record(out, Timing)
        if done.returncode < 0:
            return _failed(spec, size, batch, f"killed by signal {-done.returncode}, as a system short of memory does")
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        raise InputError(errors[-1].removeprefix("error: ") if errors else f"timing failed: {done.stderr[-300:]}")


def _failed(spec: ScalingSpec, size: int, batch: int, reason: str) -> Timing:
    return Timing(
        title=spec.title,
        steps=spec.steps,
        size=size,
        batch=batch,
        precision=spec.settings.precision,
        compiled=spec.settings.compile,
        protocol="scaling",
        machine=Machine(device="unknown", torch="unknown", threads=1),
        failed=reason,
    )


class Progress(Settings):
    """The points that are measured already, and the settings that they depend on."""

    basis: str = ""
    points: Mapping[str, Timing] = Field(default_factory=dict)


def measure_points(spec: ScalingSpec, device: str, partial: Path) -> list[Timing]:
    """Time each size with one image, and each batch; stop at the first point that exceeds memory or the time limit."""
    basis = hashlib.sha256(f"{dump(spec)}{device}".encode()).hexdigest()
    progress = parse(read_json(partial), Progress, str(partial)) if partial.exists() else Progress()
    done = dict(progress.points) if progress.basis == basis else {}
    lines = [[(size, 1) for size in spec.sizes], [(spec.batch_size, batch) for batch in spec.batches]]
    points: dict[tuple[int, int], Timing] = {}
    with tqdm(total=sum(map(len, lines)), desc="scaling", unit="point") as bar:
        for line in lines:
            ended = ""
            for size, batch in line:
                key = f"{size}x{batch}"
                if key not in done:
                    untried = _failed(spec, size, batch, f"not tried: {ended}")
                    done[key] = untried if ended else time_point(spec, size, batch, device)
                    write_json(partial, Progress(basis=basis, points=done).model_dump(mode="json"))
                point = points[size, batch] = done[key]
                if point.times is None:
                    ended = ended or f"{size} pixels, batch {batch}: {point.failed}"
                elif point.times.seconds > spec.limit:
                    ended = f"{size} pixels, batch {batch} takes more than {spec.limit:g} s"
                bar.update()
    return list(points.values())


def row_of(point: Timing) -> dict[str, str]:
    """Return one point as a row of the CSV."""
    row = {"method": point.title, "precision": str(point.precision), "size": str(point.size)}
    row |= {"batch": str(point.batch), "device": point.machine.device}
    if point.times is None:
        return row | {"note": point.failed}
    times = {"seconds": f"{point.times.seconds:.4g}", "seconds_per_image": f"{point.times.seconds / point.batch:.4g}"}
    return row | times | {"peak_memory_gb": f"{point.peak_memory / 1e9:.2f}"}


def compose(rows: list[dict[str, str]]) -> Table:
    """Make the table of the points."""
    columns = [
        Column(name, name.replace("_", " "), number=name not in ("method", "device", "note")) for name in COLUMNS
    ]
    return Table("Time and memory against size and batch", columns, [[Row({**row}) for row in rows]])


def draw(rows: list[dict[str, str]], spec: ScalingSpec) -> Figure:
    """Draw time and memory against size and against batch: two by two panels."""
    figure = new_figure(9.4, 6.4, dpi=160)
    plots = figure.subplots(2, 2)
    sizes = [r for r in rows if r["batch"] == "1" and int(r["size"]) in spec.sizes]
    batches = [r for r in rows if int(r["size"]) == spec.batch_size and int(r["batch"]) in spec.batches]
    at_once = f"images of {spec.batch_size} pixels at once"
    columns = ((sizes, "size", "pixels a side, one image"), (batches, "batch", at_once))
    for column, (of, key, label) in enumerate(columns):
        for line, (value, title, color) in enumerate(
            (("seconds_per_image", "seconds an image", ACCENT), ("peak_memory_gb", "peak memory (GB)", COLORS[0]))
        ):
            plot = plots[line][column]
            points = [(int(r[key]), float(r[value])) for r in of if r.get(value)]
            if points:
                plot.plot(*zip(*points, strict=True), marker="o", color=color, linewidth=2)
            plot.set_xscale("log", base=2)
            plot.set_xticks([int(r[key]) for r in of])
            plot.xaxis.set_major_formatter("{x:g}")
            plot.minorticks_off()
            plot.set_ylim(0, 1.1 * max((y for _, y in points), default=1.0))
            plot.set_xlabel(label, fontsize=9.5)
            plot.set_title(title, fontsize=10.5, loc="left")
            plain_axes(plot)
            for missing in (int(r[key]) for r in of if not r.get(value)):
                plot.axvline(missing, color="#B0B0B0", linestyle=":", linewidth=1.2)
    device = next((row["device"] for row in rows if row.get("seconds")), "")
    figure.suptitle(
        f"{spec.title}, {spec.settings.precision}, {device}\ndotted: not measured, see the table", fontsize=11
    )
    return figure


def main() -> None:
    """Command line: a spec in; a table as CSV and Markdown, and a figure as PNG and SVG, out."""
    parser = make_parser("benchmark.complexity.scaling", __doc__)
    parser.add_argument("--spec", type=Path, required=True, help="YAML file, see benchmark.complexity.specs")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--out", type=Path, required=True, help="path without ending")
    args = parser.parse_args()
    spec = read(args.spec, ScalingSpec)
    check_device(args.device)
    partial = args.out.with_name(args.out.name + ".partial")
    rows = [row_of(point) for point in measure_points(spec, args.device, partial)]
    save(draw(rows, spec), args.out)
    write_table(compose(rows), args.out, ("csv", "md"))
    partial.unlink()


if __name__ == "__main__":
    run(main)
