"""The evaluation command: its rows, what it refuses, and how it goes on after a kill."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmark.evaluation import pairs as pairs_module
from benchmark.evaluation import runner, workers
from benchmark.evaluation.cache import ResultCache
from benchmark.evaluation.results import split_note
from benchmark.evaluation.runner import Resources, evaluate
from benchmark.metrics.build import build_pair_metric
from osediff.common.errors import InputError
from osediff.common.images import write_png
from tests.helpers import ROOT


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Three pairs of 48x48 images, a to c, in sr/ and hr/."""
    rng = np.random.default_rng(1)
    for stem in "abc":
        hr = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
        write_png(tmp_path / "hr" / f"{stem}.png", hr)
        write_png(tmp_path / "sr" / f"{stem}.png", (hr // 2 + 60).astype(np.uint8))
    return tmp_path / "sr", tmp_path / "hr"


NO_WEIGHTS = {"TORCH_HOME": "/none", "BENCHMARK_WEIGHTS": "/none"}


def command(sr: Path, hr: Path, out: Path, *more: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "benchmark.evaluation.evaluate",
        "--sr",
        str(sr),
        "--hr",
        str(hr),
        "--out",
        str(out),
        *more,
    ]


def run(sr: Path, hr: Path, out: Path, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(sr, hr, out, *more), cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=120
    )


def test_rows(folders, tmp_path):
    out = tmp_path / "deep" / "rows.csv"
    options = ("--method", "m", "--test-set", "t", "--metrics", "ssim", "psnr", "dists")
    done = run(*folders, out, *options, **NO_WEIGHTS)
    assert done.returncode == 0, done.stderr
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["metric"]) for row in rows] == [
        *((image, metric) for image in "abc" for metric in ("psnr", "ssim")),
        ("", "dists"),
    ]
    assert {(row["method"], row["test_set"], row["protocol"]) for row in rows} == {("m", "t", "osediff/2")}
    assert all(len(row["value"].split(".")[1]) == 6 for row in rows[:-1])
    assert rows[-1]["value"] == ""
    assert rows[-1]["note"].startswith("needs lpips-vgg.safetensors and DISTS_weights-f5e65c96.pth: ")
    assert "dists: not measured, needs lpips-vgg.safetensors" in done.stderr
    assert sorted(path.name for path in out.parent.iterdir() if path.name[0] != ".") == ["rows.csv"]

    first = out.read_bytes()
    run(*folders, out, *options, **NO_WEIGHTS)
    assert out.read_bytes() == first


def spoil(kind: str, sr: Path) -> None:
    """Make one thing wrong with the folder ``sr``."""
    image = cv2.imread(str(sr / "b.png"))
    if kind == "missing":
        (sr / "b.png").unlink()
    elif kind == "extra":
        write_png(sr / "b2.png", image)
    elif kind == "wrong size":
        write_png(sr / "b.png", image[:40])
    elif kind == "gray":
        cv2.imwrite(str(sr / "b.png"), image[..., 0])
    elif kind == "16-bit":
        cv2.imwrite(str(sr / "b.png"), image.astype(np.uint16) * 257)
    elif kind == "transparent":
        cv2.imwrite(str(sr / "b.png"), np.dstack([image, image[..., 0]]))
    elif kind == "CMYK":
        Image.fromarray(image).convert("CMYK").save(sr / "b.jpg")
        (sr / "b.png").unlink()
    elif kind == "truncated":
        (sr / "b.png").write_bytes((sr / "b.png").read_bytes()[:900])
    elif kind == "twice":
        cv2.imwrite(str(sr / "b.jpg"), image)
    elif kind == "empty":
        for path in sr.iterdir():
            path.unlink()


KINDS = {
    "missing": "b",
    "extra": "b2",
    "wrong size": "48x40",
    "gray": "b.png",
    "16-bit": "b.png",
    "transparent": "b.png",
    "CMYK": "b.jpg: is CMYK",
    "truncated": "b.png",
    "twice": "b",
    "empty": "sr",
}


@pytest.mark.parametrize(("kind", "named"), KINDS.items())
def test_bad_images_stop_it_by_name(folders, tmp_path, kind, named):
    spoil(kind, folders[0])
    done = run(*folders, tmp_path / "rows.csv", "--metrics", "psnr")
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and named in errors[0], done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "rows.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--metrics", "pnsr"], "unknown metric pnsr"),
        (["--metrics", "psnr", "--registry", "nowhere.yaml"], "nowhere.yaml"),
        (["--metrics", "psnr", "--sr", "nowhere"], "nowhere"),
        (["--metrics", "psnr", "--protocol", "crop"], "did you mean crop4?"),
    ],
)
def test_bad_arguments(folders, tmp_path, arguments, named):
    done = run(*folders, tmp_path / "rows.csv", *arguments)
    assert done.returncode == 2
    assert named in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_the_same_folder_twice_is_refused(folders, tmp_path):
    done = run(folders[1], folders[1], tmp_path / "rows.csv", "--metrics", "psnr")
    assert done.returncode == 2 and "the same folder twice" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "rows.csv").exists()


def test_unusable_weights_are_named(folders, tmp_path):
    pytest.importorskip("pyiqa")
    file = tmp_path / "hub/clip/RN50.pt"  # pyiqa checks this file's digest and would download it again
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not a network")
    done = run(*folders, tmp_path / "rows.csv", "--metrics", "clipiqa", TORCH_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "is another file than config/metrics.yaml says" in done.stderr.splitlines()[-1]
    assert "RN50.pt" in done.stderr.splitlines()[-1]
    assert file.read_bytes() == b"not a network"


def test_small_images_and_values_that_are_none(folders, tmp_path, metric_registry, monkeypatch):
    monkeypatch.setattr(runner, "unavailable_reason", lambda *_: "")
    with pytest.raises(InputError, match=r"a\.png is too small for lpips: it needs 64 pixels"):
        evaluate(*folders, metric_registry.select(["lpips"]), tmp_path / "partial", Resources(workers=1))
    monkeypatch.setattr(pairs_module, "build_pair_metric", lambda *_: lambda sr, hr: float("nan"))
    with pytest.raises(InputError, match=r"psnr of .*a\.png is nan"):
        evaluate(*folders, metric_registry.select(["psnr"]), tmp_path / "partial", Resources(workers=1))


def test_a_metric_that_does_not_know_an_image_from_itself_stops_it(folders, tmp_path, metric_registry, monkeypatch):
    calls = []
    good = build_pair_metric("psnr", metric_registry.select(["psnr"]))
    monkeypatch.setattr(
        pairs_module, "build_pair_metric", lambda *_: lambda sr, hr: calls.append(sr is hr) or good(sr, hr)
    )
    evaluate(*folders, metric_registry.select(["psnr"]), tmp_path / "partial", Resources(workers=1))
    assert calls == [True, False, False, False, False], "two controls, then the three images"
    monkeypatch.setattr(pairs_module, "build_pair_metric", lambda *_: lambda sr, hr: 31.5)
    with pytest.raises(InputError, match=r"ssim of .*hr/a\.png against itself is 31\.5.*, not 1"):
        evaluate(*folders, metric_registry.select(["ssim"]), tmp_path / "partial", Resources(workers=1))


def test_a_metric_that_takes_a_bad_image_for_a_good_one_stops_it(folders, tmp_path, metric_registry, monkeypatch):
    """Weights that are all zero would give every pair a perfect LPIPS."""
    monkeypatch.setattr(pairs_module, "build_pair_metric", lambda *_: lambda sr, hr: 1.0)
    with pytest.raises(InputError, match=r"ssim takes .*hr/a\.png, shrunk and enlarged again, for as good as itself"):
        evaluate(*folders, metric_registry.select(["ssim"]), tmp_path / "partial", Resources(workers=1))
    for path in folders[1].iterdir():  # of flat images nothing can be asked
        write_png(path, np.full((48, 48, 3), 90, np.uint8))
    evaluate(*folders, metric_registry.select(["ssim"]), tmp_path / "partial", Resources(workers=1))


def test_values_do_not_depend_on_the_number_of_processes(folders, tmp_path, metric_registry):
    names = ["psnr", "ssim"]
    alone = evaluate(*folders, metric_registry.select(names), tmp_path / "alone", Resources(workers=1))
    (tmp_path / "partial").write_text((tmp_path / "alone").read_text().splitlines()[2] + "\n")
    beside = evaluate(*folders, metric_registry.select(names), tmp_path / "partial", Resources(workers=3))
    assert beside == alone
    assert len((tmp_path / "partial").read_text().splitlines()) == 6, "what was there already is not measured again"
    (folders[0] / "c.png").write_bytes((folders[0] / "c.png").read_bytes()[:900])
    with pytest.raises(InputError, match=r"c\.png: cannot be read as an image"):
        evaluate(*folders, metric_registry.select(names), tmp_path / "partial", Resources(workers=2))


def test_what_cannot_be_kept_stops_the_processes_too(folders, tmp_path, metric_registry, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ResultCache, "add", full)
    with pytest.raises(OSError, match="No space left"):
        evaluate(*folders, metric_registry.select(["psnr"]), tmp_path / "partial", Resources(workers=2))


def test_processes_end_with_the_one_that_started_them(tmp_path):
    code = (
        "import os, time\nfrom benchmark.evaluation.workers import pool\n"
        "with pool(2) as processes:\n"
        "    print(*{processes.submit(os.getpid).result() for _ in range(9)}, flush=True)\n    time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    started = [int(word) for word in process.stdout.readline().split()]
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in started) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert started and not any(Path(f"/proc/{pid}").exists() for pid in started)


def test_a_process_that_is_killed_is_an_error_in_one_line():
    with pytest.raises(InputError, match="a process that measures was killed"), workers.pool(1) as processes:
        processes.submit(os.kill, processes.submit(os.getpid).result(), signal.SIGKILL).result()


def test_killed_it_continues(tmp_path):
    rng = np.random.default_rng(2)
    for index in range(60):
        for folder in ("sr", "hr"):
            write_png(tmp_path / folder / f"{index:02}.png", rng.integers(0, 256, (384, 384, 3), dtype=np.uint8))
    folders = tmp_path / "sr", tmp_path / "hr"
    whole, out = tmp_path / "whole.csv", tmp_path / "rows.csv"
    partial = tmp_path / "rows.csv.partial"
    assert run(*folders, whole, "--metrics", "psnr", "ssim").returncode == 0

    process = subprocess.Popen(command(*folders, out, "--metrics", "psnr", "ssim"), cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (partial.exists() and partial.read_bytes().count(b"\n") > 10):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    lines = partial.read_text().splitlines()
    assert 10 < len(lines) < 120
    # The kill may cut a line off, and what was kept is used: a changed value shows up again.
    kept = json.loads(lines[0])
    assert (kept["image"], kept["metric"]) == ("00", "psnr")
    partial.write_text("\n".join([json.dumps(kept | {"value": 12.5}), *lines[1:], '{"0f3']))

    assert run(*folders, out, "--metrics", "psnr", "ssim").returncode == 0
    ours, reference = out.read_text().splitlines(), whole.read_text().splitlines()
    assert ours[1].split(",")[4] == "12.500000"
    assert ours[2:] == reference[2:]
    assert not partial.exists()


def test_what_was_kept_belongs_to_the_images(folders, tmp_path, metric_registry):
    partial = tmp_path / "partial"
    arguments = (metric_registry.select(["psnr"]), partial, Resources(workers=1))
    before = evaluate(*folders, *arguments).rows
    hr = cv2.imread(str(folders[1] / "b.png"))
    write_png(folders[0] / "b.png", hr[..., ::-1])
    after = evaluate(*folders, *arguments).rows
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]
    assert after[1][2] == pytest.approx(80)


def test_metrics_of_sets_get_the_pairs_and_nothing_else(folders, tmp_path, metric_registry, monkeypatch):
    (folders[0] / "old").mkdir()
    write_png(folders[0] / "old" / "x.png", np.zeros((8, 8, 3), np.uint8))
    seen = []

    def score(sr, hr):
        seen.append([[str(path.relative_to(tmp_path)) for path in files] for files in (sr, hr)])
        return 3.5

    monkeypatch.setattr(runner, "unavailable_reason", lambda *_: "")
    monkeypatch.setattr(runner, "build_set_metric", lambda *_: score)
    evaluation = evaluate(*folders, metric_registry.select(["fid"]), tmp_path / "partial", Resources(workers=1))
    assert seen == [[[f"{folder}/{stem}.png" for stem in "abc"] for folder in ("sr", "hr")]]
    assert evaluation.rows == [("", "fid", 3.5)]
    assert evaluation.notes == {"fid": "of 3 images; with fewer than 1000 compare only with values of the same images"}


def test_the_note_of_a_record_stands_on_every_row(folders: tuple[Path, Path], tmp_path: Path) -> None:
    sr, hr = folders
    record = tmp_path / "run.json"
    record.write_text(json.dumps({"note": "its weights are another file", "images": {}}))
    done = run(sr, hr, tmp_path / "rows.csv", "--record", str(record), "--metrics", "psnr", "fid", **NO_WEIGHTS)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    notes = {(row["metric"], split_note(row["note"])[0]) for row in rows}
    assert notes == {("psnr", "its weights are another file"), ("fid", "its weights are another file")}
    (of_fid,) = [split_note(row["note"])[1] for row in rows if row["metric"] == "fid"]
    assert of_fid.startswith("needs ")
