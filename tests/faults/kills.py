"""Jobs that are killed at random moments, again and again: the last run ends with the bytes of an undisturbed one."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.faults.outcomes import RECOVERED, SECONDS, Outcome, judge
from tests.faults.sandbox import TREES, Job, Sandbox
from tests.workflow.repository_copy import Workflow

UNCOMPARED = ("logs", "tensorboard", ".lock")  # what tells of the run, not of its result
MOMENT = rb"\d{4}-\d\d-\d\d \d\d:\d\d"
TIME = re.compile(MOMENT + rb"(?: to " + MOMENT + rb")?")  # when values were measured and a page was made
STOPPED = "another run is writing here"


def tree(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all results below ``folder``."""
    files: dict[str, bytes] = {}
    for name in TREES:
        for path in (folder / name).rglob("*"):
            inside = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in inside.parts)
            if path.is_file() and not hidden and not set(inside.parts) & set(UNCOMPARED):
                files[str(inside)] = TIME.sub(b"", path.read_bytes())
    return files


def difference(before: dict[str, bytes], after: dict[str, bytes]) -> Outcome:
    """Return the outcome of a run whose files should be ``before``."""
    lost = sorted(before.keys() - after.keys())
    if lost:
        return Outcome("lost", lost[0])
    other = sorted(name for name in before if before[name] != after[name])
    if other:
        return Outcome("other bytes", other[0])
    left = sorted(name for name in after.keys() - before.keys() if ".tmp-" in name)
    return Outcome("left over", left[0]) if left else RECOVERED


def remove_outputs(copy: Path, job: Job) -> None:
    """Remove what ``job`` has made: its outputs, and the images in folders that it names as outputs."""
    for name in job.outputs:
        with contextlib.suppress(IsADirectoryError):
            (copy / name).unlink()
        for path in (copy / name).rglob("*.png") if (copy / name).is_dir() else ():
            path.unlink()
    if "--output" in job.words:
        for path in (copy / job.words[job.words.index("--output") + 1]).glob("*.png"):
            path.unlink()


def kill_job(sandbox: Sandbox, copy: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Kill one job one to three times, then let it finish."""
    job = rng.choice([job for job in sandbox.jobs if job.rule in ("train", "restore", "evaluate")] + sandbox.jobs)
    before = tree(copy)
    remove_outputs(copy, job)
    path = f"{sandbox.python.parent}{os.pathsep}{sandbox.workflow.environment['PATH']}"
    times = [rng.uniform(0.02, 3.0) for _ in range(rng.randint(1, 3))]
    for seconds in times:
        process = subprocess.Popen(
            [str(sandbox.python), *job.words], cwd=copy, env=os.environ | {"PATH": path}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
        process.wait()
    about = f"{job.rule} killed {len(times)} times"
    deadline = time.monotonic() + SECONDS
    while True:
        code, output = sandbox.run(job.words, copy)
        if STOPPED not in output or time.monotonic() > deadline:
            break
        time.sleep(0.1)  # the killed one has not quite ended
    outcome = judge(code, output)
    return about, difference(before, tree(copy)) if outcome.verdict == "accepted" else Outcome(
        "not continued", output.strip().splitlines()[-1] if output.strip() else ""
    )


def stop_workflow(sandbox: Sandbox, copy: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Stop Snakemake with its jobs by a signal, then run the same command."""
    before = tree(copy)
    for name in ("runs/demo/train", "runs/demo/restore", "runs/demo/evaluate", "results"):
        shutil.rmtree(copy / name)
    sent = rng.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
    process = Workflow(copy, sandbox.python).start()  # it and its jobs are processes of their own
    time.sleep(rng.uniform(3, 20))
    about = f"snakemake, {sent.name}"
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, sent) if sent == signal.SIGTERM else os.killpg(process.pid, sent)
    try:
        process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return about, Outcome("hang", "did not end on the signal")
    code, output = sandbox.run(("-m", "snakemake", "--cores", "2", "--rerun-incomplete"), copy)
    outcome = judge(code, output)
    return about, difference(before, tree(copy)) if outcome.verdict == "accepted" else Outcome(
        "not continued", outcome.fault or output.strip().splitlines()[-1]
    )


def trial(sandbox: Sandbox, place: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Kill one job, or sometimes the whole workflow, in a copy of the demo."""
    with sandbox.copy(place) as copy:
        return (stop_workflow if rng.random() < 0.1 else kill_job)(sandbox, copy, rng)
