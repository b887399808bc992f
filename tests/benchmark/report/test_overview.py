"""Results outside of the preset's own files are shown if they exist: Table 2, its efficiency plot, an ablation."""

from __future__ import annotations

import re
from pathlib import Path

from benchmark.tables.complexity import COLUMNS
from osediff.common import settings
from tests.benchmark.report.small_run import SmallRun

TABLE2 = [
    ["OSEDiff", "measured", "512", "1", "0.5", "a GPU", "2265", "", "1775", "", "everything"],
    ["SeeSR", "published", "512", "50", "4.3", "A100", "65857", "", "2524", "", ""],
]


def test_table_2_its_plot_and_an_ablation_are_shown(run: SmallRun) -> None:
    run.write()
    folder = run.folder / "results"
    folder.mkdir(exist_ok=True)
    head = [column.key for column in COLUMNS if column.csv]
    lines = [head, *(row[: len(head)] for row in TABLE2)]
    (folder / "table2.csv").write_text("\n".join(",".join(line) for line in lines) + "\n")
    (folder / "table2.md").write_text("# Table 2: <cost>\n")
    (folder / "table3.csv").write_text("variant,LPIPS mean\nfull <b>,0.3\n")
    (folder / "table3.md").touch()  # as an editor may leave it
    further = {str(folder / name): "0" for name in ("table2.csv", "table3.csv", "table4.csv")}
    settings.write(run.folder / "report.yaml", run.spec().model_copy(update={"further": further}))
    text = run.build().read_text(encoding="utf-8")
    assert "<h2>Table 2: &lt;cost&gt;</h2>" in text and "full &lt;b&gt;" in text
    assert "OSEDiff (measured: a GPU): 1775 at 0.5" in text and "SeeSR (published: A100): 2524 at 4.3" in text
    assert text.count("series s1 d1 hollow") == 1, "published marks are hollow"
    average = re.search(
        r"OSEDiff \(measured: a GPU\): (0\.3\d+) at 0\.5<", text.split("DISTS↓ on Set one over seconds")[1]
    )
    assert average and f">{float(average[1]):.4f}<" in text, "the average of Table 1"
    assert "Not drawn for lack of a value: SeeSR" in text, "no DISTS of it was published"
    assert "table4" not in text


def test_without_table_2_the_page_says_how_to_make_it(index: Path) -> None:
    assert "snakemake --cores all results/table2.csv" in index.read_text(encoding="utf-8")
