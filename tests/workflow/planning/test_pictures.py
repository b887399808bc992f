"""Pictures: images of active test sets, active methods in the order of the main file, the rows of an ablation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osediff.common.errors import InputError
from osediff.common.settings import parse
from tests.helpers import ROOT
from tests.workflow.planning.configurations import MAIN, PAPER, spoil
from workflow.planning import loader, pictures
from workflow.planning.settings import Picture

IMAGE = {"test_set": "demo-synthetic", "image": "chelsea-0"}


def test_a_picture_shows_the_active_methods_that_it_names_and_images_of_active_test_sets() -> None:
    bench = loader.load(PAPER | {"test_sets": ["drealsr"]}, ROOT)
    spec = pictures.picture_spec(bench, "figure3")
    assert {image.test_set for image in spec.images} == {"DrealSR"}
    titles = ["StableSR", "DiffBIR", "SeeSR", "PASD", "ResShift", "SinSR", "OSEDiff (official checkpoint)", "OSEDiff"]
    assert all([method.title for method in image.methods] == titles for image in spec.images)
    assert spec.images[0].hr == "data/testsets/drealsr/HR" and spec.images[0].metrics == ("psnr", "lpips")
    gan = pictures.titles(bench, "figure5").values()
    assert list(gan) == ["BSRGAN", "Real-ESRGAN", "LDL", "FeMaSR", "OSEDiff (official images)", "OSEDiff"]
    assert list(pictures.titles(bench, "drealsr")) == PAPER["methods"]


def test_without_a_training_the_official_checkpoint_stands_for_osediff() -> None:
    bench = loader.load(PAPER | {"methods": ["resshift", "osediff-official"]}, ROOT)
    for name in ("figure3", "figure7"):
        assert list(pictures.titles(bench, name)) == ["resshift", "osediff-official"]


def test_only_pictures_with_images_and_methods_are_drawn() -> None:
    bench = loader.load(MAIN | {"test_sets": ["demo-synthetic"]}, ROOT)
    assert pictures.active(bench) == ["demo-synthetic"]
    assert "drealsr" not in pictures.drawable(bench)
    remark = "Not among the active methods: BSRGAN, Real-ESRGAN, LDL, FeMaSR."
    assert pictures.picture_spec(bench, "figure5").remarks == (remark,)
    bench = loader.load(MAIN | {"methods": ["bicubic"]}, ROOT)
    assert "figure3" not in pictures.drawable(bench)


def test_an_ablations_picture_shows_its_rows_with_their_prompts() -> None:
    bench = loader.load(PAPER, ROOT)
    spec = pictures.picture_spec(bench, "figure4")
    (image,) = spec.images
    assert [method.title for method in image.methods] == ["Null", "OSEDiff"]
    assert [method.prompts for method in image.methods] == [None, "runs/paper/prompts/dape/512/drealsr.json"]
    assert spec.show_prompts and any(remark.startswith("LLaVA-v1.5: no row") for remark in spec.remarks)
    assert pictures.of_ablations(bench) == ["figure4"]


def test_without_hr_images_metrics_need_no_reference(root: Path) -> None:
    images = [{"test_set": "realset65", "image": "00003"}]
    spoil(root, "pictures", "mine", value={"title": "Mine", "images": images})
    main = PAPER | {"test_sets": ["realsr", "realset65"], "tables": ["table1", "no-reference"], "pictures": ["mine"]}
    (image,) = pictures.picture_spec(loader.load(main, root), "mine").images
    assert image.hr is None and image.metrics == ("niqe", "musiq")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("methods", ["bicubik"], "config/pictures.yaml: mine: unknown method 'bicubik', did you mean bicubic?"),
        ("ablation", "table44", "config/pictures.yaml: mine: unknown ablation 'table44', did you mean table4?"),
        ("images", [IMAGE | {"test_set": "drealsrr"}], "unknown test set 'drealsrr', did you mean drealsr?"),
    ],
)
def test_unknown_names_are_one_line(root: Path, key: str, value: Any, message: str) -> None:
    spoil(root, "pictures", "mine", value={"title": "Mine", "images": [IMAGE]} | {key: value})
    with pytest.raises(InputError) as error:
        loader.load(MAIN, root)
    assert message in str(error.value)


def test_a_picture_has_methods_or_an_ablation() -> None:
    with pytest.raises(InputError, match="needs methods or ablation, not both"):
        parse({"title": "T", "images": [IMAGE], "methods": ["a"], "ablation": "b"}, Picture, "config")


@pytest.mark.parametrize("name", ["../secret", ".hidden", "a/b"])
def test_the_image_of_a_picture_stays_in_its_folder(name: str) -> None:
    with pytest.raises(InputError, match=r"at images\.0\.image"):
        parse({"title": "T", "images": [IMAGE | {"image": name}]}, Picture, "config")
