"""The configuration is checked in full, and every mistake is one line that names it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmark.data.submission import MANIFEST, Submission
from osediff.common import settings
from osediff.common.errors import InputError
from osediff.common.validation import check_writable
from tests.helpers import ROOT
from tests.workflow.planning.configurations import MAIN, spoil
from workflow.planning import loader, paths, pictures, specs
from workflow.planning.settings import BaselineMethod


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("methods", ["bicubik"], "unknown method 'bicubik', did you mean bicubic?"),
        ("test_sets", ["demo-syntetic"], "unknown test set 'demo-syntetic', did you mean demo-synthetic?"),
        ("metrics", ["psnr", "lpip"], "unknown metric 'lpip', did you mean lpips?"),
        ("tables", ["table99"], "unknown table 'table99'"),
        ("recipe_base", "laptop", "unknown base 'laptop', known: demo, demo-long, demo-short, demo-x2, paper"),
        ("pictures", ["drealsrr"], "unknown picture 'drealsrr', did you mean drealsr?"),
        (
            "paths",
            {"drealsrr": "/x"},
            "unknown test set, photo set, backbone, method or extractor's weights 'drealsrr', did",
        ),
        ("metrcs", [], "unknown key 'metrcs', did you mean metrics?"),
        ("seed", -1, "configuration: at seed: must be at least 0, not -1"),
        ("test_sets", [], "at test_sets"),
        ("test_sets", ["demo-x2"], "methods: osediff has a scale factor of 4, and test set demo-x2 one of 2"),
        ("recipe_base", "demo-x2", "methods: osediff has a scale factor of 2, and test set demo-synthetic one of 4"),
        ("ablation_base", "demo-x2", "table3: test set demo-ablation has another scale factor than base demo-x2"),
    ],
)
def test_mistakes_in_the_main_file(key: str, value: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        loader.load(MAIN | {key: value}, ROOT)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "keys", "value", "message"),
    [
        ("variants", ("variants", "osediff"), {"rank_unit": 2}, "unknown key 'rank_unit', did you mean rank_unet?"),
        (
            "variants",
            ("variants", "osediff"),
            {"rank_unet": 0},
            "config/variants.yaml: osediff: at rank_unet: must be at least 1, not 0",
        ),
        ("variants", ("variants", "osediff"), {"backbone": "sd3"}, "unknown backbone 'sd3'"),
        (
            "variants",
            ("variants", "osediff"),
            {"backbone": "sd2.1-random"},
            "random weights, which never enter a table",
        ),
        ("variants", ("variants", "osediff"), {"photos": "div2k"}, "unknown photo set 'div2k'"),
        (
            "variants",
            ("variants", "osediff"),
            {"lora_targets": {"vae_encoder": False, "unet": False}},
            "trains nothing",
        ),
        (
            "variants",
            ("variants", "osediff"),
            {"loss": {"regularizer": {"kind": "vds"}}},
            "at loss.regularizer.kind: must not be 'vds', did",
        ),
        ("backbones", ("demo-retrained", "recipe", "stages", 0, "steps"), 0, "at demo-retrained.recipe.stages.0.steps"),
        ("backbones", ("demo-retrained", "folder"), "backbones/demo", "trains it into runs/demo/backbones"),
        ("methods", ("osediff", "variant"), "osedif", "config/methods.yaml: osediff: unknown variant 'osedif'"),
        (
            "methods",
            ("bicubic", "kind"),
            "magic",
            "config/methods.yaml: at bicubic.kind: must not be 'magic', known: checkpoint, images",
        ),
        ("variants", ("bases", "demo", "scale_factor"), 3, "osediff: crop: must be a multiple of the scale factor, 3"),
        ("testsets", ("demo-synthetic", "scale_factor"), 5, "cut.size: must be a multiple of the scale factor, 5"),
        ("testsets", ("demo-synthetic", "scale_factor"), 17, "must be at most 16, not 17"),
        ("testsets", ("demo-synthetic", "degradation"), "none", "unknown degradation 'none'"),
        ("tables", ("table8", "published"), "table88", "table8: published: unknown published table 'table88', did you"),
        ("testsets", ("drealsr", "knd"), "folder", "unknown key 'knd', did you mean kind?"),
    ],
)
def test_mistakes_in_a_registry(root: Path, name: str, keys: tuple[str | int, ...], value: Any, message: str) -> None:
    spoil(root, name, *keys, value=value)
    with pytest.raises(InputError) as caught:
        loader.load(MAIN, root)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_stands_twice(root: Path) -> None:
    with (root / "config" / "methods.yaml").open("a") as file:
        file.write("bicubic: {title: Bicubic, steps: 0, kind: interpolation, kernel: nearest}\n")
    with pytest.raises(InputError, match="bicubic stands twice"):
        loader.load(MAIN, root)


def test_titles_do_not_belong_to_the_measurement(root: Path) -> None:
    before = specs.evaluation_spec(loader.load(MAIN, root))
    spoil(root, "metrics", "metrics", "psnr", "title", value="Peak SNR")
    assert specs.evaluation_spec(loader.load(MAIN, root)) == before
    spoil(root, "metrics", "metrics", "psnr", "options", "crop_border", value=4)
    assert specs.evaluation_spec(loader.load(MAIN, root)) != before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    check_writable([tmp_path / "runs"])
    tmp_path.chmod(0o555)
    with pytest.raises(InputError, match="cannot be written"):
        check_writable([tmp_path / "runs"])


def test_every_baseline_is_a_method_and_its_name_is_taken() -> None:
    loaded = loader.load(MAIN | {"methods": ["femasr"]}, ROOT)
    assert loaded.methods["femasr"] == BaselineMethod(kind="baseline", title="FeMaSR", published="FeMASR", steps=1)
    given = MAIN["baselines"] | {"weights": {"femasr": "other"}}
    loaded = loader.load(MAIN | {"baselines": given}, ROOT)
    assert loaded.methods["femasr"] == BaselineMethod(
        kind="baseline", title="FeMaSR (other weights)", published="FeMASR", steps=1, weights="other"
    )
    with pytest.raises(InputError, match="unknown baseline 'femasrr', did you mean femasr"):
        loader.load(MAIN | {"baselines": MAIN["baselines"] | {"python": {"femasrr": "python"}}}, ROOT)


def test_a_method_cannot_have_a_baselines_name(root: Path) -> None:
    spoil(root, "methods", "ldl", value={"title": "Mine", "steps": 0, "kind": "interpolation", "kernel": "nearest"})
    with pytest.raises(InputError, match=r"methods\.yaml: ldl is a baseline already"):
        loader.load(MAIN, root)


def test_a_mistake_in_a_descriptor_is_named(root: Path) -> None:
    path = root / "baselines" / "ldl" / "descriptor.yaml"
    path.write_text(path.read_text().replace("manual_source:", "manualsource:"))
    with pytest.raises(InputError, match=r"baselines/ldl/descriptor\.yaml: at weights\.0: unknown key 'manualsource'"):
        loader.load(MAIN, root)


def test_reading_the_configuration_loads_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "pandas", "cv2", "matplotlib", "PIL")
    code = f"import sys, workflow.planning.loader; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_demo_test_photographs_are_in_no_training_set() -> None:
    loaded = loader.load(MAIN, ROOT)
    cuts = [entry.cut for entry in loaded.test_sets.values() if entry.kind == "photos"]
    held_out = {crop.photo for cut in cuts for crop in cut.crops}
    assert held_out
    for name, photo_set in loaded.photos.items():
        assert photo_set.skimage or photo_set.download or photo_set.manual_source, name
        assert not held_out & set(photo_set.skimage), name


def test_a_list_of_seeds_on_the_command_line_is_numbers() -> None:
    assert loader.load(MAIN | {"seeds": ["0", "1"]}, ROOT, texts=["seeds"]).main.seeds == (0, 1)
    with pytest.raises(InputError, match=r"at seeds\.0: must be a whole number, not 'x'"):
        loader.load(MAIN | {"seeds": ["x"]}, ROOT, texts=["seeds"])
    with pytest.raises(InputError, match=r"at seeds\.0: must be a whole number, not '0'"):
        loader.load(MAIN | {"seeds": ["0"]}, ROOT)


def test_each_submission_of_a_folder_is_a_method(tmp_path: Path) -> None:
    submission = Submission(
        format=1, method="osediff", title="Ours", steps=1, preset="demo", commit="unknown", device="cpu",
        environment={}, metrics={}, test_sets={},
    )  # fmt: skip
    settings.write(tmp_path / "alice" / MANIFEST, submission)
    shutil.make_archive(str(tmp_path / "bob"), "zip", tmp_path / "alice")
    (tmp_path / "notes.txt").touch()
    bench = loader.load(MAIN | {"submissions": str(tmp_path)}, ROOT)
    assert bench.main.methods == (*MAIN["methods"], "alice", "bob")
    assert [bench.methods[name].title for name in ("alice", "bob")] == ["Ours (alice)", "Ours (bob)"]
    assert paths.submission_input(bench, "bob") == [str(tmp_path / "bob.zip")]
    assert paths.submission_input(bench, "alice") == [str(tmp_path / "alice" / MANIFEST)]
    assert list(pictures.titles(bench, "demo-synthetic")) == MAIN["methods"]
    with pytest.raises(InputError, match="submissions: no folder nowhere"):
        loader.load(MAIN | {"submissions": "nowhere"}, ROOT)
