"""A copy of the repository with a finished run of a very small demo, for what depends on Snakemake's own state."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from osediff.models import backbone as backbones
from tests.osediff.conftest import TINY

ROOT = Path(__file__).parents[2]
PACKAGES = ("benchmark", "osediff", "baselines")
COPIED = ("Snakefile", "environment.yml", "config", "workflow", "profiles", *PACKAGES)


class Workflow:
    """Runs Snakemake in a copy of the repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The rules call `python`, which must be the one that runs the tests.
        self.environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Snakemake in a process group of its own, as a terminal starts it; stdout and stderr in one pipe."""
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", *options],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *options: str) -> tuple[int, str]:
        """Exit code and output of one call of Snakemake."""
        with self.start(*options) as process:
            output, _ = process.communicate(timeout=300)
        return process.returncode, output

    def planned(self, *options: str) -> dict[str, int]:
        """Jobs, by rule, that a dry run lists; empty when there is nothing to be done."""
        code, output = self.run("-n", *options)
        assert code == 0, output
        if "Nothing to be done" in output:
            return {}
        table = output.split("Job stats:", 1)[1].split("total", 1)[0]
        jobs = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)\s*$", table, re.MULTILINE)}
        return {name: count for name, count in jobs.items() if name != "all"}

    @contextmanager
    def edited(self, name: str, text: str, replacement: str) -> Iterator[None]:
        """A file with ``text`` replaced, for the block."""
        path = self.folder / name
        before = path.read_text()
        assert text in before, f"{name} has no {text!r}"
        path.write_text(before.replace(text, replacement))
        try:
            yield
        finally:
            path.write_text(before)


def change(path: Path) -> Any:
    """Content of a YAML file, to be written back with ``write``."""
    return yaml.safe_load(path.read_text())


def write(path: Path, content: Any) -> None:
    """Writes a YAML file, keys in their order."""
    path.write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The repository's code and configuration as they are, in a folder where nothing has run."""
    folder = tmp_path_factory.mktemp("fresh")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return Workflow(folder)


@pytest.fixture(scope="session")
def finished(fresh: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A finished run of everything, with a tiny backbone, two training steps, one test set and two images."""
    folder = tmp_path_factory.mktemp("finished") / "repository"
    shutil.copytree(fresh.folder, folder)
    torch.manual_seed(0)
    backbones.save(backbones.build(TINY, backbones.word_tokenizer(["blurring"])), folder / "backbones" / "demo")
    config = folder / "config"

    variants = change(config / "variants.yaml")
    variants["bases"]["demo"] |= {"steps": 2, "batch": 1, "crop": 64, "checkpoint_every": 1}
    write(config / "variants.yaml", variants)

    test_sets = change(config / "testsets.yaml")
    cut = test_sets["demo-synthetic"]["cut"]
    cut["crops"] = cut["crops"][:2]
    test_sets["given"] = {"title": "Given", "kind": "folder", "scale_factor": 4}
    write(config / "testsets.yaml", test_sets)

    methods = change(config / "methods.yaml")
    methods["mine"] = {"title": "Mine", "steps": 1, "kind": "images", "images": "my results/{test_set}"}
    write(config / "methods.yaml", methods)

    main = change(config / "config.yaml")
    main |= {"test_sets": ["demo-synthetic"], "metrics": ["psnr", "ssim", "lpips"]}
    main["pictures"] = {"demo-synthetic": f"{Path(cut['crops'][0]['photo']).stem}-0"}
    write(config / "config.yaml", main)

    workflow = Workflow(folder)
    code, output = workflow.run()
    assert code == 0, output
    return workflow
