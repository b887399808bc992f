"""Jobs run in the configured image. A program that only runs the command stands in for Apptainer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.workflow.repository_copy import Workflow, copy_repository

APPTAINER = """\
#!/bin/bash
if [ "$1" = --version ]; then echo 'apptainer version 1.4.0'; exit; fi
printf '%s\\n' "${@:1:$#-1}" >> calls
exec bash -c "${@: -1}"
"""
TARGET = "results/protocol.md"


def with_apptainer(python: Path, folder: Path) -> Workflow:
    """Copy the repository, add an image that is only a file, and put a program apptainer on PATH."""
    copy_repository(folder / "copy")
    workflow = Workflow(folder / "copy", python)
    (workflow.folder / "environment.sif").touch()
    program = folder / "programs" / "apptainer"
    program.parent.mkdir()
    program.write_text(APPTAINER)
    program.chmod(0o755)
    workflow.environment["PATH"] = f"{program.parent}{os.pathsep}{workflow.environment['PATH']}"
    return workflow


def test_a_job_runs_in_the_image_if_apptainer_is_asked_for(python: Path, tmp_path: Path) -> None:
    copy = with_apptainer(python, tmp_path)
    calls, configured = copy.folder / "calls", ("--config", "container=environment.sif")
    code, output = copy.run(TARGET, *configured)
    assert code == 0 and not calls.exists(), output
    code, output = copy.run("--force", TARGET, "--sdm", "apptainer", "--apptainer-args=--nv", *configured)
    assert code == 0, output
    words = calls.read_text().split("\n")
    assert words[:3] == ["exec", "--home", str(copy.folder)]
    assert "--nv" in words and words[-4:] == ["environment.sif", "bash", "-c", ""]
    assert "PSNR" in (copy.folder / TARGET).read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--sdm apptainer: no image is configured; set `container` of the main file"),
        (("--config", "container=absent.sif"), "configuration: container: no file absent.sif; build it"),
    ],
)
def test_an_image_that_is_not_there_is_one_line(
    options: tuple[str, ...], message: str, python: Path, tmp_path: Path
) -> None:
    code, output = with_apptainer(python, tmp_path).run(TARGET, "--sdm", "apptainer", *options)
    assert code != 0
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert message in line
