"""Measure everything that needs a GPU, in one run and without network, and write it section by section.

    python -m benchmark.complexity.gpu_report --out DIR

Sections: numerics of bf16 and fp16, a training step for each entry of config/compute.yaml, inference time (both memory
layouts, torch.compile with CUDA graphs, and the protocols of Table 2), evaluation in batches, and the lease of devices.
Each section runs in a separate process with a time limit; a section that fails becomes a row with the reason. The
command writes ``report.md``, ``report.json`` and ``timings/*.json`` into DIR. Table 2 includes the timings if
``timings:`` of the main file names them. After a stop the same command continues, and ``--minutes`` limits the total
time.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmark.complexity.records import Timing, read_record
from benchmark.complexity.section import ReportRow, SectionResult, SectionSpec
from benchmark.complexity.specs import (
    ComplexityEntry,
    Count,
    Options,
    Precision,
    TimingProtocol,
    TimingSpec,
    entry_options,
)
from benchmark.tables.render import markdown
from benchmark.tables.table import Column, Table, Value, plain_rows
from osediff.common.command_line import make_parser
from osediff.common.devices import check_device
from osediff.common.errors import InputError, run
from osediff.common.files import read_json, write_json, write_text
from osediff.common.settings import Model, Seed, Settings, Text, dump, parse, parse_each, write
from osediff.common.validation import check_name, read_yaml

CONFIG = Path("config")
HEAD = ("section", "quantity", "value", "unit", "note")
TABLE2_PROTOCOLS = ("official", "strict", "strict-compiled")


class TrainingStep(Settings):
    """What the report needs of an entry of config/compute.yaml."""

    precision: Precision
    micro_batch: Count | None
    gradient_checkpointing: bool


class RandomBackbone(Settings):
    """``random`` of an entry of config/backbones.yaml."""

    seed: Seed
    words: Text
    sizes: dict[str, Any]


class Backbone(Settings):
    """What the report needs of an entry of config/backbones.yaml."""

    folder: Text
    random: RandomBackbone | None = None


def read_needed(file: str, model: type[Model]) -> dict[str, Model]:
    """Read the keys of ``model`` from each entry of a file of config/; the other keys are checked by planning."""
    source = str(CONFIG / file)
    entries = parse_each(read_yaml(CONFIG / file), dict[str, Any], source)
    return {
        name: parse({key: entry[key] for key in model.model_fields if key in entry}, model, f"{source}: {name}")
        for name, entry in entries.items()
    }


@dataclass(frozen=True)
class Section:
    """A section of the report: the module to run, its spec, and the function that converts its output to rows."""

    name: str
    module: str
    spec: Settings
    output: str
    read_rows: Callable[[Path], tuple[ReportRow, ...]]
    options: tuple[str, ...] = ()


def _rows_of_section(path: Path) -> tuple[ReportRow, ...]:
    return parse(read_json(path), SectionResult, str(path)).rows


def _rows_of_timing(path: Path) -> tuple[ReportRow, ...]:
    record = read_record(path, Timing)
    if record.times is None:
        raise InputError(record.failed)
    note = f"{record.precision}, {record.includes}; {record.times.runs} runs, protocol {record.protocol}"
    memory = ReportRow(quantity="peak memory", value=record.peak_memory / 1e9, unit="GB", note="")
    return ReportRow(quantity="time", value=record.times.seconds * 1e3, unit="ms", note=note), memory


def training_sections(size: int, device: str, options: Options) -> list[Section]:
    """Return a training step for each entry of config/compute.yaml."""
    sections = []
    for name, step in read_needed("compute.yaml", TrainingStep).items():
        settings = {"size": size, "device": device, "backbone": options["backbone"], **step.model_dump()}
        spec = SectionSpec(entry_point="osediff.profiling.gpu_checks:time_training_step", options=settings)
        sections.append(_section(f"training step: {name}", f"training-{name}", spec))
    return sections


def _section(title: str, file: str, spec: SectionSpec) -> Section:
    return Section(title, "benchmark.complexity.section", spec, f"sections/{file}.json", _rows_of_section)


def timing_sections(entry: ComplexityEntry, size: int, device: str, options: Options) -> list[Section]:
    """Return the sections of inference: both memory layouts, compiled networks, and the protocols of Table 2."""
    protocols = parse_each(read_yaml(CONFIG / "timing.yaml"), TimingProtocol, str(CONFIG / "timing.yaml"))
    precision = "fp16" if device == "cuda" else "fp32"
    plain = protocols["plain"].model_copy(update={"precision": precision, "seconds": 10.0, "includes": ()})
    runs = [
        ("networks, contiguous", "networks-contiguous", plain, {"channels_last": False}),
        ("networks, channels_last", "networks-channels-last", plain, {"channels_last": True}),
        ("networks, compiled", "networks-compiled", plain.model_copy(update={"compile": True}), {}),
    ]
    for name in TABLE2_PROTOCOLS:
        settings = protocols[name].model_copy(update={"precision": precision, "seconds": 60.0})
        runs.append((f"Table 2, {name}", name, settings, {}))
    sections = []
    for title, file, settings, more in runs:
        spec = TimingSpec(
            title=entry.title,
            steps=entry.steps,
            size=size,
            pipeline=entry.pipeline,
            options={**options, **more},
            protocol=file if file in TABLE2_PROTOCOLS else "plain",
            settings=settings,
            precision=settings.precision,
            contain=True,
        )
        folder = "timings" if file in TABLE2_PROTOCOLS else "sections"
        module, output = "benchmark.complexity.timing", f"{folder}/{file}.json"
        sections.append(Section(f"inference: {title}", module, spec, output, _rows_of_timing, ("--device", device)))
    return sections


def plan_sections(model: str, size: int, device: str) -> list[Section]:
    """Return all sections, the quick ones first.

    Args:
        model: an entry of config/complexity.yaml.
        size: side of the images in pixels.
        device: cpu or cuda.

    Raises:
        InputError: there is no such entry, or a configuration file is wrong.
    """
    entries = parse_each(read_yaml(CONFIG / "complexity.yaml"), ComplexityEntry, str(CONFIG / "complexity.yaml"))
    check_name("entry of config/complexity.yaml", model, entries, "--model")
    entry, backbones = entries[model], read_needed("backbones.yaml", Backbone)
    check_name("backbone", entry.backbone, backbones, f"config/complexity.yaml: {model}")
    backbone = backbones[entry.backbone]
    options = entry_options(entry, backbone.folder, backbone.random.sizes if backbone.random else None)
    half = ["bf16", "fp16"] if device == "cuda" else ["bf16"]
    numerics = {"size": size, "device": device, "backbone": options["backbone"], "precisions": half}
    checks = (
        ("lease", "lease", "benchmark.complexity.device_checks:check_lease", {"device": device}),
        (
            "evaluation in batches",
            "evaluation",
            "benchmark.complexity.device_checks:time_evaluation",
            {"size": size, "device": device},
        ),
        ("numerics", "numerics", "osediff.profiling.gpu_checks:compare_precisions", numerics),
    )
    sections = [
        _section(title, file, SectionSpec(entry_point=entry_point, options=settings))
        for title, file, entry_point, settings in checks
    ]
    return sections + timing_sections(entry, size, device, options) + training_sections(size, device, options)


def run_section(section: Section, out: Path, limit: float) -> SectionResult:
    """Run one section in a separate process; the result has its rows, or the reason why there are none."""
    spec, output = out / "specs" / f"{Path(section.output).stem}.yaml", out / section.output
    output.unlink(missing_ok=True)
    write(spec, section.spec)
    command = [sys.executable, "-m", section.module, "--spec", str(spec), "--out", str(output), *section.options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        return SectionResult(failed=f"not finished after {limit:.0f} s")
    if output.exists():
        try:
            return SectionResult(rows=section.read_rows(output))
        except InputError as error:
            return SectionResult(failed=str(error))
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    return SectionResult(failed=(errors or lines or [f"exit code {done.returncode}"])[-1][:300])


class Report(Settings):
    """The results that exist, by section, and the settings that they depend on."""

    basis: str = ""
    sections: dict[str, SectionResult]


def compose(device: str, results: dict[str, SectionResult], planned: list[str]) -> Table:
    """Make the report: a row for each quantity, and a row for each section without results."""
    lines: list[tuple[Value, ...]] = []
    for name in planned:
        result = results.get(name, SectionResult(failed="not run: the time was up; the same command goes on"))
        if result.failed:
            lines.append((name, "", "", "", f"failed: {result.failed}"))
        lines += [(name, row.quantity, f"{row.value:.4g}", row.unit, row.note) for row in result.rows]
    columns = [Column(title, title, number=title == "value") for title in HEAD]
    caption = f"Measured on {device}, with random weights. Times of this device say nothing of another."
    return Table("What only a GPU can tell", columns, [plain_rows(columns, lines)], caption)


def describe_device(device: str) -> str:
    """Return the name of the device without allocating its memory."""
    if device == "cpu":
        return "the CPU"
    import torch

    return str(torch.cuda.get_device_properties(0).name)


def make_report(sections: list[Section], device: str, out: Path, minutes: float, limit: float) -> int:
    """Run the sections that are not done and write the report after each; return the number that failed.

    Args:
        sections: the sections, in the order to run them.
        device: cpu or cuda.
        out: the folder to write.
        minutes: time after which no section starts.
        limit: seconds of one section.
    """
    name = describe_device(device)
    basis, end = f"{name}\n" + "".join(dump(section.spec) for section in sections), time.monotonic() + 60 * minutes
    file = out / "report.json"
    before = parse(read_json(file), Report, str(file)) if file.exists() else Report(sections={})
    results = dict(before.sections) if before.basis == basis else {}
    results = {title: result for title, result in results.items() if not result.failed}
    planned = [section.name for section in sections]
    bar = tqdm(sections, desc="report", unit="section")
    for section in bar:
        bar.set_postfix_str(section.name)
        remaining = end - time.monotonic()
        if section.name in results or remaining <= 0:
            continue
        results[section.name] = run_section(section, out, min(limit, remaining))
        write_json(file, Report(basis=basis, sections=results).model_dump(mode="json"))
        write_text(out / "report.md", markdown(compose(name, results, planned)))
    return sum(bool(result.failed) for result in results.values()) + len(planned) - len(results)


def main() -> None:
    """Command line: a folder out."""
    parser = make_parser("benchmark.complexity.gpu_report", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--model", default="osediff", help="an entry of config/complexity.yaml")
    parser.add_argument("--size", type=int, default=512, help="side of the images in pixels")
    parser.add_argument("--minutes", type=float, default=10.0, help="time after which no section starts")
    parser.add_argument("--limit", type=float, default=150.0, help="seconds of one section")
    args = parser.parse_args()
    check_device(args.device)
    sections = plan_sections(args.model, args.size, args.device)
    failed = make_report(sections, args.device, args.out, args.minutes, args.limit)
    print(f"{args.out / 'report.md'}: {len(sections) - failed} of {len(sections)} sections measured", file=sys.stderr)
    print(f"for Table 2: timings: [{', '.join(map(str, sorted((args.out / 'timings').glob('*.json'))))}]")


if __name__ == "__main__":
    run(main)
