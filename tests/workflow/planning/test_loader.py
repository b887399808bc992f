"""The configuration is checked in full, and every mistake is one line that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from osediff.common.errors import InputError
from osediff.common.validation import check_writable
from tests.helpers import ROOT
from tests.workflow.planning.configurations import MAIN, spoil
from workflow.planning import checks, loader, paths, specs
from workflow.planning.imports import sources
from workflow.planning.settings import BaselineMethod


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("methods", ["bicubik"], "unknown method 'bicubik', did you mean bicubic?"),
        ("test_sets", ["demo-syntetic"], "unknown test set 'demo-syntetic', did you mean demo-synthetic?"),
        ("metrics", ["psnr", "lpip"], "unknown metric 'lpip', did you mean lpips?"),
        ("tables", ["table99"], "unknown table 'table99'"),
        ("recipe_base", "laptop", "unknown base 'laptop', known: demo, demo-short, paper"),
        ("pictures", {"drealsrr": "x"}, "unknown test set 'drealsrr', did you mean drealsr?"),
        (
            "paths",
            {"drealsrr": "/x"},
            "unknown test set, photo set, backbone, method or extractor's weights 'drealsrr', did",
        ),
        ("metrcs", [], "unknown key 'metrcs', did you mean metrics?"),
        ("seed", -1, "configuration: at seed: must be at least 0, not -1"),
        ("test_sets", [], "at test_sets"),
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
        ("testsets", ("demo-synthetic", "degradation"), "none", "unknown degradation 'none'"),
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


def test_a_variant_is_its_base_with_its_own_keys_over_it(root: Path) -> None:
    spoil(root, "variants", "variants", "wide", value={"rank_unet": 8, "loss": {"regularizer": {"guidance": 3.0}}})
    loaded = loader.load(MAIN, root)
    default, wide = (loaded.recipe(name).recipe.model_dump() for name in ("osediff", "wide"))
    assert default["rank_unet"] == 4 and default["loss"]["regularizer"]["guidance"] != 3.0
    default["rank_unet"], default["loss"]["regularizer"]["guidance"] = 8, 3.0
    assert wide == default


def test_another_kind_of_term_brings_its_own_settings_only(root: Path) -> None:
    spoil(root, "variants", "variants", "no-vsd", value={"loss": {"regularizer": {"kind": "none"}}})
    assert loader.load(MAIN, root).recipe("no-vsd").recipe.loss.regularizer.model_dump() == {"kind": "none"}


def test_a_given_folder_is_waited_for_only_when_it_is_there(tmp_path: Path) -> None:
    main = MAIN | {"paths": {"drealsr": str(tmp_path), "lsdir-ffhq": str(tmp_path), "sd2.1-base": str(tmp_path / "sd")}}
    loaded = loader.load(main, ROOT)
    assert paths.test_set_folder(loaded, "drealsr") == str(tmp_path)
    assert paths.test_set_input(loaded, "drealsr") == []
    assert paths.backbone_input(loaded, "sd2.1-base") == []
    for part in ("LR/a.png", "HR/a.png", "sd/vae/config.json"):
        (tmp_path / part).parent.mkdir(parents=True)
        (tmp_path / part).touch()
    assert paths.test_set_input(loaded, "drealsr") == [f"{tmp_path}/LR/a.png", f"{tmp_path}/HR/a.png"]
    assert paths.backbone_input(loaded, "sd2.1-base") == [f"{tmp_path}/sd/vae/config.json"]
    assert paths.photo_folder(loaded, "lsdir-ffhq") == str(tmp_path) and paths.photo_input(loaded, "lsdir-ffhq") == [
        str(tmp_path)
    ]
    assert paths.test_set_input(loaded, "demo-synthetic") == [
        f"data/testsets/demo-synthetic/{part}" for part in ("LR", "HR")
    ]


def test_given_folders_that_are_not_there_are_named_before_anything_runs(root: Path, tmp_path: Path) -> None:
    checks.check_folders(loader.load(MAIN, root))
    given = loader.load(MAIN | {"paths": {"drealsr": str(tmp_path / "pairs")}}, root)
    with pytest.raises(InputError, match=r"paths: drealsr: no folder .*/pairs/LR"):
        checks.check_folders(given)
    for part in ("LR", "HR"):
        (tmp_path / "pairs" / part).mkdir(parents=True)
    checks.check_folders(given)
    entry = {"title": "Mine", "steps": 1, "kind": "images", "images": f"{tmp_path}/mine/{{test_set}}"}
    spoil(root, "methods", "mine", value=entry)
    with pytest.raises(InputError, match=r"config/methods\.yaml: mine: images: no folder .*/mine/demo-synthetic"):
        checks.check_folders(loader.load(MAIN | {"methods": ["mine"]}, root))


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


def test_sources_follow_imports_and_stop_at_other_packages() -> None:
    plots, training = sources(ROOT, "benchmark.figures.radar"), sources(ROOT, "osediff.train")
    assert {"benchmark/figures/radar.py", "osediff/common/files.py"} <= set(plots)
    assert {path.split("/")[1] for path in plots if path.startswith("osediff/")} <= {"common", "__init__.py"}
    assert {"osediff/train.py", "osediff/models/lora.py", "osediff/data/degradation.py"} <= set(training)
    assert not any(path.startswith("benchmark/") for path in training)


def test_packages_share_osediff_common_only() -> None:
    packages = ("osediff", "baselines", "benchmark")
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            others = {source for source in sources(ROOT, module) if not source.startswith(f"{package}/")}
            allowed = ("osediff/__init__.py", "osediff/common/")
            assert all(source.startswith(allowed) for source in others), module


def test_a_list_of_seeds_on_the_command_line_is_numbers() -> None:
    assert loader.load(MAIN | {"seeds": ["0", "1"]}, ROOT, texts=["seeds"]).main.seeds == (0, 1)
    with pytest.raises(InputError, match=r"at seeds\.0: must be a whole number, not 'x'"):
        loader.load(MAIN | {"seeds": ["x"]}, ROOT, texts=["seeds"])
    with pytest.raises(InputError, match=r"at seeds\.0: must be a whole number, not '0'"):
        loader.load(MAIN | {"seeds": ["0"]}, ROOT)
