"""The recipes of the image: pinned, without root, one list of steps, and the same labels in both."""

from __future__ import annotations

import re
import subprocess
import tomllib

from tests.helpers import ROOT

DOCKERFILE = (ROOT / "container" / "Dockerfile").read_text(encoding="utf-8")
APPTAINER = (ROOT / "container" / "Apptainer.def").read_text(encoding="utf-8")
BASE = re.compile(r"(?:ARG BASE=|From: )(\S+@sha256:[0-9a-f]{64})$", re.MULTILINE)


def test_both_start_from_one_image_that_is_pinned_by_its_digest() -> None:
    assert BASE.findall(DOCKERFILE) == BASE.findall(APPTAINER) != []
    assert re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE) == ["${BASE}"]


def test_both_run_one_list_of_steps() -> None:
    step = "sh /usr/share/benchmark/install.sh /usr/share/benchmark/requirements.txt"
    assert re.findall(r"^RUN (.*)$", DOCKERFILE, re.MULTILINE) == [step]
    (post,) = re.findall(r"^%post\n(.*?)\n\n", APPTAINER, re.MULTILINE | re.DOTALL)
    assert post.strip() == step
    steps = ROOT / "container" / "install.sh"
    assert subprocess.run(["sh", "-n", steps], check=False).returncode == 0
    assert "--require-hashes" in steps.read_text(encoding="utf-8")


def test_the_image_runs_without_root() -> None:
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["1000:1000"]


def test_the_labels_are_those_of_the_project() -> None:
    docker = dict(re.findall(r'(org\.opencontainers\.image\.\S+?)="(.*?)"', DOCKERFILE))
    apptainer = dict(re.findall(r"^    (org\.opencontainers\.image\.\S+) (.*)$", APPTAINER, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert docker == apptainer
    assert docker["org.opencontainers.image.version"] == project["version"]
    assert docker["org.opencontainers.image.licenses"] == project["license"]


def test_a_builder_reads_no_more_than_what_is_copied() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    (copied,) = re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE)
    assert [line for line in ignored if not line.startswith("#")] == ["*", *(f"!{name}" for name in copied.split())]
    assert all((ROOT / name).is_file() for name in copied.split())
