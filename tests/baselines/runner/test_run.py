"""The command: the contract, what stays after a stop, and failures that stop nothing else."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from baselines.runner import confinement
from baselines.runner.messages import Message
from baselines.runner.run import find_failure
from baselines.runner.supervisor import ProcessResult
from osediff.common.files import read_json, sha256
from osediff.common.images import read_rgb
from osediff.common.restore_folder import record_note, unusable
from tests.baselines.fake_baseline import Fake, is_running

EVENTS = [("loaded", ""), ("begun", "a"), ("restored", "a"), ("begun", "b")]
BEGUN = tuple(Message.model_validate({"event": event, "detail": detail}) for event, detail in EVENTS)


def test_images_record_and_a_line_for_each(fake: Fake) -> None:
    ended = fake.run()
    assert ended.returncode == 0, ended.stderr
    assert read_rgb(fake.folder / "SR" / "a.png").shape == (32, 24, 3)
    lines = re.findall(r"^\[(\d/\d)\] (\w): [\d.]+ s, seed \d+$", ended.stderr, re.MULTILINE)
    assert lines == [("1/3", "a"), ("2/3", "b"), ("3/3", "c")]
    assert ended.stderr.count("loading") == 1
    record = fake.record
    assert record["weights_sha256"] == {"fake.txt": sha256(fake.folder / "sources" / "weights" / "fake.txt")}
    assert list(record["images"]) == ["a", "b", "c"] and record["baseline"] == "fake" and "failed" not in record
    assert unusable(fake.folder / "run.json") == ""


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (ProcessResult(1, False, BEGUN, ("MemoryError: no room",)), "MemoryError: no room (at image b)"),
        (ProcessResult(1, False, (), ("MemoryError: no room",)), "MemoryError: no room (while loading)"),
        (ProcessResult(3, False), "exit code 3, no output (while loading)"),
        (ProcessResult(-11, False, BEGUN), "killed by SIGSEGV at image b"),
        (ProcessResult(-9, False, BEGUN), "killed by SIGKILL, as the system does when memory runs out at image b"),
        (ProcessResult(0, False, BEGUN), "ended after 1 of 3 images without an error"),
        (ProcessResult(-9, True, BEGUN), "hung at image b: nothing for 2.5 s, the limit for one image"),
        (ProcessResult(-9, True), "hung while loading: nothing for 2.5 s, the limit for one image"),
    ],
)
def test_the_reason_of_a_failure_names_the_image(result: ProcessResult, line: str) -> None:
    assert find_failure(result, 2.5, 3) == line


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("crash c", r"MemoryError: no room for 3 GB \(at image c\)"),
        ("oom b", "killed by SIGKILL, as the system does when memory runs out at image b"),
        ("leave b", "ended after 1 of 3 images without an error"),
        ("fetch load", r"wants to fetch from example.org, but a run fetches nothing.* \(while loading\)"),
    ],
)
def test_a_failure_is_a_record_with_its_reason_and_the_last_lines(fake: Fake, does: str, reason: str) -> None:
    fake.does(does)
    ended = fake.run()
    assert ended.returncode == 0, ended.stderr
    record = fake.record
    assert re.fullmatch(f".*{reason}.*", record["failed"])
    assert "images" not in record and {"loading", f"about to {does.split()[0]}"} <= set(record["log"])
    assert unusable(fake.folder / "run.json") == f"failed: {record['failed']}"


def test_a_baseline_that_hangs_is_stopped_at_its_limit(fake: Fake) -> None:
    fake.does("hang load")
    assert fake.run("--time-limit", "2").returncode == 0
    assert fake.record["failed"] == "hung while loading: nothing for 2 s, the limit for one image"


@pytest.mark.skipif(confinement.version() < 1, reason="this system has no Landlock")
def test_a_baseline_writes_its_caches_and_not_its_sources(fake: Fake) -> None:
    fake.does("meddle load")
    ended = fake.run("--record", "results/run.json")
    assert ended.returncode == 0, ended.stderr
    reason = read_json(fake.folder / "results" / "run.json")["failed"]
    assert reason.startswith("PermissionError: ") and "sources/weights/fake.txt" in reason
    assert (fake.folder / "sources" / "weights" / "fake.txt").read_text() == "weights"
    assert "not confined" not in ended.stderr and len(list((fake.folder / "results" / "cache").iterdir())) == 4


@pytest.mark.slow
def test_finished_images_stay_after_a_failure_until_the_adapter_or_the_weights_change(fake: Fake) -> None:
    fake.does("crash c")
    assert fake.run().returncode == 0 and "failed" in fake.record
    fake.does("well")
    ended = fake.run()
    assert "[3/3] c" in ended.stderr and "[1/3]" not in ended.stderr
    assert list(fake.record["images"]) == ["a", "b", "c"]
    fake.edit("sr[0, 0] =", "sr[0, 1] =")
    assert "[1/3] a" in fake.run().stderr
    (fake.folder / "sources" / "weights" / "fake.txt").write_text("other weights")
    assert "[1/3] a" in fake.run().stderr


@contextmanager
def hanging(fake: Fake) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run that hangs at an image, and the id of the baseline's process."""
    fake.does("hang b")
    with subprocess.Popen(fake.command(), cwd=fake.folder, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "about to hang" in line:
                break
        (child,) = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
        yield run, int(child)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_ends_its_process_and_leaves_no_record(fake: Fake, sent: signal.Signals) -> None:
    with hanging(fake) as (run, child):
        other = fake.run()
        os.kill(run.pid, sent)
        assert run.stderr is not None
        output = run.stderr.read()
    assert other.returncode == 2 and "another run is writing here" in other.stderr
    assert run.returncode == 130 and "stopped; the same command continues" in output and "Traceback" not in output
    assert not is_running(child)
    assert not (fake.folder / "run.json").exists()


@pytest.mark.slow
def test_a_killed_run_takes_its_process_along(fake: Fake) -> None:
    with hanging(fake) as (run, child):
        run.kill()
    deadline = time.monotonic() + 60
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(child)
    fake.does("well")
    assert fake.run().returncode == 0


def test_what_the_user_can_correct_is_one_line_and_no_record(fake: Fake) -> None:
    fake.does("complain load")
    ended = fake.run()
    assert ended.returncode == 2 and not (fake.folder / "run.json").exists()
    assert ended.stderr.splitlines()[-1] == "error: fake.txt: is not what it should be; get it anew"


def test_absent_sources_are_all_in_the_record_and_stop_nothing_else(fake: Fake) -> None:
    path = fake.folder / "baselines" / "fake" / "descriptor.yaml"
    path.write_text(path.read_text().replace("fake.txt: null", "fake.txt: null, second.txt: null"))
    (fake.folder / "sources" / "weights" / "fake.txt").unlink()
    ended = fake.run("--weights", "other")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("absent: ") == ended.stderr.count("\n") == 2
    assert (fake.folder / "SR").is_dir(), "the workflow declares it"
    reason = unusable(fake.folder / "run.json")
    assert reason.startswith("failed: its code or weights are not here: ")
    for name in ("fake.txt", "second.txt"):
        assert f"by hand only: get it from the shelf and put it at sources/weights/{name}" in reason


def test_another_interpreter_runs_it_and_random_weights_are_never_evaluated(fake: Fake) -> None:
    python = fake.folder / "python"
    python.write_text(f'#!/bin/sh\necho "another interpreter"\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    ended = fake.run("--python", str(python), "--weights", "random")
    assert ended.returncode == 0 and "another interpreter" in ended.stderr
    assert "random weights" in unusable(fake.folder / "run.json")


def test_other_weights_are_noted_in_the_record(fake: Fake) -> None:
    official = hashlib.sha256(b"official").hexdigest()
    path = fake.folder / "baselines" / "fake" / "descriptor.yaml"
    path.write_text(path.read_text().replace("fake.txt: null", f"fake.txt: {{sha256: {official}}}"))
    assert fake.run("--weights", "other").returncode == 0
    assert f"the official file {official[:12]}…" in record_note(fake.folder / "run.json")
    (fake.folder / "sources" / "weights" / "fake.txt").write_text("official")
    assert fake.run().returncode == 0 and record_note(fake.folder / "run.json") == ""
