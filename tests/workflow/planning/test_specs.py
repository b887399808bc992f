"""What is written into specs."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import ROOT
from tests.workflow.planning.configurations import MAIN
from workflow.planning import loader, specs


def test_the_spec_of_photographs_says_where_their_downloads_lie(tmp_path: Path) -> None:
    assert specs.photo_set_spec(loader.load(MAIN, ROOT), "demo-pretrain").local is None
    given = loader.load(MAIN | {"paths": {"demo-pretrain": str(tmp_path)}}, ROOT)
    spec = specs.photo_set_spec(given, "demo-pretrain")
    assert spec.local == str(tmp_path) and spec.download == given.photos["demo-pretrain"].download


def test_a_spec_that_says_the_same_is_not_written_again(tmp_path: Path) -> None:
    bench = loader.load(MAIN, ROOT)
    path = Path(specs.write_spec(str(tmp_path), "table/table1", specs.table_spec(bench, "table1")))
    assert path == tmp_path / "table" / "table1.yaml"
    before = path.stat().st_mtime_ns
    specs.write_spec(str(tmp_path), "table/table1", specs.table_spec(bench, "table1"))
    assert path.stat().st_mtime_ns == before
    specs.write_spec(str(tmp_path), "table/table1", specs.table_spec(bench, "table8"))
    assert "Table 8" in path.read_text()
