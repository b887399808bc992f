"""The configuration is checked in full, and every mistake is one line that names it."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from osediff.common.errors import InputError
from osediff.common.validation import check_writable
from tests.helpers import ROOT
from workflow.planning import config as registry
from workflow.planning import config_checks as registry_checks
from workflow.planning.imports import sources

MAIN: dict[str, Any] = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the configuration that a test may spoil."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copytree(ROOT / "workflow" / "schemas", tmp_path / "workflow" / "schemas")
    shutil.copytree(ROOT / "baselines", tmp_path / "baselines", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return tmp_path


def spoil(root: Path, name: str, *keys: str | int, value: Any) -> None:
    """Sets one value, by its path of keys, in a registry file."""
    path = root / "config" / f"{name}.yaml"
    content = yaml.safe_load(path.read_text())
    entry = content
    for key in keys[:-1]:
        entry = entry[key]
    entry[keys[-1]] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("methods", ["bicubik"], "unknown method 'bicubik', did you mean bicubic?"),
        ("test_sets", ["demo-syntetic"], "unknown test set 'demo-syntetic', did you mean demo-synthetic?"),
        ("metrics", ["psnr", "lpip"], "unknown metric 'lpip', did you mean lpips?"),
        ("tables", ["table99"], "unknown table 'table99'"),
        ("base", "laptop", "unknown base 'laptop', known: demo, demo-short, paper"),
        ("pictures", {"drealsrr": "x"}, "unknown test set 'drealsrr', did you mean drealsr?"),
        ("paths", {"drealsrr": "/x"}, "unknown test set, photo set, backbone or extractor's weights 'drealsrr', did"),
        ("metrcs", [], "unknown key 'metrcs', did you mean metrics?"),
        ("seed", -1, "at seed: -1 is less than the minimum of 0"),
        ("test_sets", [], "at test_sets"),
    ],
)
def test_mistakes_in_the_main_file(key: str, value: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        registry.load(MAIN | {key: value}, ROOT)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "keys", "value", "said"),
    [
        ("variants", ("variants", "osediff"), {"rank_unit": 2}, "unknown key 'rank_unit', did you mean rank_unet?"),
        (
            "variants",
            ("variants", "osediff"),
            {"rank_unet": 0},
            "config/variants.yaml: osediff: at rank_unet: 0 is less",
        ),
        ("variants", ("variants", "osediff"), {"backbone": "sd3"}, "unknown backbone 'sd3'"),
        (
            "variants",
            ("variants", "osediff"),
            {"backbone": "sd2.1-random"},
            "random weights, which never enter a table",
        ),
        ("variants", ("variants", "osediff"), {"photos": "div2k"}, "unknown photo set 'div2k'"),
        ("variants", ("variants", "osediff"), {"tune": {"vae_encoder": False, "unet": False}}, "tunes nothing"),
        ("variants", ("variants", "osediff"), {"loss": {"regularizer": {"kind": "vds"}}}, "at loss.regularizer.kind"),
        ("backbones", ("demo-retrained", "recipe", "stages", 0, "steps"), 0, "at demo-retrained.recipe.stages.0.steps"),
        ("backbones", ("demo-retrained", "folder"), "backbones/demo", "trains it into runs/demo/backbones"),
        ("methods", ("osediff", "variant"), "osedif", "config/methods.yaml: osediff: unknown variant 'osedif'"),
        ("methods", ("bicubic", "kind"), "magic", "config/methods.yaml: at bicubic"),
        ("testsets", ("demo-synthetic", "degradation"), "none", "unknown degradation 'none'"),
    ],
)
def test_mistakes_in_a_registry(root: Path, name: str, keys: tuple[str | int, ...], value: Any, said: str) -> None:
    spoil(root, name, *keys, value=value)
    with pytest.raises(InputError) as caught:
        registry.load(MAIN, root)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_stands_twice(root: Path) -> None:
    with (root / "config" / "methods.yaml").open("a") as file:
        file.write("bicubic: {title: Bicubic, steps: 0, kind: interpolation, kernel: nearest}\n")
    with pytest.raises(InputError, match="bicubic stands twice"):
        registry.load(MAIN, root)


def test_a_variant_is_its_base_with_its_own_keys_over_it(root: Path) -> None:
    spoil(root, "variants", "variants", "wide", value={"rank_unet": 8, "loss": {"regularizer": {"guidance": 3.0}}})
    loaded = registry.load(MAIN, root)
    default, wide = loaded.variant("osediff"), loaded.variant("wide")
    expected = copy.deepcopy(default)
    expected["rank_unet"], expected["loss"]["regularizer"]["guidance"] = 8, 3.0
    assert wide == expected
    assert default["rank_unet"] == 4 and default["loss"]["regularizer"]["guidance"] != 3.0


def test_another_kind_of_term_brings_its_own_settings_only(root: Path) -> None:
    spoil(root, "variants", "variants", "no-vsd", value={"loss": {"regularizer": {"kind": "none"}}})
    assert registry.load(MAIN, root).variant("no-vsd")["loss"]["regularizer"] == {"kind": "none"}


def test_a_given_folder_is_waited_for_only_when_it_is_there(tmp_path: Path) -> None:
    main = MAIN | {"paths": {"drealsr": str(tmp_path), "lsdir-ffhq": str(tmp_path), "sd2.1-base": str(tmp_path / "sd")}}
    loaded = registry.load(main, ROOT)
    assert loaded.test_set_folder("drealsr") == str(tmp_path)
    assert loaded.test_set_input("drealsr") == []
    assert loaded.backbone_input("sd2.1-base") == []
    for part in ("LR/a.png", "HR/a.png", "sd/vae/config.json"):
        (tmp_path / part).parent.mkdir(parents=True)
        (tmp_path / part).touch()
    assert loaded.test_set_input("drealsr") == [f"{tmp_path}/LR/a.png", f"{tmp_path}/HR/a.png"]
    assert loaded.backbone_input("sd2.1-base") == [f"{tmp_path}/sd/vae/config.json"]
    assert loaded.photo_folder("lsdir-ffhq") == str(tmp_path) and loaded.photo_input("lsdir-ffhq") == [str(tmp_path)]
    assert loaded.test_set_input("demo-synthetic") == [f"data/testsets/demo-synthetic/{part}" for part in ("LR", "HR")]


def test_given_folders_that_are_not_there_are_named_before_anything_runs(root: Path, tmp_path: Path) -> None:
    registry_checks.check_folders(registry.load(MAIN, root))
    given = registry.load(MAIN | {"paths": {"drealsr": str(tmp_path / "pairs")}}, root)
    with pytest.raises(InputError, match=r"paths: drealsr: no folder .*/pairs/LR"):
        registry_checks.check_folders(given)
    for part in ("LR", "HR"):
        (tmp_path / "pairs" / part).mkdir(parents=True)
    registry_checks.check_folders(given)
    entry = {"title": "Mine", "steps": 1, "kind": "images", "images": f"{tmp_path}/mine/{{test_set}}"}
    spoil(root, "methods", "mine", value=entry)
    with pytest.raises(InputError, match=r"config/methods\.yaml: mine: images: no folder .*/mine/demo-synthetic"):
        registry_checks.check_folders(registry.load(MAIN | {"methods": ["mine"]}, root))


def test_evaluations_take_as_many_cores_as_are_worth_starting() -> None:
    loaded = registry.load(MAIN, ROOT)
    wanted = [loaded.evaluation_threads(name, 16) for name in ("div2k-val", "realsr", "drealsr", "demo-synthetic")]
    assert wanted == [16, 2, 1, 1]


def test_an_existing_folder_of_images_is_a_method(root: Path) -> None:
    entry = {"title": "Mine", "steps": 1, "kind": "images", "images": "results of mine/{test_set}"}
    spoil(root, "methods", "mine", value=entry)
    loaded = registry.load(MAIN | {"methods": ["mine"]}, root)
    assert loaded.images_folder("mine", "drealsr") == "results of mine/drealsr"
    assert loaded.images_folder("osediff", "drealsr") == "runs/demo/restore/osediff/drealsr/SR"


def test_a_method_that_no_table_names_is_a_row_of_every_table(root: Path) -> None:
    spoil(root, "methods", "gan", value={"title": "GAN", "steps": 1, "kind": "images", "images": "{test_set}"})
    spoil(root, "tables", "table8", "methods", value=["gan"])
    bench = registry.load(MAIN | {"methods": ["osediff", "gan"]}, root)
    assert bench.methods_of_table("table1") == ["osediff"]
    assert bench.methods_of_table("table8") == ["osediff", "gan"]
    assert list(bench.table("table8")["methods"]) == ["osediff", "gan"]
    assert registry.load(MAIN | {"methods": ["gan"]}, root).methods_of_table("table1") == ["gan"], "never an empty one"


def test_the_papers_baselines_stand_in_the_tables_where_the_paper_has_them() -> None:
    every = ["bicubic", "stablesr", "sinsr", "bsrgan", "femasr", "osediff"]
    bench = registry.load(MAIN | {"methods": every}, ROOT)
    assert bench.methods_of_table("table1") == ["bicubic", "stablesr", "sinsr", "osediff"]
    assert bench.methods_of_table("table8") == ["bicubic", "bsrgan", "femasr", "osediff"]


def test_switches_may_be_typed_in_yaml_on_the_command_line(root: Path) -> None:
    """Snakemake hands over ``--config intervals=true`` as a string, and ``=True`` as a truth value."""
    assert registry.load(MAIN | {"intervals": "true", "offline": "false"}, root).main["intervals"] is True


def test_every_method_is_compared_with_bicubic_interpolation(root: Path) -> None:
    bench = registry.load(MAIN | {"methods": ["osediff"]}, root)
    assert list(bench.comparison()["methods"]) == ["bicubic", "osediff"]
    assert list(bench.table("table1")["methods"]) == ["osediff"]
    bench = registry.load(MAIN | {"methods": ["osediff", "bicubic"]}, root)
    assert list(bench.comparison()["methods"]) == ["osediff", "bicubic"]


def test_titles_do_not_belong_to_the_measurement(root: Path) -> None:
    before = registry.load(MAIN, root).measuring()
    spoil(root, "metrics", "metrics", "psnr", "title", value="Peak SNR")
    assert registry.load(MAIN, root).measuring() == before
    spoil(root, "metrics", "metrics", "psnr", "options", "crop_border", value=4)
    assert registry.load(MAIN, root).measuring() != before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    check_writable([tmp_path / "runs"])
    tmp_path.chmod(0o555)
    with pytest.raises(InputError, match="cannot be written"):
        check_writable([tmp_path / "runs"])


def test_every_baseline_is_a_method_and_its_name_is_taken() -> None:
    loaded = registry.load(MAIN | {"methods": ["femasr"]}, ROOT)
    assert loaded.methods["femasr"] == {"title": "FeMaSR", "published": "FeMASR", "steps": 1, "kind": "baseline"}
    given = MAIN["baselines"] | {"weights": {"femasr": "other"}}
    loaded = registry.load(MAIN | {"baselines": given}, ROOT)
    assert loaded.methods["femasr"] == {"title": "FeMaSR (other weights)", "steps": 1, "kind": "baseline"}
    with pytest.raises(InputError, match="unknown baseline 'femasrr', did you mean femasr"):
        registry.load(MAIN | {"baselines": MAIN["baselines"] | {"python": {"femasrr": "python"}}}, ROOT)


def test_a_method_cannot_have_a_baselines_name(root: Path) -> None:
    spoil(root, "methods", "ldl", value={"title": "Mine", "steps": 0, "kind": "interpolation", "kernel": "nearest"})
    with pytest.raises(InputError, match=r"methods\.yaml: ldl is a baseline already"):
        registry.load(MAIN, root)


def test_a_mistake_in_a_descriptor_is_named(root: Path) -> None:
    path = root / "baselines" / "ldl" / "descriptor.yaml"
    path.write_text(path.read_text().replace("by_hand:", "byhand:"))
    with pytest.raises(InputError, match=r"baselines/ldl/descriptor\.yaml: at weights\.0: unknown key 'byhand'"):
        registry.load(MAIN, root)


def test_reading_the_configuration_is_quick() -> None:
    code = "import time; t = time.perf_counter(); import workflow.planning.config; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1


def test_demo_test_photographs_are_in_no_training_set() -> None:
    loaded = registry.load(MAIN, ROOT)
    cut = [entry["cut"] for entry in loaded.testsets.values() if entry["kind"] == "photos"]
    held_out = {crop["photo"] for spec in cut for crop in spec["crops"]}
    assert held_out
    for name, photo_set in loaded.photos.items():
        assert photo_set.get("skimage") or photo_set.get("get"), name
        assert not held_out & set(photo_set.get("skimage", [])), name


def test_sources_follow_imports_and_stop_at_other_packages() -> None:
    plots, training = sources(ROOT, "benchmark.figures.radar"), sources(ROOT, "osediff.train")
    assert {"benchmark/figures/radar.py", "osediff/common/files.py"} <= set(plots)
    assert {path.split("/")[1] for path in plots if path.startswith("osediff/")} == {"common"}
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
    assert registry.load(MAIN | {"seeds": ["0", "1"]}, ROOT).main["seeds"] == [0, 1]
    with pytest.raises(InputError, match=r"at seeds\.0: 'x' is not of type 'integer'"):
        registry.load(MAIN | {"seeds": ["x"]}, ROOT)
