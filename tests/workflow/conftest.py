"""A copy of the repository, and one with a finished run of a very small demo, for what depends on Snakemake's state."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import ROOT, build_once, shared_folder
from tests.warm.python import warm_python
from tests.workflow.repository_copy import TRAINED, Workflow, copy_repository, read, write


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A ``python`` that has imported Snakemake, torch and the like once for all test processes."""
    with warm_python(shared_folder(tmp_path_factory) / "warm") as program:
        yield program


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Workflow:
    """The repository's code and configuration as they are, in a folder where nothing has run."""
    folder = tmp_path_factory.mktemp("fresh")
    copy_repository(folder)
    return Workflow(folder, python)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Workflow:
    """A finished run of everything in the very small demo; it ran once for all test processes, this is a copy."""

    from tests.workflow.small_demo import configure  # imports torch, which other tests of the workflow do without

    def run(folder: Path) -> None:
        copy_repository(folder)
        configure(folder)
        code, output = Workflow(folder, python).run()
        assert code == 0, output

    folder = tmp_path_factory.mktemp("finished") / "repository"
    shutil.copytree(build_once(tmp_path_factory, "finished_run", run), folder)
    return Workflow(folder, python)


@pytest.fixture
def untrained(finished: Workflow, tmp_path: Path) -> Iterator[Workflow]:
    """The finished run without its checkpoint; it and what Snakemake knows of it come back afterwards."""
    copies = {folder: tmp_path / folder for folder in (TRAINED, ".snakemake")}
    for folder, aside in copies.items():
        shutil.copytree(finished.folder / folder, aside)
    shutil.rmtree(finished.folder / TRAINED)
    yield finished
    for folder, aside in copies.items():
        shutil.rmtree(finished.folder / folder, ignore_errors=True)
        shutil.copytree(aside, finished.folder / folder)


@pytest.fixture(scope="module")
def with_baselines(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The repository with the document's eleventh baseline and the fake, which crashes at an image; two LR images."""
    folder = tmp_path_factory.mktemp("baselines") / "repository"
    copy_repository(folder)
    shutil.copytree(ROOT / "tests" / "baselines" / "fake", folder / "baselines" / "fake")
    page = (ROOT / "docs" / "add-a-baseline.md").read_text(encoding="utf-8")
    for name, pattern in (("descriptor.yaml", r"```yaml\n(title:.*?)```"), ("adapter.py", r"```python\n(.*?)```")):
        (block,) = re.findall(pattern, page, re.DOTALL)
        path = folder / "baselines" / "sharpened" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(block, encoding="utf-8")
    (folder / "given" / "weights").mkdir(parents=True)
    (folder / "given" / "weights" / "fake.txt").write_text("weights")
    (folder / "given" / "does").write_text("crash coffee-0")

    test_sets = read(folder / "config" / "testsets.yaml")
    test_sets["demo-synthetic"]["cut"]["crops"] = test_sets["demo-synthetic"]["cut"]["crops"][:2]
    write(folder / "config" / "testsets.yaml", test_sets)
    main = read(folder / "config" / "config.yaml")
    main |= {"test_sets": ["demo-synthetic"], "metrics": ["psnr", "ssim"], "methods": ["bicubic", "fake", "sharpened"]}
    main["pictures"] = ["demo-synthetic"]
    main["baselines"]["sources"] = "given"
    write(folder / "config" / "config.yaml", main)
    return Workflow(folder, python)
