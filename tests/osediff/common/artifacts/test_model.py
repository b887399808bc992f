"""What a registry may say of an artifact, and the line that answers where it says something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osediff.common.artifacts.model import parse
from osediff.common.errors import InputError


def content(**changes: Any) -> dict[str, Any]:
    """A valid artifact with ``changes``."""
    mirrors = [{"url": "https://example.org/{revision}/{file}", "revision": "v1"}]
    return {"license": "MIT", "folder": "data/x", "mirrors": mirrors, "files": {"a b.bin": None}} | changes


def package(**changes: Any) -> dict[str, Any]:
    """A valid package mirror with ``changes``."""
    valid = {"name": "x", "version": "1", "archive": "x-1.tar.gz", "sha256": "0" * 64, "member": "x/{file}"}
    return {"package": valid | changes}


def test_addresses_hold_revision_and_quoted_file() -> None:
    artifact = parse(content(), "x.yaml")
    assert artifact.mirrors[0].address("a b.bin") == "https://example.org/v1/a%20b.bin"
    assert artifact.contents["a b.bin"].sha256 is None and artifact.bytes is None
    assert parse(content(files={"a": {"size": 2}, "b": {"size": 3}}), "x.yaml").bytes == 5


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"licence": "MIT"}, "x.yaml: unknown key 'licence', did you mean license?"),
        ({"mirrors": [{"ulr": "https://x/{file}"}]}, "x.yaml: at mirrors.0: unknown key 'ulr', did you mean url?"),
        ({"mirrors": [package(digest="0")]}, "x.yaml: at mirrors.0.package: unknown key 'digest'"),
        (
            {"files": {"a": {"sha526": "0" * 64}}},
            "x.yaml: at files.a: unknown key 'sha526', did you mean sha256?",
        ),
        ({"mirrors": []}, "x.yaml: needs mirrors, or manual_source"),
        ({"mirrors": [{"name": "nowhere"}]}, "x.yaml: at mirrors.0: needs either url or package"),
        ({"mirrors": [{"url": "file:///etc/passwd"}]}, "x.yaml: at mirrors.0.url: 'file:///etc/passwd' must match"),
        ({"files": {"../a": None}}, "'../a' must stay inside its folder"),
        ({"files": {"/etc/a": None}}, "'/etc/a' must stay inside its folder"),
        ({"files": {"a/../../b": None}}, "must stay inside its folder"),
        ({"folder": "../.."}, "'../..' must stay inside its folder"),
        ({"files": {"a": {"sha256": "0" * 64 + "\n"}}}, "x.yaml: at files"),
        ({"files": {"a": {"size": "12"}}}, "x.yaml: at files"),
        ({"files": {"a": {"size": -1}}}, "x.yaml: at files"),
        (
            {"mirrors": [package(name="x --target /elsewhere")]},
            "x.yaml: at mirrors.0.package.name: 'x --target /elsewhere' must match",
        ),
        ({"mirrors": [package(sha256="0" * 8)]}, "x.yaml: at mirrors.0.package.sha256: '00000000' must match"),
        ({"unpack": {"LR": "in"}, "files": {"a": None, "b": None}}, "x.yaml: unpack needs exactly one file"),
        ({"license": None}, "x.yaml: at license: must be text, not null"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_key(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as error:
        parse(content(**changes), "x.yaml")
    assert line in str(error.value) and "\n" not in str(error.value)


def test_a_csv_file_can_list_the_files(tmp_path: Path) -> None:
    lines = tmp_path / "x.csv"
    lines.write_text(f"part,name,bytes,sha256\nLR,1.png,12,{'0' * 64}\nHR,1.png,99,{'1' * 64}\n")
    files = parse(content(files=str(lines)), "x.yaml").contents
    assert {name: file.size for name, file in files.items()} == {"LR/1.png": 12, "HR/1.png": 99}
    for damage in (
        "part,name\nLR,1.png\n",
        f"part,name,bytes,sha256\nLR,../../x,1,{'0' * 64}\n",
        "part,name,bytes,sha256\nLR,x,1,0\n",
    ):
        lines.write_text(damage)
        with pytest.raises(InputError, match="is no list of files"):
            parse(content(files=str(lines)), "x.yaml").contents  # noqa: B018
