"""The GPU report: a section that fails or hangs is a row that says why, the rest is measured, a second run goes on."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from benchmark.complexity import gpu_report
from benchmark.complexity.gpu_report import Section, make_report, plan_sections
from benchmark.complexity.section import SectionResult, SectionSpec
from benchmark.complexity.specs import TimingSpec
from osediff.common.errors import InputError


def measured() -> list[tuple[str, float, str, str]]:
    return [("width", 3.5, "m", "by eye")]


def broken() -> list[tuple[str, float, str, str]]:
    raise KeyError("odd")


def hanging() -> list[tuple[str, float, str, str]]:
    time.sleep(600)
    return []


def section(function: str) -> Section:
    return gpu_report._section(function, function, SectionSpec(entry_point=f"{__name__}:{function}", options={}))


@pytest.mark.slow
def test_a_section_that_fails_is_a_row_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = [section("broken"), section("measured")]
    assert make_report(sections, "cpu", tmp_path, minutes=5, limit=120) == 1
    text = (tmp_path / "report.md").read_text()
    assert "| broken |  |  |  | failed: error: KeyError: 'odd' |" in text
    assert "| measured | width | 3.5 | m | by eye |" in text
    # The same command measures again only what failed.
    again: list[str] = []
    run_section = gpu_report.run_section

    def spy(one: Section, out: Path, limit: float) -> SectionResult:
        again.append(one.name)
        return run_section(one, out, limit)

    monkeypatch.setattr(gpu_report, "run_section", spy)
    make_report(sections, "cpu", tmp_path, minutes=5, limit=120)
    assert again == ["broken"]


def test_a_section_that_hangs_is_ended(tmp_path: Path) -> None:
    result = gpu_report.run_section(section("hanging"), tmp_path, limit=1)
    assert result.failed == "not finished after 1 s" and result.rows == ()


def test_no_section_starts_when_the_time_is_up(tmp_path: Path) -> None:
    assert make_report([section("measured")], "cpu", tmp_path, minutes=0, limit=5) == 1


def test_the_whole_is_planned_by_the_configuration() -> None:
    sections = {one.name: one for one in plan_sections("osediff", 512, "cuda")}
    assert {"lease", "evaluation in batches", "numerics", "training step: gpu-24gb"} <= sections.keys()
    for protocol, compiled in (("official", False), ("strict", False), ("strict-compiled", True)):
        spec = sections[f"inference: Table 2, {protocol}"].spec
        assert isinstance(spec, TimingSpec)
        assert (spec.title, spec.protocol, spec.precision, spec.settings.compile) == (
            "OSEDiff",
            protocol,
            "fp16",
            compiled,
        )
    with pytest.raises(InputError, match="did you mean osediff"):
        plan_sections("osedif", 512, "cuda")


@pytest.mark.parametrize(
    ("file", "key", "message"),
    [
        ("compute", "micro_batch", r"compute\.yaml: cpu: key 'micro_batch' is missing"),
        ("backbones", "folder", r"backbones\.yaml: demo: key 'folder' is missing"),
        ("backbones", "sizes", r"backbones\.yaml: [\w.-]+: at random: unknown key 'size', did you mean sizes"),
    ],
)
def test_a_misspelled_key_is_one_line(
    file: str, key: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(gpu_report.CONFIG, tmp_path / "config")
    path = tmp_path / "config" / f"{file}.yaml"
    path.write_text(path.read_text().replace(f"{key}:", f"{key[:-1]}:"))
    monkeypatch.setattr(gpu_report, "CONFIG", tmp_path / "config")
    with pytest.raises(InputError, match=message) as error:
        plan_sections("osediff", 512, "cuda")
    assert "\n" not in str(error.value)
