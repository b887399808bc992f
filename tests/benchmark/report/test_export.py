"""A submission: what is exported is taken up by another run, and refused where it does not compare."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
import yaml

from benchmark.data import take_submission
from benchmark.data.submission import MANIFEST, read_submission
from benchmark.metrics.registry import read_registry
from benchmark.report import __main__ as report
from osediff.common import settings
from osediff.common.errors import InputError
from osediff.common.files import read_json, write_json
from tests.benchmark.report.small_run import AVERAGES, UNMEASURED, SmallRun
from tests.benchmark.rows import command, read_rows
from tests.helpers import ROOT


def export(run: SmallRun, out: Path, method: str = "osediff") -> Path:
    """Export a method of a run that was written."""
    common = ["--registry", ROOT / "config/metrics.yaml", "--rows", *run.rows]
    command(report.main, "export", "--spec", run.folder / "report.yaml", *common, "--method", method, "--out", out)
    return out


def take(
    run: SmallRun, submission: Path, metrics: tuple[str, ...] = (*AVERAGES, "niqe"), test_set: str = "one"
) -> Path:
    """Take a submission up as the method ``theirs``."""
    settings.write(run.folder / "evaluate.yaml", read_registry(ROOT / "config/metrics.yaml").select(metrics))
    command(
        take_submission.main,
        *("--submission", submission, "--method", "theirs", "--test-set", test_set),
        *("--spec", run.folder / "evaluate.yaml", "--manifest", run.folder / "data" / "manifest.json"),
        *("--images", run.folder / "taken", "--out", run.folder / "theirs.csv"),
    )
    return run.folder / "theirs.csv"


def edited(submission: Path, old: str, new: str) -> Path:
    """Replace a text in the description of a submission that is a folder."""
    text = (submission / MANIFEST).read_text()
    assert old in text
    (submission / MANIFEST).write_text(text.replace(old, new))
    return submission


@pytest.mark.parametrize("name", ["mine.zip", "mine"])
def test_another_run_has_the_same_rows_and_some_images(run: SmallRun, name: str) -> None:
    submission = export(run.write(), run.folder / name)
    taken = read_rows(take(run, submission))
    assert [row | {"method": "osediff"} for row in taken] == read_rows(run.rows[1])
    assert {row["method"] for row in taken} == {"theirs"}
    images = sorted((run.folder / "taken").iterdir())
    assert len(images) == 3
    assert all(image.read_bytes() == (run.sr("osediff") / image.name).read_bytes() for image in images)


def test_a_submission_says_how_and_on_what_it_was_measured(run: SmallRun) -> None:
    submission = export(run.write(), run.folder / "mine.zip")
    content = read_submission(submission)
    assert (content.method, content.title, content.preset, content.device) == ("osediff", "OSEDiff", "paper", "cpu")
    assert content.metrics["psnr"].protocol == "osediff/2" and set(content.test_sets["one"]) == set(run.images)
    assert content.environment["pyiqa"] and content.commit
    with zipfile.ZipFile(submission) as archive:
        assert yaml.safe_load(archive.read(MANIFEST))["format"] == 1
        assert {"rows/one.csv", "records/one.json"} < set(archive.namelist())


def test_what_a_submission_lacks_stays_empty_with_a_note(run: SmallRun) -> None:
    submission = export(run.write(), run.folder / "mine.zip")
    rows = read_rows(take(run, submission, (*AVERAGES, "niqe", "ssim")))
    notes = {row["metric"]: row["note"] for row in rows if not row["value"]}
    assert notes == {"niqe": UNMEASURED, "ssim": "not in the submission"}
    rows = read_rows(take(run, submission, ("psnr",), test_set="two"))
    assert [(row["value"], row["note"]) for row in rows] == [("", "the submission does not have two")]


def test_another_protocol_is_refused_by_name(run: SmallRun) -> None:
    submission = edited(export(run.write(), run.folder / "mine"), "protocol: osediff/2", "protocol: osediff/1")
    with pytest.raises(InputError, match=r"mine: psnr was measured by osediff/1, and this run measures by osediff/2"):
        take(run, submission)


def test_another_definition_is_refused_by_name(run: SmallRun) -> None:
    submission = export(run.write(), run.folder / "mine")
    digest = read_submission(submission).metrics["lpips"].definition
    with pytest.raises(InputError, match="lpips was computed in another way"):
        take(run, edited(submission, digest, "f" * 64))


@pytest.mark.parametrize(
    ("image", "change", "message"),
    [
        ("image-03", {"lr_sha256": "1"}, "image-03 of one is another image there"),
        ("image-03", None, "only the submission has the image image-03 of one"),
    ],
)
def test_other_images_are_refused_by_name(
    run: SmallRun, image: str, change: dict[str, str] | None, message: str
) -> None:
    submission = export(run.write(), run.folder / "mine.zip")
    manifest = run.folder / "data" / "manifest.json"
    content = read_json(manifest)
    if change:
        content["images"][image] |= change
    else:
        del content["images"][image]
    write_json(manifest, content)
    with pytest.raises(InputError, match=message):
        take(run, submission)


def test_a_file_that_is_no_submission_or_leaves_its_folder_is_refused(run: SmallRun) -> None:
    run.write()
    (run.folder / "text.zip").write_text("text")
    with pytest.raises(InputError, match=r"text\.zip: is damaged or no archive .*it is no submission"):
        take(run, run.folder / "text.zip")
    os.mkfifo(run.folder / "pipe.zip")
    with pytest.raises(InputError, match=r"pipe\.zip: is no plain file"):
        take(run, run.folder / "pipe.zip")
    with zipfile.ZipFile(run.folder / "evil.zip", "w") as archive:
        archive.writestr("../evil", "x")
    with pytest.raises(InputError, match=r"\.\./evil would leave its folder"):
        take(run, run.folder / "evil.zip")


def test_an_unknown_method_and_an_existing_file_are_refused(run: SmallRun) -> None:
    run.write()
    with pytest.raises(InputError, match="unknown method 'osedif', did you mean osediff"):
        export(run, run.folder / "mine.zip", "osedif")
    (run.folder / "mine.zip").touch()
    with pytest.raises(InputError, match="exists already"):
        export(run, run.folder / "mine.zip")
