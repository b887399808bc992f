"""bench.py sets up once, again after a change or a kill, and becomes snakemake or pytest. Nothing is installed here."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Stands for the interpreter that makes the environment: it notes each call, and makes a Python that notes its own.
PYTHON = """#!/bin/sh
echo "$0 $*" >> "$CALLS"
case "$*" in
  *"-m venv"*) rm -rf .venv && mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *"pip install"*) exit ${PIP_EXIT:-0} ;;
esac
"""


class Bench:
    """bench.py in a folder of its own, started by a Python that is too new, beside a python3.11 that only notes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        (folder / "bin").mkdir()
        (folder / "bin" / "python3.11").write_text(PYTHON)
        (folder / "bin" / "python3.11").chmod(0o755)
        (folder / "requirements.txt").write_text("torch==2.15.0\n")
        text = (ROOT / "bench.py").read_text()
        assert "VERSION = (3, 11)" in text
        (folder / "bench.py").write_text(text.replace("VERSION = (3, 11)", "VERSION = (2, 7)"))

    def run(self, *arguments: str, path: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        self.calls.write_text("")
        search = path if path is not None else f"{self.folder / 'bin'}:/usr/bin:/bin"
        return subprocess.run(
            [sys.executable, str(self.folder / "bench.py"), *arguments],
            cwd=self.folder,
            env={"PATH": search, "CALLS": str(self.calls), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def said(self) -> list[str]:
        """What the stand-in was called with, in order."""
        return [line.split(" ", 1)[1] for line in self.calls.read_text().splitlines()]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_first_call_sets_up_and_the_next_only_runs(bench: Bench) -> None:
    ended = bench.run("results/table1.csv", "-n")
    assert ended.returncode == 0, ended.stderr
    assert "GB to download" in ended.stdout and "minutes" in ended.stdout
    calls = bench.said()
    assert any("-m venv --clear" in call for call in calls)
    assert any("pip install" in call and "--require-hashes --no-deps -r" in call for call in calls)
    assert calls[-1] == "-m snakemake --cores all results/table1.csv -n"
    assert bench.run().returncode == 0
    assert bench.said() == ["-m snakemake --cores all"]


def test_test_runs_pytest(bench: Bench) -> None:
    bench.run("test", "-x", "tests/benchmark")
    assert bench.said()[-1] == "-m pytest -x tests/benchmark"


def test_changed_requirements_set_up_again(bench: Bench) -> None:
    bench.run()
    (bench.folder / "requirements.txt").write_text("torch==2.16.0\n")
    bench.run()
    assert any("pip install" in call for call in bench.said())


def test_a_failed_or_killed_set_up_is_begun_again(bench: Bench) -> None:
    ended = bench.run(PIP_EXIT="9")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1 and "tries again" in ended.stderr
    assert not any("snakemake" in call for call in bench.said())
    assert bench.run().returncode == 0
    assert any("-m venv --clear" in call for call in bench.said())


def test_without_python_3_11_there_is_one_clear_line(bench: Bench, tmp_path: Path) -> None:
    ended = bench.run(path=str(tmp_path / "empty"))
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: this is Python ") and ended.stderr.count("\n") == 1


def test_packages_from_elsewhere_stay_out(bench: Bench) -> None:
    script = PYTHON.replace('echo "$0 $*"', 'echo "$0 $*${PYTHONPATH:+ with PYTHONPATH}"')
    (bench.folder / "bin" / "python3.11").write_text(script)
    bench.run(PYTHONPATH="/elsewhere")
    assert bench.said()[-1] == "-m snakemake --cores all"
