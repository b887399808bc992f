"""Which methods there are, where their images come from, and what their jobs are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.errors import InputError
from tests.helpers import ROOT
from tests.workflow.planning.configurations import MAIN, PAPER, spoil
from workflow.planning import checks, loader, methods, paths, prompts, specs


def test_evaluations_take_as_many_cores_as_are_worth_starting() -> None:
    loaded = loader.load(MAIN, ROOT)
    wanted = [
        methods.evaluation_threads(loaded, name, 16) for name in ("div2k-val", "realsr", "drealsr", "demo-synthetic")
    ]
    assert wanted == [16, 2, 1, 1]


def test_an_existing_folder_of_images_is_a_method(root: Path) -> None:
    entry = {"title": "Mine", "steps": 1, "kind": "images", "images": "results of mine/{test_set}"}
    spoil(root, "methods", "mine", value=entry)
    loaded = loader.load(MAIN | {"methods": ["mine"]}, root)
    assert paths.images_folder(loaded, "mine", "drealsr") == "results of mine/drealsr"
    assert paths.images_folder(loaded, "osediff", "drealsr") == "runs/demo/restore/osediff/drealsr/SR"


def test_a_checkpoint_that_exists_is_a_method_and_nothing_is_trained(root: Path) -> None:
    entry = {"title": "Theirs", "steps": 1, "kind": "checkpoint", "checkpoint": "given", "backbone": "demo"}
    spoil(root, "methods", "theirs", value=entry | {"prompts": "null"})
    loaded = loader.load(MAIN | {"methods": ["theirs"]}, root)
    assert paths.checkpoint(loaded, "theirs") == "given"
    assert methods.backbone(loaded, "theirs") == "demo"
    assert prompts.of_test_set(loaded, "theirs", "demo-synthetic") == []
    with pytest.raises(InputError, match=r"config/methods\.yaml: theirs: checkpoint: no file given/adapters"):
        checks.check_folders(loaded)
    spoil(root, "methods", "theirs", value=entry | {"prompts": "null", "backbone": "demmo"})
    with pytest.raises(InputError, match=r"config/methods\.yaml: theirs: unknown backbone 'demmo'"):
        loader.load(MAIN | {"methods": ["theirs"]}, root)


def test_the_official_checkpoint_is_made_by_a_rule(root: Path) -> None:
    loaded = loader.load(PAPER | {"methods": ["osediff-official"]}, root)
    checks.check_folders(loaded)  # nothing need be here
    folder = "data/checkpoints/osediff-official"
    assert methods.official_checkpoints(loaded) == {"osediff-official": f"{folder}/osediff.pkl"}
    assert paths.checkpoint_files(loaded, "osediff-official")[0] == f"{folder}/adapters.safetensors"
    assert methods.backbone(loaded, "osediff-official") == "sd2.1-base"
    assert prompts.of_test_set(loaded, "osediff-official", "realsr") == ["runs/paper/prompts/dape/512/realsr.json"]
    spoil(root, "methods", "osediff-official", "official_file", "folder", value="data/weights")
    with pytest.raises(InputError, match="official_file: its folder is data/checkpoints/osediff-official"):
        loader.load(PAPER, root)
    spoil(root, "methods", "osediff-official", "official_file", value=None)
    with pytest.raises(InputError, match="needs either checkpoint or official_file"):
        loader.load(PAPER, root)


def test_published_images_are_a_method_that_a_rule_checks(root: Path, tmp_path: Path) -> None:
    name = "osediff-official-images"
    loaded = loader.load(MAIN | {"methods": [name], "test_sets": ["drealsr"], "offline": True}, root)
    checks.check_folders(loaded)  # nothing need be here
    fetched = f"data/images/{name}/drealsr"
    assert paths.images_folder(loaded, name, "drealsr") == fetched
    assert paths.images_input(loaded, name, "drealsr") == [f"runs/demo/restore/{name}/drealsr/run.json"]
    assert paths.published_images_input(loaded, name, "drealsr") == ["config/images/osediff-drealsr.csv"]
    assert methods.fetched_images_options(loaded, name, "drealsr") == ["--out", fetched]
    assert specs.fetched_images_spec(loaded, name, "div2k-val").images is None
    assert methods.record_options(loaded, name, "drealsr")[0] == "--record"


def test_published_images_may_be_given(root: Path, tmp_path: Path) -> None:
    name = "osediff-official-images"
    main = MAIN | {"methods": [name], "test_sets": ["drealsr", "realsr"]}
    loaded = loader.load(main | {"paths": {name: f"{tmp_path}/{{test_set}}"}}, root)
    with pytest.raises(InputError, match=rf"configuration: paths: {name}: no folder {tmp_path}/drealsr"):
        checks.check_folders(loaded)
    for test_set in ("drealsr", "realsr"):
        (tmp_path / test_set).mkdir()
    checks.check_folders(loaded)
    (tmp_path / "drealsr" / "a.png").touch()
    assert paths.published_images_input(loaded, name, "drealsr")[1:] == [f"{tmp_path}/drealsr/a.png"]
    assert methods.fetched_images_options(loaded, name, "drealsr") == ["--given", f"{tmp_path}/drealsr"]
    with pytest.raises(InputError, match=r"is one folder for 2 test sets; write \{test_set\} into its path"):
        checks.check_folders(loader.load(main | {"paths": {name: str(tmp_path)}}, root))
    entry = {"title": "Mine", "steps": 1, "kind": "images"}
    spoil(root, "methods", "mine", value=entry)
    with pytest.raises(InputError, match=r"config/methods\.yaml: .*mine.*needs either images or download"):
        loader.load(MAIN, root)


def test_a_method_that_no_table_names_is_a_row_of_every_table(root: Path) -> None:
    spoil(root, "methods", "gan", value={"title": "GAN", "steps": 1, "kind": "images", "images": "{test_set}"})
    spoil(root, "tables", "table8", "methods", value=["gan"])
    bench = loader.load(MAIN | {"methods": ["osediff", "gan"]}, root)
    assert methods.of_table(bench, "table1") == ["osediff"]
    assert methods.of_table(bench, "table8") == ["osediff", "gan"]
    assert list(specs.table_spec(bench, "table8").methods) == ["osediff", "gan"]
    assert methods.of_table(loader.load(MAIN | {"methods": ["gan"]}, root), "table1") == ["gan"], "never an empty one"


def test_the_papers_baselines_stand_in_the_tables_where_the_paper_has_them() -> None:
    every = ["bicubic", "stablesr", "sinsr", "bsrgan", "femasr", "osediff"]
    bench = loader.load(MAIN | {"methods": every}, ROOT)
    assert methods.of_table(bench, "table1") == ["bicubic", "stablesr", "sinsr", "osediff"]
    assert methods.of_table(bench, "further-metrics") == methods.of_table(bench, "no-reference") == every
    assert methods.of_table(bench, "table8") == ["bicubic", "bsrgan", "femasr", "osediff"]


def test_two_methods_of_one_title_stop(root: Path) -> None:
    spoil(root, "methods", "copy", value={"title": "OSEDiff", "steps": 1, "kind": "images", "images": "{test_set}"})
    assert loader.load(MAIN, root).methods["copy"].title == "OSEDiff", "no table shows it"
    with pytest.raises(InputError, match="configuration: methods: osediff and copy have one title, OSEDiff"):
        loader.load(MAIN | {"methods": ["osediff", "copy"]}, root)


def test_switches_may_be_typed_in_yaml_on_the_command_line(root: Path) -> None:
    """Snakemake hands over ``--config intervals=true`` as a string, and ``=True`` as a truth value."""
    assert loader.load(MAIN | {"intervals": "true"}, root, texts=["intervals"]).main.intervals is True


def test_every_method_is_compared_with_bicubic_interpolation(root: Path) -> None:
    bench = loader.load(MAIN | {"methods": ["osediff"]}, root)
    assert list(specs.comparison_spec(bench).methods) == ["bicubic", "osediff"]
    assert specs.comparison_spec(bench).trainings == ("OSEDiff",)
    assert list(specs.table_spec(bench, "table1").methods) == ["osediff"]
    bench = loader.load(MAIN | {"methods": ["osediff", "bicubic"]}, root)
    assert list(specs.comparison_spec(bench).methods) == ["osediff", "bicubic"]


def test_test_sets_without_hr_images_have_a_table_of_their_own(tmp_path: Path) -> None:
    main = PAPER | {"test_sets": ["realsr", "realset65"], "tables": ["table1", "no-reference"], "pictures": []}
    bench = loader.load(main, ROOT)
    assert [methods.test_sets_of_table(bench, name) for name in main["tables"]] == [["realsr"], ["realset65"]]
    assert list(specs.table_spec(bench, "no-reference").test_sets) == ["realset65"]
    assert [methods.table_of_test_set(bench, name) for name in main["test_sets"]] == main["tables"]
    assert methods.reference_options(bench, "realset65") == ["--lr", "data/testsets/realset65/LR"]
    assert methods.reference_options(bench, "realsr") == [
        *("--lr", "data/testsets/realsr/LR"),
        *("--hr", "data/testsets/realsr/HR"),
    ]
    assert specs.test_set_check(bench, "realset65").reference is False
    bench = loader.load(main | {"paths": {"realset65": str(tmp_path)}}, ROOT)
    with pytest.raises(InputError, match=f"no folder {tmp_path}/LR"):
        checks.check_folders(bench)
    (tmp_path / "LR").mkdir()
    checks.check_folders(bench)
    for change, message in (
        ({"tables": ["table1"]}, "test_sets: no table shows realset65; add one of test sets without HR images"),
        ({"test_sets": ["realsr"]}, "tables: no-reference shows test sets without HR images, and none is active"),
    ):
        with pytest.raises(InputError, match=message):
            loader.load(main | change, ROOT)
