"""A baseline's run: the contract, what is kept after a stop, and failures that stay where they are."""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from osediff.common.files import sha256
from osediff.common.images import read_rgb
from osediff.common.restore_folder import record_note, unusable
from tests.baselines.fake_baseline import Fake


def marks(fake: Fake) -> dict[str, list[int]]:
    """The pixel of each SR image in which the fake notes its seed and draws from both global generators."""
    return {stem: read_rgb(fake.folder / "SR" / f"{stem}.png")[0, 0].tolist() for stem in "abc"}


def test_images_record_and_a_line_for_each(fake: Fake) -> None:
    ended = fake.run()
    assert ended.returncode == 0, ended.stderr
    assert read_rgb(fake.folder / "SR" / "a.png").shape == (32, 24, 3)
    assert re.findall(r"^\[(\d/\d)\] (\w): [\d.]+ s, seed \d+$", ended.stderr, re.MULTILINE) == [
        ("1/3", "a"), ("2/3", "b"), ("3/3", "c"),
    ]  # fmt: skip
    assert ended.stderr.count("loading") == 1
    record = fake.record
    assert record["weights_sha256"] == {"fake.txt": sha256(fake.folder / "sources" / "weights" / "fake.txt")}
    assert list(record["images"]) == ["a", "b", "c"] and record["baseline"] == "fake" and "failed" not in record
    assert unusable(fake.folder / "run.json") == ""


def test_the_seed_of_an_image_depends_on_no_other_image(fake: Fake) -> None:
    assert fake.run().returncode == 0
    whole = marks(fake)
    assert len({tuple(mark) for mark in whole.values()}) == 3
    for stem in "ab":
        (fake.folder / "LR" / f"{stem}.png").unlink()
    (fake.folder / "SR" / "c.png").unlink()
    assert fake.run().returncode == 0
    assert read_rgb(fake.folder / "SR" / "c.png")[0, 0].tolist() == whole["c"]
    assert fake.run("--seed", "1").returncode == 0
    assert read_rgb(fake.folder / "SR" / "c.png")[0, 0].tolist() != whole["c"]


def test_an_official_stream_is_seeded_once_and_never_entered_in_the_middle(fake: Fake) -> None:
    assert fake.run("--seed-mode", "official_stream").returncode == 0
    python, numpy = random.Random(7), np.random.RandomState(7)  # the fake's official_seed
    expected = {stem: [0, python.randrange(256), int(numpy.randint(256))] for stem in "abc"}
    assert marks(fake) == expected
    (fake.folder / "SR" / "c.png").unlink()
    ended = fake.run("--seed-mode", "official_stream")
    assert "[1/3] a" in ended.stderr and marks(fake) == expected


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("crash b", r"MemoryError: no room for 3 GB \(at image b\)"),
        ("crash load", r"MemoryError: no room for 3 GB \(while loading\)"),
        ("segfault b", "killed by SIGSEGV at image b"),
        ("oom b", "killed by SIGKILL, as the system does when memory runs out at image b"),
        ("leave b", "ended after 1 of 3 images without an error"),
        ("hang b", "hung at image b: nothing for 3 s, the limit for one image"),
        ("shrink b", r"ValueError: b restored as uint8 \(31, 24, 3\), needed is uint8 \(32, 24, 3\)"),
        ("float b", r"ValueError: b restored as float32 \(32, 24, 3\)"),
        ("fetch b", "wants to fetch from example.org, but a run fetches nothing"),
    ],
)
def test_a_failure_is_a_record_with_its_reason_and_the_last_lines(fake: Fake, what: str, said: str) -> None:
    fake.does(what)
    ended = fake.run("--time-limit", "3")
    assert ended.returncode == 0, ended.stderr
    record = fake.record
    assert re.search(said, record["failed"]) and "\n" not in record["failed"]
    assert "images" not in record and any("loading" in line for line in record["log"])
    if what.split()[0] not in ("shrink", "float"):
        assert any(f"about to {what.split()[0]}" in line for line in record["log"])
    assert unusable(fake.folder / "run.json") == f"failed: {record['failed']}"


def test_images_made_before_a_failure_are_kept_for_the_next_try(fake: Fake) -> None:
    fake.does("crash c")
    assert fake.run().returncode == 0 and "failed" in fake.record
    fake.does("well")
    ended = fake.run()
    assert "[3/3] c" in ended.stderr and "[1/3]" not in ended.stderr
    assert list(fake.record["images"]) == ["a", "b", "c"]


def test_an_edited_adapter_or_other_weights_begin_anew(fake: Fake) -> None:
    assert fake.run().returncode == 0
    fake.edit("sr[0, 0] =", "sr[0, 1] =")
    assert "[1/3] a" in fake.run().stderr
    (fake.folder / "sources" / "weights" / "fake.txt").write_text("other weights")
    assert "[1/3] a" in fake.run().stderr


def alive(process: int) -> bool:
    """Whether a process still runs; one that nobody has collected yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_ends_its_process_and_leaves_no_record(fake: Fake, sent: signal.Signals) -> None:
    fake.does("hang b")
    with subprocess.Popen(fake.command(), cwd=fake.folder, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "about to hang" in line:
                break
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        os.kill(run.pid, sent)
        output = run.stderr.read()
    assert run.returncode == 130 and "stopped; the same command continues" in output and "Traceback" not in output
    assert children and not any(alive(int(child)) for child in children)
    assert not (fake.folder / "run.json").exists()
    fake.does("well")
    assert fake.run().returncode == 0


def test_a_killed_run_takes_its_process_along(fake: Fake) -> None:
    fake.does("hang b")
    with subprocess.Popen(fake.command(), cwd=fake.folder, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "about to hang" in line:
                break
        (child,) = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        run.kill()
    deadline = time.monotonic() + 20
    while alive(int(child)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(int(child))
    fake.does("well")
    assert fake.run().returncode == 0


def test_what_the_user_can_mend_is_one_line_and_no_record(fake: Fake) -> None:
    fake.does("complain load")
    ended = fake.run()
    assert ended.returncode == 2 and not (fake.folder / "run.json").exists()
    assert ended.stderr.splitlines()[-1] == "error: fake.txt: is not what it should be; get it anew"
    (fake.folder / "sources" / "weights" / "fake.txt").unlink()
    ended = fake.run()
    way = "by hand only: get it from the shelf and put it at sources/weights/fake.txt"
    assert ended.returncode == 2 and way in ended.stderr
    assert ended.stderr.count("\n") == 1
    ended = fake.run(name="fak")
    assert ended.returncode == 2 and "unknown baseline 'fak', did you mean fake?" in ended.stderr


def test_another_interpreter_runs_it(fake: Fake) -> None:
    python = fake.folder / "python"
    python.write_text(f'#!/bin/sh\necho "another interpreter"\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    ended = fake.run("--python", str(python))
    assert ended.returncode == 0 and "another interpreter" in ended.stderr and "images" in fake.record


def test_random_weights_are_stamped_and_never_evaluated(fake: Fake) -> None:
    assert fake.run("--weights", "random").returncode == 0
    assert "random weights" in unusable(fake.folder / "run.json")


def test_other_weights_are_noted_in_the_record(fake: Fake) -> None:
    assert fake.run("--weights", "other").returncode == 0
    assert record_note(fake.folder / "run.json") == "", "nobody published what the official file is"
    descriptor = fake.folder / "baselines" / "fake" / "descriptor.yaml"
    official = hashlib.sha256(b"official").hexdigest()
    text = descriptor.read_text()
    descriptor.write_text(text.replace("fake.txt: null", f"fake.txt: {{sha256: {official}}}"))
    assert fake.run("--weights", "other").returncode == 0
    assert f"the official file {official[:12]}…" in record_note(fake.folder / "run.json")
    (fake.folder / "sources" / "weights" / "fake.txt").write_text("official")
    assert fake.run().returncode == 0 and record_note(fake.folder / "run.json") == ""


def test_two_runs_at_once_are_kept_apart(fake: Fake) -> None:
    fake.does("hang a")
    with subprocess.Popen(fake.command(), cwd=fake.folder, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "about to hang" in line:
                break
        other = fake.run()
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=10)
    assert other.returncode == 2 and "another run is writing here" in other.stderr


def test_a_quiet_image_within_its_limit_is_no_hang(fake: Fake) -> None:
    fake.edit("if stem == where:", "time.sleep(0.7)\n        if stem == where:")
    started = time.monotonic()
    assert fake.run("--time-limit", "2").returncode == 0
    assert time.monotonic() - started > 2 and "images" in fake.record
