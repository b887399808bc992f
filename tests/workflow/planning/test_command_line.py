"""Configuration files and values of a command line: what is wrong with them is one line with file and line number."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from osediff.common.errors import InputError
from workflow.planning import command_line


def check(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """``python -m workflow.planning.command_line``, in this process."""
    monkeypatch.setattr(sys, "argv", ["command_line", *line.split()])
    command_line.main()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-n results/table1.csv --configfile mine.yaml",
        "results/table1.csv --configfiles mine.yaml mine -n",
        "--configfile=mine.yaml results/table1.csv",
        "--configfile mine.yaml --config seeds=[1,2] offline=true -- results/table1.csv",
        "--cores 2 --forcerun train -C offline=true --dry-run ablations",
    ],
)
def test_a_right_command_line_passes(working_folder: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    check(monkeypatch, line)


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("--cores 2 --configfile mine.yaml results/table1.csv", "results/table1.csv"),
        ("-n --configfile mine.yaml ablations", "ablations"),
        ("--configfile mine.yaml ./runs/demo/specs/train.yaml", "./runs/demo/specs/train.yaml"),
        ("--configfile mine.yaml runs/demo/restore/osediff/a/run.json", "runs/demo/restore/osediff/a/run.json"),
    ],
)
def test_a_target_among_configuration_files_is_named(
    working_folder: Path, monkeypatch: pytest.MonkeyPatch, line: str, target: str
) -> None:
    with pytest.raises(InputError) as caught:
        check(monkeypatch, line)
    message = str(caught.value)
    assert f"{target} is a target" in message and f"put targets first: {target} --configfile FILE" in message


def test_a_target_among_values_is_named(working_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="ablations is no KEY=VALUE; put targets first: ablations --config KEY=VALUE"):
        check(monkeypatch, "--config offline=true ablations")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must hold keys and values"),
        (b"just words", "must hold keys and values"),
        (b"- a\n", "must hold keys and values"),
        (b"preset: demo\nseeds: [1\nmethods: [a]\n", "line 3: not valid YAML: expected ',' or ']'"),
        (b"preset: demo\npreset: paper\n", "line 2: preset stands twice"),
        ("preset: \xe9".encode("latin-1"), "byte 9 is not UTF-8"),
        (b"[" * 3000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_mapping_is_one_line_with_its_name(
    working_folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    (working_folder / "mine.yaml").write_bytes(content)
    with pytest.raises(InputError) as caught:
        check(monkeypatch, "--configfile mine.yaml")
    assert str(caught.value).startswith("mine.yaml: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "message"), [("other.yaml", "no such file"), (".", "is a folder")])
def test_a_file_that_is_not_there_is_one_line(
    working_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check(monkeypatch, f"--configfile {name}")


class Table:
    """Stands for a rule of Snakemake that makes one file."""

    name = "table"

    def is_producer(self, requested_output: str) -> bool:
        return requested_output == "results/table1.csv"


def test_a_target_that_no_rule_makes_is_named_with_the_nearest_one(working_folder: Path) -> None:
    command_line.check_targets({"table", "results/table1.csv", "./results/table1.csv", "mine.yaml"}, [Table()])
    for target, hint in (("results/tabel1.csv", "did you mean results/table1.csv"), ("tabel", "did you mean table")):
        with pytest.raises(InputError, match=f"'{target}': no rule makes this; {hint}"):
            command_line.check_targets({target}, [Table()])
    with pytest.raises(InputError, match="lists the results"):
        command_line.check_targets({"{x}\n"}, [Table()])


def test_a_profile_whose_executor_is_not_installed_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("executor: of-the-moon\n")
    with pytest.raises(InputError, match=r"executor of-the-moon is not installed: .* -r .*/requirements.txt"):
        command_line.check_profiles([str(tmp_path)])
    command_line.check_profiles(["profiles/default", "of somebody's home"])
