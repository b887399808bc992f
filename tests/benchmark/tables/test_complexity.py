"""Table 2: counted, measured and published figures side by side, and what could not be counted or timed."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest

from benchmark.complexity.records import Distribution, Machine, MethodCount, ModuleCount, Timing, write_record
from benchmark.complexity.specs import Interpretation, Interpretations, Table2Spec
from benchmark.data import published
from benchmark.tables import complexity as table2
from osediff.common.settings import write
from tests.benchmark.rows import METRICS
from tests.helpers import ROOT

PUBLISHED = ROOT / "config" / "published" / "osediff-tables-2-7.csv"


def module(
    name: str, calls: int = 1, macs: int = 1, attention: int = 0, trained: int = 0, odd: str = ""
) -> ModuleCount:
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
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, str]], str]:
    """Rows and Markdown of a table with counts of our method and of baselines, and timings."""
    folder = tmp_path_factory.mktemp("table2")
    unet = module("UNet", macs=2264_000_000_000, attention=680_000_000, trained=8_493_000)
    sinsr = (module("UNet", 15, 2_646_000_000_000, 600_000_000, 118_590_000), module("VQ decoder"))
    counts = [
        MethodCount(title="OSEDiff", steps=1, size=512, merged=(unet,), unmerged=(module("UNet", odd="aten::odd"),)),
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
    command = [sys.executable, "-m", "benchmark.tables.complexity", "--spec", str(folder / "spec.yaml")]
    command += ["--counts", *files["counts"], "--timings", *files["timings"], "--published", str(PUBLISHED)]
    subprocess.run([*command, "--out", str(folder / "table2")], check=True, cwd=ROOT)
    with (folder / "table2.csv").open(newline="") as file:
        return list(csv.DictReader(file)), (folder / "table2.md").read_text()


def test_counted_measured_and_published_stand_together(rendered: tuple[list[dict[str, str]], str]) -> None:
    rows, text = rendered
    of = [row for row in rows if row["method"] == "OSEDiff"]
    assert [row["source"] for row in of] == ["counted", "counted", "measured", "measured", "published"]
    merged, beside, measured, other, published = of
    assert (merged["gmacs_without_attention"], merged["mparams_trainable"]) == ("2264.0", "8.493")
    assert beside["includes"] == "UNet, LoRA beside the weights; not counted: aten::odd"
    assert (measured["seconds"], measured["device"]) == ("0.0123", "Some GPU")
    assert (other["seconds"], other["device"]) == ("0.0456", "Another GPU")  # beside it, not converted
    assert (
        "protocol plain, bf16, batch 1, 50 runs, 90 % of them within 0.012 to 0.013 s; 5.00 GB" in measured["includes"]
    )
    assert (published["seconds"], published["device"], published["gmacs"]) == ("0.11", "A100", "2265")
    assert published["includes"] == "not stated"
    sinsr = [row for row in rows if row["method"] == "SinSR"]
    assert [(row["source"], row["gmacs"]) for row in sinsr] == [("counted", "2646.6"), ("published", "2649")]
    assert (sinsr[0]["mparams_trainable"], sinsr[1]["mparams_trainable"]) == ("118.590", "118.6")
    assert sinsr[0]["includes"] == "UNet x15 + VQ decoder"
    assert len([row for row in rows if row["source"] == "published"]) == 7
    assert "| *SinSR* | *published* |" in text and "0.0123 (Some GPU)" in text


def test_what_could_not_be_counted_or_timed_says_why_and_the_others_stand(
    rendered: tuple[list[dict[str, str]], str],
) -> None:
    counted, timed, published = [row for row in rendered[0] if row["method"] == "PASD"]
    assert (counted["gmacs"], counted["includes"]) == ("", "not counted: ImportError: no odd")
    assert (timed["seconds"], timed["includes"]) == ("", "no time: out of memory at 512 pixels (protocol plain)")
    assert published["gmacs"] == "29125"


def test_the_nearest_reading_is_named_with_its_remainder(rendered: tuple[list[dict[str, str]], str]) -> None:
    _, text = rendered
    assert "published 2265 G multiply-adds: the nearest reading is 2264.68 G (UNet, LoRA merged" in text
    assert "-0.32 off" in text
    assert "parameters: the nearest reading" not in text  # RAM was not counted, so nothing is said


def test_published_rows_are_the_papers() -> None:
    rows = {row.values["method"]: row.values for row in table2.rows_published(published.load([PUBLISHED], METRICS))}
    assert rows["StableSR"]["gmacs"] == "79940" and rows["PASD"]["mparams"] == "1900"
