"""Find the files of this repository on which a command depends, by its imports.

Snakemake notices an edited module only through an input of the rule. A list that is written by hand becomes incomplete
without a warning, and then results are outdated. This list is read from the code, and is one file with the checksum of
every module: Snakemake looks at every input of every job, and a plan has thousands of jobs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from osediff.common.errors import exit_if_disk_fails
from osediff.common.files import read_text, sha256, write_text

PACKAGES = ("osediff", "baselines", "benchmark")
CHECKSUMS = "runs/specs/code/{module}/SHA256SUMS"
hash_once = cache(sha256)  # modules share most of their sources


@cache
def find(root: Path, module: str) -> Path | None:
    """Return the file of ``module`` below ``root``, or None if the module is not in this repository."""
    if module.split(".")[0] not in PACKAGES:
        return None
    path = root.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists():
            return candidate
    return None


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield every statement of ``body`` at any depth. Expressions are skipped, since they contain no imports."""
    for statement in body:
        yield statement
        for name in ("body", "orelse", "finalbody"):
            yield from statements(getattr(statement, name, []))
        for name in ("handlers", "cases"):
            for branch in getattr(statement, name, []):
                yield from statements(branch.body)


@cache
def imported(path: Path) -> set[str]:
    """Return the names of all modules that the file at ``path`` imports anywhere, with their parents.

    Of a package's ``__init__.py``, imports inside functions do not count: they are its lazy names.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in tree.body if path.name == "__init__.py" else statements(tree.body):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names | {name.rsplit(".", 1)[0] for name in names}


@cache
def sources(root: Path, module: str) -> list[str]:
    """Return the paths, relative to ``root``, of ``module`` and of all modules here that it imports at any depth."""
    visited: set[Path] = set()
    waiting = [module, module.split(".")[0]]
    while waiting:
        path = find(root, waiting.pop())
        if path is not None and path not in visited:
            visited.add(path)
            waiting.extend(imported(path))
    return sorted(str(path.relative_to(root)) for path in visited)


@cache
def write_checksums(root: Path, module: str) -> str:
    """Write the checksums of the ``sources`` of ``module``, for ``sha256sum --check``, and return the path of the file.

    A file with the same content is not touched. Each has a folder of its own, for the reason of ``specs.write_spec``.
    """
    path = Path(CHECKSUMS.format(module=module))
    text = "".join(f"{hash_once(root / name)}  {name}\n" for name in sources(root, module))
    if not path.is_file() or read_text(path) != text:
        with exit_if_disk_fails(path):
            write_text(path, text)
    return str(path)
