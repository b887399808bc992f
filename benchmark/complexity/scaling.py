"""How time and memory grow with the size of an image and with the number of images at once.

    python -m benchmark.complexity.scaling --spec JSON --device cpu --out results/scaling

``--spec``: what ``benchmark.complexity.timing`` takes, and precision, sizes, batches, batch_size, limit of config/scaling.yaml.
Each point is a process of its own, so that one that runs out of memory ends alone: its row says so, and so do the
larger ones that are not tried any more. Writes CSV, Markdown, PNG and SVG; finished points are kept in OUT.partial.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm import tqdm

from benchmark.figures.radar import ACCENT, COLORS, save
from osediff.common.devices import check_device
from osediff.common.errors import InputError, run
from osediff.common.files import read_json, write_json, write_text

COLUMNS = ("method", "device", "precision", "size", "batch", "seconds", "seconds_per_image", "peak_memory_gb", "note")


def point(spec: dict[str, Any], size: int, batch: int, device: str) -> dict[str, Any]:
    """What benchmark.complexity.timing finds at one size and batch, in a process of its own; ``failed`` where it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "time.json"
        command = [
            sys.executable,
            "-m",
            "benchmark.complexity.timing",
            "--spec",
            json.dumps(spec),
            "--protocol",
            "scaling",
        ]
        command += ["--size", str(size), "--batch", str(batch), "--dtype", spec["precision"], "--device", device]
        done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, check=False)
        if out.exists():
            return dict(read_json(out))
        if done.returncode < 0:
            return {"failed": f"killed by signal {-done.returncode}, as a system short of memory does"}
        told = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        raise InputError(told[-1].removeprefix("error: ") if told else f"timing failed: {done.stderr[-300:]}")


def measure(spec: dict[str, Any], device: str, kept: Path) -> list[dict[str, str]]:
    """A row for each size at one image and each batch; a line ends where memory or patience does."""
    basis = hashlib.sha256(json.dumps([spec, device], sort_keys=True).encode()).hexdigest()
    before = read_json(kept) if kept.exists() else {}
    done: dict[str, Any] = before.get("points", {}) if before.get("basis") == basis else {}
    lines = [[(size, 1) for size in spec["sizes"]], [(spec["batch_size"], batch) for batch in spec["batches"]]]
    rows: dict[tuple[int, int], dict[str, str]] = {}
    with tqdm(total=sum(map(len, lines)), desc="scaling", unit="point") as bar:
        for line in lines:
            ended = ""
            for size, batch in line:
                key = f"{size}x{batch}"
                if key not in done:
                    done[key] = {"failed": f"not tried: {ended}"} if ended else point(spec, size, batch, device)
                    write_json(kept, {"basis": basis, "points": done})
                found = done[key]
                rows[size, batch] = row(spec, size, batch, found)
                if "failed" in found:
                    ended = ended or f"{size} pixels, batch {batch}: {found['failed']}"
                elif found["seconds"] > spec["limit"]:
                    ended = f"{size} pixels, batch {batch} takes more than {spec['limit']:g} s"
                bar.update()
    return list(rows.values())


def row(spec: dict[str, Any], size: int, batch: int, found: dict[str, Any]) -> dict[str, str]:
    """One point as a row of the CSV."""
    fixed = {"method": spec["title"], "precision": spec["precision"], "size": str(size), "batch": str(batch)}
    if "failed" in found:
        return fixed | {"device": found.get("device", ""), "note": found["failed"]}
    times = {"seconds": f"{found['seconds']:.4g}", "seconds_per_image": f"{found['seconds'] / batch:.4g}"}
    return fixed | times | {"device": found["device"], "peak_memory_gb": f"{found['peak_memory'] / 1e9:.2f}"}


def draw(rows: list[dict[str, str]], spec: dict[str, Any]) -> Figure:
    """Time and memory against size and against batch: two by two panels."""
    figure = Figure(figsize=(9.4, 6.4), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    plots = figure.subplots(2, 2)
    sizes = [r for r in rows if r["batch"] == "1" and int(r["size"]) in spec["sizes"]]
    batches = [r for r in rows if int(r["size"]) == spec["batch_size"] and int(r["batch"]) in spec["batches"]]
    at_once = f"images of {spec['batch_size']} pixels at once"
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
            plot.grid(color="#E4E4E4", linewidth=0.6)
            plot.spines[["top", "right"]].set_visible(False)
            for missing in (int(r[key]) for r in of if not r.get(value)):
                plot.axvline(missing, color="#B0B0B0", linestyle=":", linewidth=1.2)
    device = next((r["device"] for r in rows if r.get("device")), "")
    figure.suptitle(f"{spec['title']}, {spec['precision']}, {device}\ndotted: not measured, see the table", fontsize=11)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.complexity.scaling", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--spec", type=json.loads, required=True, help="JSON: see the module's text")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--out", type=Path, required=True, help="path without ending")
    args = parser.parse_args()
    lacking = {"title", "steps", "pipeline", "options", "precision", "sizes", "batches", "batch_size", "limit"}
    lacking -= args.spec.keys()
    if lacking:
        raise InputError(f"--spec lacks {', '.join(sorted(lacking))}")
    check_device(args.device)
    matplotlib.rcdefaults()  # a user's matplotlibrc must not change the bytes
    kept = args.out.with_name(args.out.name + ".partial")
    rows = measure(args.spec, args.device, kept)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    head = [column.replace("_", " ") for column in COLUMNS]
    lines = ["# Time and memory against size and batch", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(each.get(column, "") for column in COLUMNS) + " |" for each in rows]
    save(draw(rows, args.spec), args.out)
    write_text(args.out.with_name(args.out.name + ".md"), "\n".join(lines) + "\n")
    write_text(args.out.with_name(args.out.name + ".csv"), text.getvalue())
    kept.unlink()


if __name__ == "__main__":
    run(main)
