"""A copy of the repository, and one with a finished run of a very small demo, for what depends on Snakemake's state."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from osediff.models import backbone as backbones
from tests.helpers import build_once, shared_folder
from tests.osediff.tiny import TINY
from tests.warm.python import warm_python
from tests.workflow.repository_copy import Workflow, copy_repository, read, write


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


def configure(folder: Path) -> None:
    """Make the demo very small: a tiny backbone, two training steps, one test set, two images."""
    torch.manual_seed(0)
    backbones.save(backbones.build(TINY, backbones.word_tokenizer(["blurring"])), folder / "backbones" / "demo")
    config = folder / "config"

    variants = read(config / "variants.yaml")
    variants["bases"]["demo"] |= {"steps": 2, "batch": 1, "crop": 64, "checkpoint_every": 1}
    write(config / "variants.yaml", variants)

    test_sets = read(config / "testsets.yaml")
    cut = test_sets["demo-synthetic"]["cut"]
    cut["crops"] = cut["crops"][:2]
    test_sets["given"] = {"title": "Given", "kind": "folder", "scale_factor": 4}
    write(config / "testsets.yaml", test_sets)

    methods = read(config / "methods.yaml")
    methods["mine"] = {"title": "Mine", "steps": 1, "kind": "images", "images": "my results/{test_set}"}
    write(config / "methods.yaml", methods)

    main = read(config / "config.yaml")
    main |= {"test_sets": ["demo-synthetic"], "metrics": ["psnr", "ssim", "lpips"], "metric_weights": "none"}
    main["pictures"] = {"demo-synthetic": f"{Path(cut['crops'][0]['photo']).stem}-0"}
    write(config / "config.yaml", main)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Workflow:
    """A finished run of everything in the very small demo; it ran once for all test processes, this is a copy."""

    def run(folder: Path) -> None:
        copy_repository(folder)
        configure(folder)
        code, output = Workflow(folder, python).run()
        assert code == 0, output

    folder = tmp_path_factory.mktemp("finished") / "repository"
    shutil.copytree(build_once(tmp_path_factory, "finished_run", run), folder)
    return Workflow(folder, python)
