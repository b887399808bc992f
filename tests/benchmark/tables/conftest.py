"""Specs and measured rows of quality tables and of an ablation, and a rendered Table 2."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.complexity.records import Distribution, Machine, MethodCount, ModuleCount, Timing, write_record
from benchmark.complexity.specs import Interpretation, Interpretations, Table2Spec
from benchmark.data import published
from osediff.common.settings import write
from tests.benchmark.rows import Values, write_rows
from tests.helpers import ROOT

METHODS = {"bicubic": {"title": "Bicubic", "steps": 0}, "osediff": {"title": "OSE_Diff", "steps": 1}}
PRINTED = [
    ("table1", "SeeSR", "50", "one", "psnr", "25.18"),
    ("table1", "SeeSR", "50", "one", "lpips", "0.3009"),
    ("table1", "OSE_Diff", "1", "one", "psnr", "79.00"),
    ("table1", "OSE_Diff", "1", "three", "psnr", "23.72"),
    ("table8", "LDL", "", "one", "psnr", "26.00"),
]
TRUTH = [20.0, 22, 24, 26, 28, 30, 32, 34]


@pytest.fixture
def spec() -> dict[str, Any]:
    """Table 1 of two methods and two test sets, as a spec of quality tables."""
    sets = {"one": {"title": "Set one"}, "two": {"title": "Set two"}}
    about = {"preset": "demo", "title": "Table 1", "caption": "Methods.", "published": "table1"}
    return about | {"metrics": ["psnr", "lpips", "fid", "niqe"], "methods": METHODS, "test_sets": sets}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Rows of both methods on both test sets of ``spec``; NIQE was not measured."""
    absent = "needs x.mat in $TORCH_HOME/hub, from https://x.org/a_b"
    values: dict[tuple[str, str], Values] = {
        ("bicubic", "one"): {"psnr": [27, 28], "lpips": [0.5, 0.6], "fid": [140.0], "niqe": absent},
        ("osediff", "one"): {"psnr": [26, 25], "lpips": [0.2, 0.3], "fid": [120.456], "niqe": absent},
        ("bicubic", "two"): {"psnr": [30, 31, 32], "lpips": [0.4, 0.4, 0.4], "fid": [50.0], "niqe": absent},
        ("osediff", "two"): {"psnr": [31, 31, 31.001], "lpips": [0.3, 0.3, 0.3], "fid": [60.0], "niqe": absent},
    }
    return [write_rows(tmp_path / f"{m}-{t}.csv", m, t, numbers) for (m, t), numbers in values.items()]


@pytest.fixture
def printed(tmp_path: Path) -> Path:
    """Published numbers of two tables; one method is measured on set one, too."""
    with (tmp_path / "published.csv").open("w", newline="") as file:
        csv.writer(file).writerow(published.COLUMNS)
        csv.writer(file).writerows([*row, "A paper, Table 1", "osediff/1", "0.005"] for row in PRINTED)
    return tmp_path / "published.csv"


@pytest.fixture
def seeds_ablation(tmp_path: Path) -> tuple[dict[str, Any], list[Path]]:
    """An ablation of five rows and three seeds: ``up`` is 0.5 dB better on every image, ``same`` differs by noise, one
    run of ``shaky`` did not converge, and none of ``lost`` did."""
    rng = np.random.default_rng(0)
    files, rows = [], {}
    titles = {"osediff": "OSEDiff", "up": "w/o VSD loss", "same": "Same", "shaky": "Shaky", "lost": "Lost"}
    for variant, title in titles.items():
        runs = [f"{variant}.base.{seed}" for seed in range(3)]
        rows[variant] = {"title": title, "runs": runs, "published": title}
        for seed, run in enumerate(runs):
            shift = {"up": 0.5, "same": rng.normal(0, 0.3, 8)}.get(variant, 0.0)
            failed = variant == "lost" or (variant == "shaky" and seed == 1)
            note = "did not converge: loss is not finite at step 7"
            values: dict[str, str | list[float]] = {"psnr": note if failed else list(np.array(TRUTH) + seed + shift)}
            values["lpips"] = note if failed else "needs x.pth"
            files.append(write_rows(tmp_path / f"{run}.csv", run, "set", values))
    rows["lost"]["published_remark"] = "unstable"
    spec: dict[str, Any] = {"name": "table3", "preset": "demo", "title": "Table 3: loss", "test_set": "set"}
    spec |= {
        "test_set_title": "Set",
        "remarks": ["Twin: trains exactly as OSEDiff does at demo preset"],
        "published_test_set": "realsr",
    }
    return spec | {"metrics": ["psnr", "lpips"], "default": "osediff", "rows": rows}, files


def module_count(
    name: str, calls: int = 1, macs: int = 1, attention: int = 0, trained: int = 0, odd: str = ""
) -> ModuleCount:
    """Make a record of one module's counts; ``odd`` is an operator that was not counted."""
    return ModuleCount(
        name=name,
        calls=calls,
        macs=macs,
        attention_macs=attention,
        parameters=10,
        trainable_parameters=trained,
        uncounted={odd: 2} if odd else {},
    )


def timing(title: str, device: str, seconds: float) -> Timing:
    """A record of one time; 0 seconds: of none."""
    times = Distribution(seconds=seconds, median=seconds, mean=seconds, p5=0.012, p95=0.013, runs=50, warmup=3)
    return Timing(
        title=title,
        steps=1,
        size=512,
        batch=1,
        precision="bf16",
        compiled=False,
        protocol="plain",
        machine=Machine(device=device, torch="2", threads=1),
        includes="UNet",
        times=times if seconds else None,
        peak_memory=5_000_000_000,
        failed="" if seconds else "out of memory at 512 pixels",
    )


@pytest.fixture(scope="module")
def rendered_table2(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, str]], str]:
    """Rows and Markdown of a table with counts of our method and of baselines, and timings."""
    folder = tmp_path_factory.mktemp("table2")
    unet = module_count("UNet", macs=2264_000_000_000, attention=680_000_000, trained=8_493_000)
    beside = module_count("UNet", odd="aten::odd")
    sinsr = (module_count("UNet", 15, 2_646_000_000_000, 600_000_000, 118_590_000), module_count("VQ decoder"))
    counts = [
        MethodCount(title="OSEDiff", steps=1, size=512, merged=(unet,), unmerged=(beside,)),
        MethodCount(title="SinSR", steps=1, size=512, merged=sinsr),
        MethodCount(title="PASD", steps=20, size=512, failed="ImportError: no odd"),
    ]
    timings = [timing("OSEDiff", "Some GPU", 0.0123), timing("OSEDiff", "Another GPU", 0.0456)]
    timings.append(timing("PASD", "Some GPU", 0))
    files: dict[str, list[str]] = {"counts": [], "timings": []}
    for kind, records in (("counts", counts), ("timings", timings)):
        for number, record in enumerate(records):
            path = folder / f"{kind}{number}.json"
            write_record(path, record)
            files[kind].append(str(path))
    interpretations = Interpretations(
        gmacs=Interpretation(modules=("UNet",), attention=("UNet",)), mparams=Interpretation(modules=("UNet", "RAM"))
    )
    write(folder / "spec.yaml", Table2Spec(interpretations={"OSEDiff": interpretations}))
    published_file = ROOT / "config" / "published" / "osediff-tables-2-7.csv"
    command = [sys.executable, "-m", "benchmark.tables.complexity", "--spec", str(folder / "spec.yaml")]
    command += ["--counts", *files["counts"], "--timings", *files["timings"], "--published", str(published_file)]
    subprocess.run([*command, "--out", str(folder / "table2")], check=True, cwd=ROOT)
    with (folder / "table2.csv").open(newline="") as file:
        return list(csv.DictReader(file)), (folder / "table2.md").read_text()
