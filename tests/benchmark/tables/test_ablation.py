"""The table of an ablation: means, spreads and verdicts of constructed runs, beside what was published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmark.tables import ablation
from benchmark.tables.specs import AblationSpec
from osediff.common.errors import InputError
from tests.benchmark.rows import command, read_rows, write_rows, write_spec
from tests.helpers import ROOT

Spec = dict[str, Any]


def render(spec: Spec, files: list[Path], out: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Render the table; its rows by variant and source."""
    path = write_spec(out.parent / "spec.yaml", spec, AblationSpec)
    published = ROOT / "config/published/osediff-tables-2-7.csv"
    registry = ROOT / "config/metrics.yaml"
    arguments = ("--spec", path, "--registry", registry, "--rows", *files, "--published", published, "--out", out)
    command(ablation.main, *arguments)
    return {(row["variant"], row["source"]): row for row in read_rows(out.with_name(out.name + ".csv"))}


def test_the_table(seeds_ablation: tuple[Spec, list[Path]], tmp_path: Path) -> None:
    rows = render(*seeds_ablation, tmp_path / "table3")
    default, up, same = (rows[title, "measured"] for title in ("OSEDiff", "w/o VSD loss", "Same"))
    # Means 27, 28 and 29 of the three seeds: 28.00, sd 1.
    assert (default["PSNR↑"], default["PSNR↑ sd"], default["PSNR↑ p"]) == ("28.00", "1.00", "")
    assert (up["PSNR↑"], up["PSNR↑ verdict"], up["runs"], up["images"]) == ("28.50", "better", "3", "8")
    assert same["PSNR↑ verdict"] == "" and float(same["PSNR↑ p"]) > 0.05
    assert (rows["Shaky", "measured"]["converged"], rows["Shaky", "measured"]["PSNR↑"]) == ("2", "28.00")
    lost = rows["Lost", "measured"]
    note = "did not converge: loss is not finite at step 7"
    assert (lost["converged"], lost["PSNR↑"], lost["note"]) == ("0", "", note)
    # The paper's row stands beside ours, and is not one of ours.
    assert rows["w/o VSD loss", "published"]["PSNR↑"] == "25.42"
    assert rows["w/o VSD loss", "published"]["test_set"] == "realsr"
    assert rows["Lost", "published"]["note"] == "unstable"
    assert ("Same", "published") not in rows
    text = (tmp_path / "table3.md").read_text()
    assert "| w/o VSD loss | 3 | 28.50 ± 1.00 ▲ |" in text and "| *published* | *25.42* |" in text
    assert "| Lost | 0 of 3 converged | did not converge |" in text and "| *published* | *unstable* |" in text
    assert "- Twin: trains" in text and "- LPIPS not measured: needs x.pth" in text
    assert "▲ better, ▼ worse than the default variant" in text
    latex = (tmp_path / "table3.tex").read_text()
    assert r"28.50 $\pm$ 1.00 $\blacktriangle$" in latex and "\\caption{Loss.\nSet, mean" in latex


def test_one_seed_gives_no_verdict_and_says_why(seeds_ablation: tuple[Spec, list[Path]], tmp_path: Path) -> None:
    spec, files = seeds_ablation
    for row in spec["rows"].values():
        row["runs"] = row["runs"][:1]
    rows = render(spec, files[::3], tmp_path / "table3")
    up = rows["w/o VSD loss", "measured"]
    assert (up["PSNR↑"], up["PSNR↑ sd"], up["PSNR↑ p"], up["PSNR↑ verdict"]) == ("27.50", "", "", "")
    text = (tmp_path / "table3.md").read_text()
    assert "One seed: how much a second training would differ is unknown" in text and "▲" not in text


def test_the_note_of_an_ablation_is_below_its_table(seeds_ablation: tuple[Spec, list[Path]], tmp_path: Path) -> None:
    spec, files = seeds_ablation
    note = "The rank of the regularizer changes with that of the generator."
    render(spec | {"note": note}, files, tmp_path / "table3")
    assert all(note in (tmp_path / f"table3.{form}").read_text() for form in ("md", "tex", "html"))


def test_the_time_of_extraction_stands_beside_the_published_one(
    seeds_ablation: tuple[Spec, list[Path]], tmp_path: Path
) -> None:
    spec, files = seeds_ablation
    source = {"extractor": "dape", "device": "cpu", "precision": "fp32"}
    content = {"made_by": source, "prompts": {"a": "cat", "b": "tree"}, "seconds": 0.03456}
    (tmp_path / "prompts.json").write_text(json.dumps(content))
    spec |= {"name": "table4", "extraction": True}
    spec["rows"]["up"] |= {"prompts": [str(tmp_path / "prompts.json")], "published": "OSEDiff"}
    rows = render(spec, files, tmp_path / "table4")
    column = "extraction-seconds"
    assert rows["w/o VSD loss", "measured"][column] == "0.0346" and rows["w/o VSD loss", "published"][column] == "0.02"
    assert rows["OSEDiff", "measured"][column] == "0"  # no prompt, nothing to extract
    text = (tmp_path / "table4.md").read_text()
    assert "| extraction (s) |" in text
    assert "w/o VSD loss: extraction is the median of 2 images, dape on cpu in fp32, one image at a time" in text


def test_a_missing_run_and_other_images_are_named(seeds_ablation: tuple[Spec, list[Path]], tmp_path: Path) -> None:
    spec, files = seeds_ablation
    with pytest.raises(InputError, match=r"no evaluation of osediff\.base\.0 on set among --rows"):
        render(spec, files[1:], tmp_path / "table3")
    write_rows(files[3], "up.base.0", "set", {"psnr": [1.0, 2.0], "lpips": "needs x.pth"})
    with pytest.raises(InputError, match=r"up\.base\.0 was measured on other images than the default"):
        render(spec, files, tmp_path / "table3")
    assert not list(tmp_path.glob("table3*"))
