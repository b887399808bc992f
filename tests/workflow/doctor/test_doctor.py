"""The doctor knows where a walk through the paper stands; every file of the walk is faked here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.workflow.doctor.calls import Doctor

PAPER = "--configfile config/paper.yaml"
QUALITY = [f"results/{name}.csv" for name in ("table1", "table8", "further-metrics")]


def fake(*names: str) -> None:
    """Make the files; a table says that it is of the paper preset."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("preset,source\npaper,measured\n" if name.startswith("results/") else "")


def test_a_walk_from_a_fresh_clone_to_the_tables(tree: Path, doctor: Doctor) -> None:
    """Each command is followed: its targets appear, and the doctor names the next step."""
    commands = []
    while doctor("--preset", "paper"):
        following = doctor.lines[-1].removeprefix("Next: ")
        commands.append(following)
        assert commands.count(following) == 1, "no step is asked for twice"
        if "by hand" in following:
            (folder, source) = doctor.named("by hand")[-1].split(": ", 1)
            assert folder == "data/photos/lsdir-ffhq" and "NVlabs/ffhq-dataset" in source
            Path(folder).mkdir(parents=True)
            continue
        assert following.startswith("python3 bench.py ") and following.endswith(f" {PAPER}")
        targets = following.removeprefix("python3 bench.py").removesuffix(PAPER).split()
        outputs = {
            "metric_weights": ["data/weights/brought.json"],
            "ablations": [f"results/table{number}.csv" for number in range(3, 8)],
            "results/table2.csv": ["results/table2.csv", *timings()],
        }
        fake(*(file for target in targets for file in outputs.get(target, [target])))
        if not targets:
            fake(*QUALITY)
    assert doctor.lines[-1] == "Every step is done: results/ has the tables."
    assert [" ".join(command.split()[:3]) for command in commands] == [
        "python3 bench.py data/testsets/div2k-val/manifest.json",
        "python3 bench.py metric_weights",
        "python3 bench.py data/backbones/sd2.1-base/manifest.json",
        "python3 bench.py data/prompts/ram/manifest.json",
        "python3 bench.py runs/paper/evaluate/osediff-official/div2k-val.csv",
        "Photographs to train",
        "python3 bench.py data/photos/lsdir-ffhq.csv",
        "python3 bench.py data/weights/loss-lpips-vgg.json",
        "python3 bench.py runs/paper/train/osediff/paper/0/outcome.json",
        f"python3 bench.py {PAPER.split()[0]}",
        "python3 bench.py results/table2.csv",
        "python3 bench.py runs/paper/train/no-vsd/paper/0/outcome.json",
        "python3 bench.py ablations",
    ]
    assert doctor.state("Code and weights of the baselines").startswith("optional 0 of"), "nobody waits for them"


def timings() -> list[str]:
    """The records that Table 2 waits for at the paper preset."""
    return [f"runs/paper/timing/{protocol}/osediff.json" for protocol in ("official", "strict", "strict-compiled")]


@pytest.mark.parametrize(
    ("title", "on_the_page"),
    [
        ("Test sets", "Files that rules fetch"),
        ("Networks of the losses", "Files that rules fetch"),
        ("Photographs to train on", "Put the training photographs into their folder"),
        ("Code and weights of the baselines", "Code and weights of the baselines"),
        ("Checkpoints and images that exist, measured", "The official checkpoint and images"),
        ("Baselines, restored and measured", "The baselines"),
        ("Training of OSEDiff", "The training"),
        ("Table 2: cost", "Table 2 and Figure 1(b) with times"),
        ("Tables of the ablations", "Tables 3 to 7 (twelve trainings"),
    ],
)
def test_the_numbers_are_those_of_the_page(tree: Path, doctor: Doctor, title: str, on_the_page: str) -> None:
    page = (ROOT / "docs" / "paper-walk.md").read_text(encoding="utf-8")
    doctor("--preset", "paper")
    assert f"\n{doctor.number(title)}. **{on_the_page}" in page


def test_a_half_made_step_asks_for_the_rest(tree: Path, doctor: Doctor) -> None:
    fake("data/testsets/realsr/manifest.json", "data/testsets/drealsr/manifest.json")
    assert doctor("--preset", "paper") == 1
    assert doctor.state("Test sets") == "to do 2 of 3"
    assert doctor.lines[-1] == f"Next: python3 bench.py data/testsets/div2k-val/manifest.json {PAPER}"


def test_a_table_of_another_preset_does_not_count(tree: Path, doctor: Doctor) -> None:
    fake(*QUALITY)
    doctor("--preset", "paper")
    assert doctor.state("Tables of quality") == "done 3 of 3"
    Path("results/table1.csv").write_text("preset,source\npaper,published\ndemo,measured\n")
    doctor("--preset", "paper")
    assert doctor.state("Tables of quality") == "to do 2 of 3"
    assert "results/table1.csv" in doctor.named("missing")
    # A table without published rows, as the demo's first table is.
    Path("results/table1.csv").write_text("preset,test_set,method\ndemo,demo-synthetic,Bicubic\n")
    doctor("--preset", "paper")
    assert "results/table1.csv" in doctor.named("missing")


def test_what_lies_elsewhere_and_what_is_left_out(tree: Path, doctor: Doctor) -> None:
    """A configuration file of one's own, over the preset's."""
    (tree / "mine").mkdir()
    (tree / "mine.yaml").write_text("methods: [osediff]\npaths: {lsdir-ffhq: mine}\n")
    doctor("--preset", "paper", "--configfile", "mine.yaml")
    assert doctor.state("Photographs to train on") == "to do 0 of 1", "their list is missing, and a rule makes it"
    assert doctor.named("by hand") == []
    fake("data/photos/lsdir-ffhq.csv")
    doctor("--preset", "paper", "--configfile", "mine.yaml")
    assert doctor.state("Photographs to train on") == "done 1 of 1"
    assert not any("baselines" in line or "published" in line for line in doctor.lines)
    assert doctor.lines[-1].endswith(f"{PAPER} mine.yaml")


def test_the_demo_needs_nothing_by_hand(tree: Path, doctor: Doctor) -> None:
    assert doctor() == 1
    assert doctor.named("by hand") == []
    assert doctor.lines[-1].startswith("Next: python3 bench.py data/testsets/demo-synthetic/manifest.json")
    assert "--configfile" not in doctor.lines[-1]


def test_bad_configuration_is_one_line(tree: Path, doctor: Doctor) -> None:
    (tree / "mine.yaml").write_text("methods: [osedif]\n")
    assert doctor("--configfile", "mine.yaml") == 2
    assert doctor.lines == ["error: configuration: methods: unknown method 'osedif', did you mean osediff?"]


def test_it_answers_without_torch() -> None:
    code = "import sys, workflow.doctor.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
