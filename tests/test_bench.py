"""bench.py sets up once, again after a change or a kill, and becomes snakemake or pytest. Nothing is installed here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import ROOT

# Stands for the interpreter that makes the environment: it notes each call, and makes a Python that notes its own.
PYTHON = """#!/bin/sh
echo "$0 $*" >> "$CALLS"
case "$*" in
  *"-m venv"*) rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *command_line*) exit ${CHECK_EXIT:-0} ;;
  *"import ensurepip"*) [ -z "$WAIT_TO_ANSWER" ] || exec cat "$WAIT_TO_ANSWER"; exit ${ENSUREPIP_EXIT:-0} ;;
  *"import pip; print"*) echo /debian/pip ;;
  *"import pip"*) exit ${ENSUREPIP_EXIT:-0} ;;
  *"uv pip install"*) [ -z "$WAIT" ] || cat "$WAIT"; exit ${UV_EXIT:-0} ;;
  *"pip install"*uv.txt) cat .venv/uv.txt >> "$CALLS"; exit ${PIP_EXIT:-0} ;;
  *"pip install"*) exit ${PIP_EXIT:-0} ;;
esac
"""
CHECK = "workflow.planning.command_line"
REQUIREMENTS = "torch==2.15.0 \\\n    --hash=sha256:aa\nuv==0.1 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"


class Bench:
    """bench.py in a folder of its own, started by a Python that is too new, beside a python3.11 that only notes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "calls"
        (folder / "bin").mkdir()
        (folder / "bin" / "python3.11").write_text(PYTHON)
        (folder / "bin" / "python3.11").chmod(0o755)
        (folder / "requirements.txt").write_text(REQUIREMENTS)
        text = (ROOT / "bench.py").read_text()
        assert "VERSION = (3, 11)" in text
        (folder / "bench.py").write_text(text.replace("VERSION = (3, 11)", "VERSION = (2, 7)"))

    def start(self, *arguments: str, path: str | None = None, **environment: str) -> subprocess.Popen[str]:
        """Start bench.py with nothing but these variables in its environment."""
        search = path if path is not None else f"{self.folder / 'bin'}:/usr/bin:/bin"
        return subprocess.Popen(
            [sys.executable, str(self.folder / "bench.py"), *arguments],
            cwd=self.folder,
            env={"PATH": search, "CALLS": str(self.log), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, path: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run bench.py to its end."""
        self.log.write_text("")
        with self.start(*arguments, path=path, **environment) as process:
            stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess([], process.returncode, stdout, stderr)

    def calls(self) -> list[str]:
        """What the stand-in was called with, in order."""
        return [line.split(" ", 1)[1] for line in self.log.read_text().splitlines() if " -" in line]


def make_gate(folder: Path) -> Path:
    """Make a pipe at which the installer waits until somebody opens it for writing."""
    path = folder / "gate"
    os.mkfifo(path)
    return path


def test_the_first_call_sets_up_and_the_next_only_runs(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    process = bench.run("results/table1.csv", "-n")
    assert process.returncode == 0, process.stderr
    assert "GB to download" in process.stdout and "minutes" in process.stdout
    calls = bench.calls()
    assert any("-m venv --clear" in call for call in calls)
    assert any("-m uv pip install --python" in call and "--require-hashes --no-deps -r" in call for call in calls)
    assert calls[-1] == "-m snakemake --cores all results/table1.csv -n"
    assert bench.run().returncode == 0
    assert bench.calls() == ["-m snakemake --cores all"]


def test_pip_installs_uv_with_its_hashes_and_nothing_else(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run()
    (by_pip,) = [call for call in bench.calls() if "-m pip install" in call]
    assert "--require-hashes --no-deps -r" in by_pip and by_pip.endswith("uv.txt")
    log = bench.log.read_text()
    assert "uv==0.1 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n" in log and "torch" not in log


def test_pip_installs_everything_where_uv_cannot(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    process = bench.run(UV_EXIT="1")
    assert process.returncode == 0, process.stderr
    assert "by pip instead of uv" in process.stdout
    assert any("-m pip install" in call and call.endswith("requirements.txt") for call in bench.calls())
    assert bench.run().returncode == 0
    assert bench.calls() == ["-m snakemake --cores all"]


@pytest.mark.parametrize(
    ("limit", "shorter", "gate", "message"),
    [
        ("INSTALL_SECONDS = 4 * 3600", "INSTALL_SECONDS = 2", "WAIT", "did not end within 2 s"),
        ("ASK_SECONDS = 600", "ASK_SECONDS = 1", "WAIT_TO_ANSWER", "did not answer within 1 s"),
    ],
)
def test_an_installer_and_an_interpreter_that_hang_are_ended(
    tmp_path: Path, limit: str, shorter: str, gate: str, message: str
) -> None:
    bench = Bench(tmp_path)
    text = (tmp_path / "bench.py").read_text()
    assert limit in text
    (tmp_path / "bench.py").write_text(text.replace(limit, shorter))
    process = bench.run(**{gate: str(make_gate(tmp_path))})
    assert process.returncode == 2
    assert f"{message}; the same command tries again" in process.stderr


def test_without_ensurepip_the_pip_outside_installs(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    process = bench.run(ENSUREPIP_EXIT="1")
    assert process.returncode == 0, process.stderr
    calls = bench.calls()
    assert any("-m venv --clear --without-pip" in call for call in calls)
    assert any(call.startswith("-m uv pip install") for call in calls)
    assert "/debian/pip install --disable-pip-version-check" in bench.log.read_text()


def test_test_runs_pytest_on_all_cores(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run("test", "-x", "tests/benchmark")
    cores = len(os.sched_getaffinity(0))
    assert bench.calls()[-1] == f"-m pytest -n {cores} -x tests/benchmark"


def test_doctor_runs_the_doctor(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run("doctor", "--preset", "paper")
    assert bench.calls()[-1] == "-m workflow.doctor --preset paper"


def test_a_wrong_command_line_never_reaches_snakemake(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    arguments = ["--configfile", "config/paper.yaml", "results/table1.csv"]
    assert bench.run(*arguments).returncode == 0
    assert bench.calls()[-2:] == [f"-m {module} {' '.join(arguments)}" for module in (CHECK, "snakemake --cores all")]
    assert bench.run(*arguments, CHECK_EXIT="2").returncode == 2
    assert bench.calls() == [f"-m {CHECK} {' '.join(arguments)}"]


def test_changed_requirements_set_up_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run()
    (bench.folder / "requirements.txt").write_text(REQUIREMENTS.replace("2.15.0", "2.16.0"))
    bench.run()
    assert any("uv pip install" in call for call in bench.calls())


def test_a_failed_set_up_is_begun_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    process = bench.run(PIP_EXIT="9")
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1 and "tries again" in process.stderr
    assert not any("snakemake" in call for call in bench.calls())
    assert bench.run().returncode == 0
    assert any("-m venv --clear" in call for call in bench.calls())


def wait_for_installer(bench: Bench) -> None:
    """Return when the installer has started."""
    while not bench.log.exists() or "uv pip install" not in bench.log.read_text():
        time.sleep(0.01)


def test_killed_it_leaves_no_installer_beside_a_free_lock(tmp_path: Path) -> None:
    bench, gate = Bench(tmp_path), make_gate(tmp_path)
    with bench.start(WAIT=str(gate)) as first:
        wait_for_installer(bench)
        first.kill()
    bench.log.unlink()
    with bench.start() as second:
        assert second.stdout is not None
        assert second.stdout.readline().startswith("Another process is setting up .venv")
        assert not bench.log.exists()
        gate.write_text("")  # the first installer ends
        stdout, stderr = second.communicate(timeout=60)
    assert second.returncode == 0, stderr
    assert "The environment is ready" in stdout
    assert any("-m venv --clear" in call for call in bench.calls())  # and nothing of its work is trusted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_ends_the_installer(tmp_path: Path, number: signal.Signals) -> None:
    bench, gate = Bench(tmp_path), make_gate(tmp_path)
    with bench.start(WAIT=str(gate)) as process:
        wait_for_installer(bench)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)  # the pipes close when the installer has ended as well
    assert process.returncode == 128 + number
    assert stderr.startswith("error: stopped; ") and stderr.count("\n") == 1


def test_without_python_3_11_there_is_one_clear_line(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    process = bench.run(path=str(tmp_path / "empty"))
    assert process.returncode == 2
    assert process.stderr.startswith("error: this is Python ") and process.stderr.count("\n") == 1


def test_packages_from_elsewhere_stay_out(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    script = PYTHON.replace('echo "$0 $*"', 'echo "$0 $*${PYTHONPATH:+ with PYTHONPATH}"')
    (bench.folder / "bin" / "python3.11").write_text(script)
    bench.run(PYTHONPATH="/elsewhere")
    assert bench.calls()[-1] == "-m snakemake --cores all"
