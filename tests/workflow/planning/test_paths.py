"""Paths: what a job waits for is what a rule makes, or what is there."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import ROOT
from tests.workflow.planning.configurations import MAIN, PAPER
from workflow.planning import loader, paths


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
    assert paths.photo_list("lsdir-ffhq") == "data/photos/lsdir-ffhq.csv", "wherever the photographs are"
    assert paths.test_set_input(loaded, "demo-synthetic") == [
        f"data/testsets/demo-synthetic/{part}" for part in ("LR", "HR")
    ]


def test_a_training_waits_for_the_networks_of_its_loss_unless_it_can_do_without() -> None:
    demo, paper = loader.load(MAIN, ROOT), loader.load(PAPER, ROOT)
    assert paths.loss_weights(demo, "osediff", "demo") == ["data/weights/brought.json"], "it has a fallback"
    assert paths.loss_weights(paper, "osediff", "paper") == ["data/weights/loss-lpips-vgg.json"]
    assert set(paths.loss_weights(paper, "gan", "paper")) > {"data/weights/loss-lpips-vgg.json"}


def test_a_backbone_lies_where_the_user_says_or_where_a_rule_brings_it() -> None:
    plain = loader.load(MAIN, ROOT)
    assert paths.backbone_folder(plain, "demo") == "backbones/demo"
    assert paths.backbone_input(plain, "sd2.1-base") == ["data/backbones/sd2.1-base/manifest.json"]
    given = loader.load(MAIN | {"paths": {"sd2.1-base": "/elsewhere/sd"}}, ROOT)
    assert paths.backbone_folder(given, "sd2.1-base") == "/elsewhere/sd"
