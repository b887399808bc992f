"""The evaluation command: its rows, what it refuses, and how it goes on after a kill."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmark.evaluation.evaluate import add_options, main, select_metrics
from benchmark.evaluation.results import split_note
from benchmark.metrics import build
from osediff.common.errors import InputError
from osediff.common.files import write_json
from osediff.common.images import write_png
from tests.benchmark.fixture_types import Folders
from tests.benchmark.rows import command, read_rows
from tests.helpers import ROOT


def arguments(folders: Folders, out: Path, *more: str) -> list[str]:
    """The command line that measures ``folders``."""
    sr, hr = folders
    return ["--sr", str(sr), "--hr", str(hr), "--out", str(out), *more]


def process(folders: Folders, out: Path, *more: str) -> list[str]:
    """The same as a process of its own."""
    return [sys.executable, "-m", "benchmark.evaluation.evaluate", *arguments(folders, out, *more)]


def test_rows(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("TORCH_HOME", "BENCHMARK_WEIGHTS"):
        monkeypatch.setenv(folder, str(tmp_path / "no-weights"))
    monkeypatch.chdir(ROOT)
    out = tmp_path / "deep" / "rows.csv"
    options = ("--method", "m", "--test-set", "t", "--metrics", "ssim", "psnr", "dists")
    command(main, *arguments(folders, out, *options))
    rows = read_rows(out)
    assert [(row["image"], row["metric"]) for row in rows] == [
        *((image, metric) for image in "abc" for metric in ("psnr", "ssim")),
        ("", "dists"),
    ]
    assert {(row["method"], row["test_set"], row["protocol"]) for row in rows} == {("m", "t", "osediff/2")}
    assert all(len(row["value"].split(".")[1]) == 6 for row in rows[:-1])
    assert rows[-1]["value"] == ""
    assert rows[-1]["note"].startswith("needs lpips-vgg.safetensors and DISTS_weights-f5e65c96.pth: ")
    assert "dists: not measured, needs lpips-vgg.safetensors" in capsys.readouterr().err
    assert sorted(path.name for path in out.parent.iterdir() if path.name[0] != ".") == ["rows.csv"]

    first = out.read_bytes()
    command(main, *arguments(folders, out, *options))
    assert out.read_bytes() == first
    capsys.readouterr()
    command(main, *arguments(folders, out, *options, "musiq"))
    lines = [line for line in capsys.readouterr().err.splitlines() if "not measured" in line]
    assert lines == [
        "not measured, since their weights are not here: dists, musiq; python -m osediff.common.artifacts fetch"
        " metric-weights --only lpips-vgg dists musiq-koniq"
    ]


def test_a_missing_package_is_said_before_missing_weights(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("TORCH_HOME", "BENCHMARK_WEIGHTS"):
        monkeypatch.setenv(folder, str(tmp_path / "no-weights"))
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(build.PACKAGES, "pyiqa", "no_such_package")
    command(main, *arguments(folders, tmp_path / "rows.csv", "--metrics", "psnr", "dists", "musiq"))
    lines = [line for line in capsys.readouterr().err.splitlines() if "weights" in line or "not measured" in line]
    assert lines == [f"{name}: not measured, needs the Python package pyiqa" for name in ("dists", "musiq")]


def write_other(change: Callable[[np.ndarray], np.ndarray], name: str = "b.png") -> Callable[[Path], None]:
    """Return what puts the image b, changed, into a folder under ``name``."""

    def spoil(sr: Path) -> None:
        image = cv2.imread(str(sr / "b.png"))
        assert image is not None
        cv2.imwrite(str(sr / name), change(image))

    return spoil


def write_cmyk(sr: Path) -> None:
    """Put a JPEG for print in the place of the image b."""
    Image.open(sr / "b.png").convert("CMYK").save(sr / "b.jpg")
    (sr / "b.png").unlink()


def remove_all(sr: Path) -> None:
    """Leave nothing in the folder."""
    for path in sr.iterdir():
        path.unlink()


# How the folder of SR images is spoiled, and what the line names.
SPOILED: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (lambda sr: (sr / "b.png").unlink(), "b"),
    "extra": (write_other(lambda image: image, "b2.png"), "b2"),
    "wrong size": (write_other(lambda image: image[:40]), "48x40"),
    "gray": (write_other(lambda image: image[..., 0]), "b.png"),
    "16-bit": (write_other(lambda image: image.astype(np.uint16) * 257), "b.png"),
    "transparent": (write_other(lambda image: np.dstack([image, image[..., 0]])), "b.png"),
    "CMYK": (write_cmyk, "b.jpg: is CMYK"),
    "truncated": (lambda sr: os.truncate(sr / "b.png", 900), "b.png"),
    "twice": (write_other(lambda image: image, "b.jpg"), "b"),
    "empty": (remove_all, "sr"),
}


@pytest.mark.parametrize("kind", list(SPOILED))
def test_bad_images_stop_it_by_name(folders: Folders, tmp_path: Path, kind: str) -> None:
    spoil, named = SPOILED[kind]
    spoil(folders[0])
    with pytest.raises(InputError) as error:
        command(main, *arguments(folders, tmp_path / "rows.csv", "--metrics", "psnr"))
    assert named in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "rows.csv").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--metrics", "pnsr"], "unknown metric pnsr"),
        (["--metrics", "psnr", "--registry", "nowhere.yaml"], "nowhere.yaml"),
        (["--metrics", "psnr", "--sr", "nowhere"], "nowhere"),
        (["--metrics", "psnr", "--protocol", "crop"], "did you mean crop4?"),
        (["--metrics", "psnr", "--workers", "0"], "must be 1 or more"),
    ],
)
def test_bad_arguments(folders: Folders, tmp_path: Path, options: list[str], named: str) -> None:
    with pytest.raises(InputError) as error:
        command(main, *arguments(folders, tmp_path / "rows.csv", *options))
    assert named in str(error.value) and "\n" not in str(error.value)


def test_a_metric_that_is_never_measured_is_taken_only_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    parser = argparse.ArgumentParser()
    add_options(parser)
    every = select_metrics(parser.parse_args(["--sr", "SR"])).metrics
    assert {"psnr", "afine-nr"} <= set(every) and "qalign" not in every
    assert set(select_metrics(parser.parse_args(["--sr", "SR", "--metrics", "qalign"])).metrics) == {"qalign"}


def test_the_same_folder_twice_is_refused(folders: Folders, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the same folder twice"):
        command(main, *arguments((folders[1], folders[1]), tmp_path / "rows.csv", "--metrics", "psnr"))
    assert not (tmp_path / "rows.csv").exists()


@pytest.mark.slow
def test_unusable_weights_are_named(folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyiqa")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path / "suite"))
    file = tmp_path / "hub/clip/RN50.pt"  # pyiqa checks this file's digest and would download it again
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not a network")
    with pytest.raises(InputError, match=r"RN50\.pt: is another file than config/metrics\.yaml says"):
        command(main, *arguments(folders, tmp_path / "rows.csv", "--metrics", "clipiqa"))
    assert file.read_bytes() == b"not a network"


def test_a_method_that_failed_is_a_row_with_its_reason(folders: Folders, tmp_path: Path) -> None:
    write_json(tmp_path / "run.json", {"method": "m", "failed": "training did not converge", "images": {}})
    out = tmp_path / "rows.csv"
    command(main, *arguments(folders, out, "--metrics", "psnr", "--record", str(tmp_path / "run.json")))
    (row,) = read_rows(out)
    assert (row["metric"], row["value"], row["image"]) == ("psnr", "", "")
    assert "training did not converge" in row["note"]


def test_the_note_of_a_record_stands_on_every_row(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("TORCH_HOME", "BENCHMARK_WEIGHTS"):
        monkeypatch.setenv(folder, str(tmp_path / "no-weights"))
    record, out = tmp_path / "run.json", tmp_path / "rows.csv"
    record.write_text(json.dumps({"note": "its weights are another file", "images": {}}))
    command(main, *arguments(folders, out, "--record", str(record), "--metrics", "psnr", "fid"))
    rows = read_rows(out)
    notes = {(row["metric"], split_note(row["note"])[0]) for row in rows}
    assert notes == {("psnr", "its weights are another file"), ("fid", "its weights are another file")}
    (of_fid,) = [split_note(row["note"])[1] for row in rows if row["metric"] == "fid"]
    assert of_fid.startswith("needs ")


@pytest.mark.slow
def test_killed_it_continues(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for index in range(60):
        for folder in ("sr", "hr"):
            write_png(tmp_path / folder / f"{index:02}.png", rng.integers(0, 256, (256, 256, 3), dtype=np.uint8))
    folders = tmp_path / "sr", tmp_path / "hr"
    whole, out = tmp_path / "whole.csv", tmp_path / "rows.csv"
    partial = tmp_path / "rows.csv.partial"
    command(main, *arguments(folders, whole, "--metrics", "psnr", "ssim"))

    killed = subprocess.Popen(process(folders, out, "--metrics", "psnr", "ssim"), cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (partial.exists() and partial.read_bytes().count(b"\n") > 10):
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not out.exists()
    lines = partial.read_text().splitlines()
    assert 10 < len(lines) < 120
    # The kill may cut a line off, and what was first is used: a changed value shows up again.
    first = json.loads(lines[0])
    assert (first["image"], first["metric"]) == ("00", "psnr")
    partial.write_text("\n".join([json.dumps(first | {"value": 12.5}), *lines[1:], '{"0f3']))

    command(main, *arguments(folders, out, "--metrics", "psnr", "ssim"))
    ours, reference = out.read_text().splitlines(), whole.read_text().splitlines()
    assert ours[1].split(",")[4] == "12.500000"
    assert ours[2:] == reference[2:]
    assert not partial.exists()


@pytest.mark.slow
def test_a_wrong_command_line_ends_in_one_line_and_code_2(folders: Folders, tmp_path: Path) -> None:
    line = process(folders, tmp_path / "rows.csv", "--metrics", "pnsr")
    done = subprocess.run(line, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")] == done.stderr.splitlines()[-1:]


def test_without_hr_images_the_metrics_that_need_none_are_measured(tmp_path: Path) -> None:
    """NIQE is the same with HR images and without; the others say what they lack."""
    rng = np.random.default_rng(0)
    for stem in "ab":
        hr = cv2.GaussianBlur(rng.integers(0, 256, (200, 200, 3), dtype=np.uint8), (0, 0), 2)
        write_png(tmp_path / "hr" / f"{stem}.png", hr)
        write_png(tmp_path / "sr" / f"{stem}.png", cv2.GaussianBlur(hr, (0, 0), 1))
        write_png(tmp_path / "lr" / f"{stem}.png", np.ascontiguousarray(hr[::4, ::4]))
    rows = {}
    for kind in ("hr", "lr"):
        options = ("--metrics", "psnr", "niqe", "fid", "--workers", 1, "--registry", ROOT / "config/metrics.yaml")
        command(main, "--sr", tmp_path / "sr", f"--{kind}", tmp_path / kind, "--out", tmp_path / "rows.csv", *options)
        rows[kind] = read_rows(tmp_path / "rows.csv")
    values = {
        kind: {row["image"]: row["value"] for row in found if row["metric"] == "niqe"} for kind, found in rows.items()
    }
    assert values["lr"] == values["hr"] and list(values["lr"]) == ["a", "b"]
    lacking = [row for row in rows["lr"] if row["metric"] != "niqe"]
    assert [(row["metric"], row["image"], row["value"]) for row in lacking] == [("psnr", "", ""), ("fid", "", "")]
    assert {row["note"] for row in lacking} == {"needs HR images, and the test set has none"}
    write_png(tmp_path / "sr" / "a.png", np.zeros((199, 200, 3), np.uint8))
    with pytest.raises(InputError, match=r"a\.png is 200x199, no multiple of .*a\.png, 50x50"):
        command(main, "--sr", tmp_path / "sr", "--lr", tmp_path / "lr", "--out", tmp_path / "rows.csv", *options)


def test_a_metric_that_compares_with_lr_images_gets_them(tmp_path: Path) -> None:
    """A red cast is seen with LR images, with HR images beside them or not; without LR images, the note says so."""
    rng = np.random.default_rng(0)
    for stem in "ab":
        lr = cv2.GaussianBlur(rng.integers(0, 200, (40, 48, 3), dtype=np.uint8), (0, 0), 3)
        hr = cv2.resize(lr, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
        write_png(tmp_path / "lr" / f"{stem}.png", lr)
        write_png(tmp_path / "hr" / f"{stem}.png", hr)
        write_png(tmp_path / "sr" / f"{stem}.png", hr + np.array([0, 0, 20 if stem == "b" else 0], np.uint8))
    options = ("--metrics", "psnr", "color-shift", "--workers", 1, "--registry", ROOT / "config/metrics.yaml")
    rows = {}
    for parts in (("lr",), ("hr",), ("lr", "hr")):
        folders = [word for part in parts for word in (f"--{part}", tmp_path / part)]
        command(main, "--sr", tmp_path / "sr", *folders, "--out", tmp_path / "rows.csv", *options)
        rows[parts] = [row for row in read_rows(tmp_path / "rows.csv") if row["metric"] == "color-shift"]
    assert rows[("lr", "hr")] == [row | {"test_set": "hr"} for row in rows[("lr",)]]
    shifts = {row["image"]: float(row["value"]) for row in rows[("lr",)]}
    assert shifts["a"] < 0.1 and shifts["b"] > 5
    (lacking,) = rows[("hr",)]
    assert (lacking["value"], lacking["note"]) == ("", "needs LR images: name their folder by --lr")
    with pytest.raises(InputError, match="name the folder of HR images, or by --lr that of LR images"):
        command(main, "--sr", tmp_path / "sr", "--out", tmp_path / "rows.csv", *options)
    (tmp_path / "lr/b.png").unlink()
    with pytest.raises(InputError, match="lr lacks b"):
        command(main, "--sr", tmp_path / "sr", *folders, "--out", tmp_path / "rows.csv", *options)


def test_gathered_shards_give_the_rows_of_one_run(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    options = ("--metrics", "psnr", "ssim", "fid")
    command(main, *arguments(folders, tmp_path / "whole.csv", *options))
    parts = [tmp_path / f"{number}-of-3.jsonl" for number in (1, 2, 3)]
    for part in parts:
        command(main, *arguments(folders, part, *options, "--shard", part.stem))
        assert {json.loads(line)["metric"] for line in part.read_text().splitlines()} == {"psnr", "ssim"}
    # What the shards measured is not measured again.
    monkeypatch.setattr("benchmark.evaluation.pairs.pair_metric", None)
    command(main, *arguments(folders, tmp_path / "gathered.csv", *options, "--measured", *map(str, parts)))
    assert (tmp_path / "gathered.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
