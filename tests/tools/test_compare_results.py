"""Two trees of results: what is equal, what differs, and how renamed columns are followed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from osediff.common.errors import InputError
from tools.compare_results import main

ADAPTERS = "runs/demo/train/osediff/demo/0/adapters.safetensors"
IMAGE = "runs/demo/restore/osediff/set/SR/a.png"
PLAN = "Job stats:\njob    count\n-----  -----\ntrain      1\nrestore    3\ntotal      4\n\nrule train:\n"
RANKING = (
    "# Ranking\n\n|  | Bicubic | OSEDiff |\n|---|--:|--:|\n"
    "| Bicubic | – | better +0.16 |\n| OSEDiff | worse -0.16 | – |\n"
)


def write(root: Path, name: str, content: bytes | str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def make_trees(folder: Path) -> tuple[Path, Path]:
    """Make two equal trees."""
    before = folder / "before"
    write(before, ADAPTERS, b"weights")
    write(before, IMAGE, b"pixels")
    write(before, "results/table1.csv", "scale,method,PSNR,seconds\ndemo,OSEDiff,23.50,1\ndemo,Bicubic,,2\n")
    write(before, "results/ranking.md", RANKING)
    write(before, "plan_paper.txt", PLAN)
    write(before, "results/radar.png", b"not compared")
    after = folder / "after"
    shutil.copytree(before, after)
    return before, after


def differences(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    """The lines of one comparison but for its summary; they and the exit code must agree."""
    code: int | str | None = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = end.code
    *lines, summary = capsys.readouterr().out.splitlines()
    assert summary.startswith(f"{len(lines)} differences in ")
    assert code == (1 if lines else 0)
    return lines


def test_equal_trees_and_other_text_around_the_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = make_trees(tmp_path)
    write(after, "results/radar.png", b"another picture")
    write(after, "results/ranking.md", RANKING.replace("# Ranking", "# Paired comparison of methods"))
    write(after, "results/table1.csv", "scale,method,PSNR,seconds\ndemo,OSEDiff,23.5,1.0\ndemo,Bicubic,,2\n")
    assert differences(capsys, before, after) == []


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        (ADAPTERS, b"other weights", f"{ADAPTERS}: the bytes differ"),
        (IMAGE, b"other pixels", f"{IMAGE}: the bytes differ"),
        (
            "results/table1.csv",
            "scale,method,PSNR,seconds\ndemo,OSEDiff,23.51,1\ndemo,Bicubic,,2\n",
            "results/table1.csv: row 1, column 'PSNR': '23.50' in BEFORE, '23.51' in AFTER",
        ),
        (
            "results/table1.csv",
            "scale,method,PSNR,seconds\ndemo,OSEDiff,23.50,1\n",
            "results/table1.csv: 2 rows in BEFORE, 1 in AFTER",
        ),
        (
            "results/ranking.md",
            RANKING.replace("better", "equal"),
            "results/ranking.md: row 1, column 'OSEDiff': 'better +0.16' in BEFORE, 'equal +0.16' in AFTER",
        ),
        (
            "plan_paper.txt",
            PLAN.replace("3", "2"),
            "plan_paper.txt: jobs of rule restore: 3 in BEFORE, 2 in AFTER",
        ),
        ("results/new.csv", "a\n1\n", "results/new.csv: is only in AFTER"),
    ],
)
def test_each_difference_is_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | str, line: str
) -> None:
    before, after = make_trees(tmp_path)
    write(after, name, content)
    assert differences(capsys, before, after) == [line]


def test_a_missing_file_is_a_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = make_trees(tmp_path)
    (after / IMAGE).unlink()
    assert differences(capsys, before, after) == [f"{IMAGE}: is only in BEFORE"]


def test_renames_are_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = make_trees(tmp_path)
    renames = tmp_path / "renames.yaml"
    renames.write_text(
        "files: {ranking.md: pairwise.md}\ncolumns: {scale: preset}\nwords: {OSEDiff: Ours}\n"
        "jobs: {restore: restore_variant}\nignore: ['results/table1.csv:seconds']\n"
    )
    (after / "results/ranking.md").unlink()
    write(after, "results/pairwise.md", RANKING.replace("| OSEDiff | worse", "| Ours | worse"))
    write(after, "results/table1.csv", "method,preset,PSNR\nOurs,demo,23.50\nBicubic,demo,\n")
    write(after, "plan_paper.txt", PLAN.replace("restore ", "restore_variant "))
    assert differences(capsys, before, after, "--renames", renames) == []
    lines = differences(capsys, before, after, "--column", "scale=preset")
    assert any("column 'seconds' is only in BEFORE" in line for line in lines)
    assert not any("preset" in line for line in lines)


def test_nothing_to_compare_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(tmp_path), str(tmp_path)])
    assert end.value.code == 1
    assert capsys.readouterr().out == "0 differences in 0 compared files (none)\n"


def test_a_wrong_file_of_renames_is_one_line(tmp_path: Path) -> None:
    before, after = make_trees(tmp_path)
    renames = tmp_path / "renames.yaml"
    renames.write_text("column: {a: b}\n")
    with pytest.raises(InputError, match=r"renames\.yaml: the keys are"):
        main([str(before), str(after), "--renames", str(renames)])
