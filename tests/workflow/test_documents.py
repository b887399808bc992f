"""The documents: every command runs as it is written, after the changes that its page shows; every link has a file.

Commands of Snakemake are dry runs here, in a copy of the repository. `.ci/run` carries out the README's first command.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from tests.documents import blocks
from tests.helpers import ROOT
from tests.workflow.repository_copy import Workflow, copy_repository, read, write
from workflow.planning import command_line

PAGES = ["README.md", "CONTRIBUTING.md", *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md"))]
TESTED_ELSEWHERE = (
    "osediff.common.artifacts fetch",  # needs the network; tests/osediff/common/artifacts have a server on this machine
    "benchmark.report export",  # needs a run; tests/benchmark/report/test_export.py
    "benchmark.complexity.gpu_report",  # needs a GPU; tests/benchmark/complexity/test_gpu_report.py
)
CHANGE = re.compile(r"^# (config/\S+?\.yaml)(?:, under (\w+):)?$", re.MULTILINE)


def commands(page: str) -> list[str]:
    """Command lines of a page: its blocks without a language, and `python3 bench.py ...` in its tables."""
    lines = [line for block in blocks(page, "") for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    tables = [line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return lines + [
        command for line in tables for command in re.findall(r"`((?:python3 bench\.py|snakemake)[^`]*)`", line)
    ]


def merge(content: dict[str, Any], change: dict[str, Any]) -> None:
    """Add the entries of ``change`` to ``content``, at any depth."""
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(content.get(key), dict):
            merge(content[key], value)
        else:
            content[key] = value


def apply_changes(page: str, folder: Path) -> None:
    """Write what a page shows for configuration files into a copy of the repository."""
    for block in blocks(page, "yaml"):
        _, *sections = CHANGE.split(block)
        for name, under, text in zip(sections[::3], sections[1::3], sections[2::3], strict=True):
            content = read(folder / name)
            entries = yaml.safe_load(textwrap.dedent(text).replace("/path/to", str(folder / "given")))
            merge(content[under] if under else content, entries)
            write(folder / name, content)


def follow(page: str, folder: Path) -> None:
    """Make a copy of the repository with the changes that a page shows."""
    copy_repository(folder)
    for name in ("demo-synthetic", "demo-camera-soft", "demo-camera-noisy"):
        (folder / "given" / "my" / "results" / name).mkdir(parents=True)
    for name in ("pairs/LR", "pairs/HR", "images/drealsr", "submissions"):
        (folder / "given" / name).mkdir(parents=True)
    apply_changes(page, folder)
    if page == "docs/add-a-baseline.md":
        (folder / "baselines" / "sharpened").mkdir()
        (descriptor,) = [block for block in blocks(page, "yaml") if block.startswith("title:")]
        (adapter,) = blocks(page, "python")
        (folder / "baselines" / "sharpened" / "descriptor.yaml").write_text(descriptor)
        (folder / "baselines" / "sharpened" / "adapter.py").write_text(adapter)


def split_targets(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the targets of a Snakemake command line, and its options without those that change no plan."""
    words = [word for word in arguments if word not in ("-n", "--cores", "all", "1")]
    first = next((number for number, word in enumerate(words) if word.startswith("-")), len(words))
    return words[:first], words[first:]


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_a_page_runs(name: str, python: Path, tmp_path: Path) -> None:
    """Commands of Snakemake that differ in their targets alone are one dry run."""
    workflow = Workflow(tmp_path / "repository", python)
    follow(name, workflow.folder)
    targets: dict[tuple[str, ...], set[str]] = {}
    for command in commands(name):
        words = shlex.split(command.replace("/path/to", str(workflow.folder / "given")), comments=True)
        program, *arguments = words
        if words[:2] == ["python3", "bench.py"]:
            if arguments[1:2] in (["test"], ["doctor"], ["--help"]):
                continue  # tests/test_bench.py, tests/workflow/doctor
            program, arguments = "snakemake", arguments[1:]
        if arguments == ["--lint"] or "--report" in arguments:
            continue  # .ci/run; tests/workflow/test_dag.py
        if any(command.startswith(f"python -m {elsewhere}") for elsewhere in TESTED_ELSEWHERE):
            continue
        if program == "snakemake":
            command_line.check_files(command_line.words_after(command_line.FILES, arguments))
            assert words[0] == "python3" or "--cores" in arguments, f"{name}: {command}: no --cores"
            wanted, options = split_targets(arguments)
            targets.setdefault(tuple(options) if wanted else ("", *options), set()).update(wanted)
            continue
        if program == "osediff":
            continue  # tests/osediff/test_tool.py
        assert program in ("python", "ruff", "snakefmt", "mypy", "pre-commit"), f"{name}: who runs {command!r}?"
        if program == "python":  # .ci/run carries the others out
            run = subprocess.run(
                [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
            )
            assert run.returncode == 0, f"{name}: {command}\n{run.stdout}{run.stderr}"
    for key, wanted_together in targets.items():
        arguments = [*sorted(wanted_together), *(word for word in key if word)]
        code, output = workflow.dry_run(*arguments)
        assert code == 0, f"{name}: {arguments}\n{output}"


def test_the_ablation_of_the_page_is_five_lines_and_shares_the_trainings_of_the_default(
    python: Path, tmp_path: Path
) -> None:
    page = "docs/add-a-variant.md"
    (block,) = [block for block in blocks(page, "yaml") if "config/ablations.yaml" in block]
    assert sum(not line.startswith("#") for line in block.splitlines()) <= 5
    copy_repository(tmp_path / "copy")
    apply_changes(page, tmp_path / "copy")
    jobs = Workflow(tmp_path / "copy", python).planned("results/guidance.csv", "results/curves_guidance.png")
    assert {name: jobs[name] for name in ("train", "restore", "evaluate", "ablation", "curves")} == {
        "train": 9,  # two new variants and the default, three seeds each
        "restore": 9,
        "evaluate": 9,
        "ablation": 1,
        "curves": 1,
    }


def test_the_rule_of_the_page_runs(python: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    copy_repository(folder)
    (rule,) = [block for block in blocks("docs/add-a-variant.md", "python") if block.startswith("# workflow/rules/")]
    name = rule.splitlines()[0].removeprefix("# ")
    (folder / name).write_text(rule)
    line = 'include: "workflow/rules/figures.smk"'
    workflow = Workflow(folder, python)
    with workflow.edited("Snakefile", line, f'{line}\ninclude: "{name}"'):
        jobs = workflow.planned("results/table7_picture.png")
    assert (jobs["table7_picture"], jobs["evaluate"]) == (1, 12)


def test_the_python_of_the_readme_restores_a_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (snippet,) = blocks("README.md", "python")
    for name in ("checkpoints", "backbones"):
        (tmp_path / name).symlink_to(ROOT / name)
    Image.new("RGB", (24, 16), (90, 120, 60)).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(snippet, names)
    assert names["sr"].size == (96, 64)


@pytest.mark.parametrize("name", [*PAGES, "CHANGELOG.md", "SECURITY.md", "config/README.md", "results/README.md"])
def test_links_lead_to_files_of_the_repository(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert ((ROOT / name).parent / target).exists(), f"{name}: no file {target}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
