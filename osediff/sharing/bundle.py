"""Write the pipeline and what it takes from this package as one file that needs only diffusers.

diffusers executes a single file, and only of a person who trusts it. A second implementation in that file would diverge
from this one; so it is made from the source of the functions that restore here, and gives the same pixels. Those of a
wide backbone on a CPU may differ by rounding, since only this package uses ``osediff.common.products``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# Modules in the order of their definitions, with the names that are taken; None: all.
PARTS: dict[str, tuple[str, ...] | None] = {
    "common/errors.py": ("InputError",),
    "data/color.py": ("LEVELS", "adain", "blurred", "wavelet", "Fix", "FIXES"),
    "data/tensors.py": ("as_tensor", "as_image"),
    "data/upsampling.py": ("upsample",),
    "models/sample_rng.py": None,
    "models/tile_sizes.py": None,
    "models/tiling.py": None,
    "sharing/pipeline.py": None,
}
LICENSE = "# Made from the source of osediff-benchmark, Apache License 2.0.\n"


def defined_name(node: ast.stmt) -> str | None:
    """Return the name that ``node`` defines at the top of a module; None if it defines none."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return target.id if isinstance(target, ast.Name) else None


def definitions(path: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of each definition in the module at ``path``, with the comments before it."""
    text = path.read_text(encoding="utf-8")
    lines, before = text.splitlines(), 0
    for node in ast.parse(text).body:
        if name := defined_name(node):
            yield name, "\n".join(lines[before : node.end_lineno]).strip("\n")
        before = node.end_lineno or before


def imports(path: Path, used: set[str]) -> Iterator[str]:
    """Yield the imports of the module at ``path`` from other packages, reduced to the names that are ``used``."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in ("osediff", "__future__"):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [alias for alias in node.names if (alias.asname or alias.name).split(".")[0] in used]
            if node.names:
                yield ast.unparse(node)


def bundle() -> str:
    """Return the text of ``pipeline.py``."""
    names: set[str] = set()
    bodies: list[str] = []
    for part, wanted in PARTS.items():
        chosen = [(name, text) for name, text in definitions(PACKAGE / part) if wanted is None or name in wanted]
        if twice := names & {name for name, _ in chosen}:
            raise ValueError(f"{part}: {', '.join(sorted(twice))} is defined in another part of the pipeline, too")
        names |= {name for name, _ in chosen}
        bodies += [text for _, text in chosen]
    body = "\n\n\n".join(bodies)
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    needed = {line for part in PARTS for line in imports(PACKAGE / part, used)}
    documentation = ast.get_docstring(ast.parse((PACKAGE / "sharing/pipeline.py").read_text(encoding="utf-8")))
    head = [f'"""{documentation}\n"""\n', LICENSE, "from __future__ import annotations\n"]
    return "\n".join([*head, *sorted(needed), f"\n\n{body}\n"])
