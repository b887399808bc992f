"""A small finished run: images, rows and statistics of three methods, from which a report is made."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark.data.published import COLUMNS as PUBLISHED_COLUMNS
from benchmark.evaluation.results import COLUMNS
from benchmark.figures import agreement
from benchmark.report import __main__ as report
from benchmark.report.specs import MethodFiles, ReportChoice, ReportSpec, TestSetFiles, Training
from benchmark.statistics import pairwise
from benchmark.tables import published
from benchmark.tables.specs import ComparisonSpec, QualitySpec, ShownMethod, ShownTestSet
from osediff.common import settings
from osediff.common.files import JSON, write_json
from osediff.common.images import write_png
from tests.benchmark.rows import command
from tests.helpers import ROOT

SIDE = 48
METHODS = {"bicubic": "Bicubic", "osediff": "OSEDiff", "other": "Other"}
# By metric: the average of each method, and the spread over images.
AVERAGES = {"psnr": ((24, 25, 25.2), 2), "lpips": ((0.6, 0.4, 0.38), 0.02), "dists": ((0.4, 0.3, 0.2), 0.05)}
UNMEASURED = "needs weights.pth: fetch them"


@dataclass
class SmallRun:
    """The run, which a test may change before ``build``."""

    folder: Path
    images: list[str] = field(default_factory=lambda: [f"image-{index:02}" for index in range(12)])
    methods: dict[str, str] = field(default_factory=lambda: dict(METHODS))
    test_set: str = "one"
    title: str = "Set one"
    protocol: str = "osediff/2"
    failed: dict[str, str] = field(default_factory=dict)
    """Reason by method that failed."""
    choice: ReportChoice = field(default_factory=ReportChoice)
    spread: float = 1.0

    @property
    def report(self) -> Path:
        """The folder of the report."""
        return self.folder / "results" / "report"

    @property
    def rows(self) -> list[Path]:
        """The files of measured rows."""
        return [self.folder / "rows" / f"{method}.csv" for method in self.methods]

    def sr(self, method: str) -> Path:
        """The folder of a method's images."""
        return self.folder / "runs" / method / "SR"

    def comparison(self) -> ComparisonSpec:
        """What is compared."""
        return ComparisonSpec(
            preset="paper",
            metrics=(*AVERAGES, "niqe"),
            methods={name: ShownMethod(title=title, steps=1) for name, title in self.methods.items()},
            test_sets={self.test_set: ShownTestSet(title=self.title)},
        )

    def spec(self) -> ReportSpec:
        """The spec of the report."""
        about = {"title": "Table 1", "caption": "Methods.", "published": "table1"}
        data = self.folder / "data"
        return ReportSpec(
            comparison=self.comparison(),
            tables={"table1": QualitySpec(**dict(self.comparison()), **about)},  # type: ignore[arg-type]
            protocol="osediff",
            device="cpu",
            choice=self.choice,
            test_sets={
                self.test_set: TestSetFiles(
                    lr=str(data / "LR"), hr=str(data / "HR"), manifest=str(data / "manifest.json")
                )
            },
            methods={
                name: {self.test_set: MethodFiles(sr=str(self.sr(name)), record=str(self.sr(name).parent / "run.json"))}
                for name in self.methods
            },
            trainings=(Training(title="OSEDiff", folder=str(self.folder / "train")),),
            further={},
        )

    def write_images(self) -> None:
        """Write LR, HR and SR images, and the manifest of the test set."""
        rng = np.random.default_rng(0)
        entries: dict[str, JSON] = {}
        for image in self.images:
            hr = np.kron(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8), np.ones((8, 8, 1), dtype=np.uint8))
            write_png(self.folder / "data" / "HR" / f"{image}.png", hr)
            write_png(self.folder / "data" / "LR" / f"{image}.png", hr[::4, ::4])
            entries[image] = {"lr": [SIDE // 4, SIDE // 4], "hr": [SIDE, SIDE], "lr_sha256": "0", "hr_sha256": "0"}
            for index, method in enumerate(self.methods):
                if method not in self.failed:
                    write_png(self.sr(method) / f"{image}.png", np.roll(hr, index + 1, axis=1))
        about: dict[str, JSON] = {
            "name": self.test_set,
            "scale_factor": 4,
            "count": len(self.images),
            "verified": "number and sizes",
        }
        write_json(self.folder / "data" / "manifest.json", {**about, "images": entries})
        for method in self.methods:
            write_json(self.sr(method).parent / "run.json", {"weights": "trained", "prompt": f"a prompt of {method}"})

    def write_training(self) -> None:
        """Write the log of a training, and its samples."""
        lines = [f'{{"step": {step}, "mse": {1 / step}, "validation_psnr": {20 + step}}}' for step in (1, 2, 3)]
        (self.folder / "train").mkdir(parents=True, exist_ok=True)
        (self.folder / "train" / "log.jsonl").write_text("\n".join(lines) + "\n")
        write_json(self.folder / "train" / "outcome.json", {"converged": True, "steps": 3})
        write_png(self.folder / "train" / "samples" / "000003.png", np.zeros((8, 24, 3), dtype=np.uint8))

    def write_rows(self) -> None:
        """Write the measured rows of every method; NIQE was not measured."""
        for index, (method, path) in enumerate(zip(self.methods, self.rows, strict=True)):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                for metric, (averages, spread) in AVERAGES.items():
                    rng = np.random.default_rng(index)
                    for image in self.images if method not in self.failed else []:
                        value = averages[index] + self.spread * spread * rng.normal()
                        protocol = [metric, f"{value:.6f}", self.protocol, ""]
                        writer.writerow([method, self.test_set, image, *protocol])
                    if method in self.failed:
                        writer.writerow([method, self.test_set, "", metric, "", self.protocol, self.failed[method]])
                note = self.failed.get(method, UNMEASURED)
                writer.writerow([method, self.test_set, "", "niqe", "", self.protocol, note])

    def write(self) -> SmallRun:
        """Write all files that a report is made of."""
        self.write_images()
        self.write_training()
        self.write_rows()
        settings.write(self.folder / "report.yaml", self.spec())
        settings.write(self.folder / "comparison.yaml", self.comparison())
        with (self.folder / "published.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(PUBLISHED_COLUMNS)
            for method, value in (("SeeSR", "25.18"), ("OSEDiff", "25.15")):
                row = ["table1", method, "50", self.test_set, "psnr", value, "A paper, Table 1", "osediff/2", "0.005"]
                csv.writer(file).writerow(row)
        return self

    def build(self) -> Path:
        """Make the report by the commands of the workflow; return its page."""
        common = ["--registry", ROOT / "config/metrics.yaml", "--rows", *self.rows]
        spec, results = ["--spec", self.folder / "comparison.yaml"], self.folder / "results"
        command(pairwise.main, *spec, *common, "--out", results)
        pairs = results / "pairwise.csv"
        command(agreement.main, *spec, *common, "--pairs", pairs, "--out", results)
        command(published.main, *spec, *common, "--published", self.folder / "published.csv", "--out", results)
        command(
            report.main,
            *("build", "--spec", self.folder / "report.yaml", *common, "--statistics", results / "statistics.csv"),
            *("--pairs", pairs, "--compared", results / "compare_published.csv"),
            *("--agreement", results / "agreement.csv"),
            *("--figures", results / "agreement.png", results / "critical_difference.png"),
            *("--published", self.folder / "published.csv", "--out", self.report),
        )
        return self.report / "index.html"
