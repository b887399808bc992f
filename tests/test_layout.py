"""Where the parts of tests are: fixtures in conftest.py, and what test modules share in modules that are no tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import ROOT

MODULES = sorted((ROOT / "tests").rglob("test_*.py"))


def fixtures(tree: ast.Module) -> Iterator[str]:
    """Yield the names of functions that ``fixture`` decorates."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                if ast.unparse(called).split(".")[-1] == "fixture":
                    yield node.name


def imported_tests(tree: ast.Module) -> Iterator[str]:
    """Yield the names of test modules that are imported."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        yield from (name for name in names if name.split(".")[-1].startswith("test_"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_test_module_defines_no_fixture_and_imports_no_other(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(fixtures(tree)) == [], "fixtures belong in the conftest.py of the folder"
    assert list(imported_tests(tree)) == [], "what tests share belongs in a module of its own"


def test_fixtures_and_imports_are_seen_in_each_of_their_forms() -> None:
    forms = [
        "@pytest.fixture\ndef a(): ...",
        "@pytest.fixture(scope='module')\nasync def b(): ...",
        "@fixture\ndef c(): ...",
    ]
    assert list(fixtures(ast.parse("\n".join(forms)))) == ["a", "b", "c"]
    lines = ["import tests.test_a", "from tests import test_b", "from tests.x.test_c import d", "from tests.x import e"]
    assert list(imported_tests(ast.parse("\n".join(lines)))) == ["tests.test_a", "test_b", "tests.x.test_c"]
