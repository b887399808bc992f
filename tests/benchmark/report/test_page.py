"""The parts that a page is made of: bundled libraries, and its own scripts."""

from __future__ import annotations

import re

from benchmark.report import page
from osediff.common.files import sha256

SCRIPTS = sorted((page.HERE / "scripts").glob("*.js"))


def test_libraries_are_the_files_of_their_packages() -> None:
    bundled = page.libraries()
    assert {library.file: sha256(page.HERE / "libraries" / library.file) for library in bundled} == {
        library.file: library.sha256 for library in bundled
    }
    assert all("free of charge" in item.code or "public domain" in item.code for item in bundled), "licenses"
    assert {path.name for path in (page.HERE / "libraries").glob("*.js")} == {library.file for library in bundled}


def test_the_scripts_are_short_and_all_of_them_are_in_the_page() -> None:
    assert {path.stem for path in SCRIPTS} == set(page.MODULES)
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in SCRIPTS) <= 600


def test_joined_scripts_import_nothing_and_define_no_name_twice() -> None:
    text = page.script()
    assert not re.search(r"^(import|export) ", text, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) > 20 and len(names) == len(set(names))
    assert "</script" not in text and all("</script" not in library.code for library in page.libraries())
