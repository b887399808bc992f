"""Render the page: one HTML file with style, scripts and data inside. It loads nothing but the images beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from benchmark.report import charts
from osediff.common.settings import Settings, parse
from osediff.common.validation import read_yaml

HERE = Path(__file__).parent
# The modules of the page's script, each after those that it imports.
MODULES = ("data", "state", "comparison", "viewer", "tables", "main")
IMPORT = re.compile(r"^import .*\n", re.MULTILINE)
EXPORT = re.compile(r"^export ", re.MULTILINE)
CODE = re.compile(r"`([^`]*)`")
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*\n?", re.MULTILINE)


class Library(Settings):
    """A bundled JavaScript library, an entry of libraries/libraries.yaml."""

    name: str
    version: str
    license: str
    license_file: str
    home: str
    file: str
    sha256: str

    @property
    def code(self) -> Markup:
        """Its license and its code, without the comment that names a file which is not here."""
        license_text, code = (
            (HERE / "libraries" / name).read_text(encoding="utf-8") for name in (self.license_file, self.file)
        )
        return Markup(f"/*\n{license_text}*/\n{SOURCE_MAP.sub('', code)}")


def libraries() -> list[Library]:
    """Return the bundled libraries."""
    path = HERE / "libraries" / "libraries.yaml"
    return [parse(entry, Library, str(path)) for entry in read_yaml(path)]


def script() -> Markup:
    """Join the modules of the page's script to one: a page from disk cannot import modules."""
    texts = [(HERE / "scripts" / f"{name}.js").read_text(encoding="utf-8") for name in MODULES]
    return Markup("\n".join(EXPORT.sub("", IMPORT.sub("", text)) for text in texts))


def with_code(text: str) -> Markup:
    """Show what stands in backticks as code; everything is escaped."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))


def render(content: dict[str, Any]) -> str:
    """Render the page of ``content``, the names that templates/index.html uses; every text is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = with_code
    geometry = {name.lower(): getattr(charts, name) for name in ("WIDTH", "HEIGHT", "LEFT", "TOP", "RIGHT", "BOTTOM")}
    code = {"script": script(), "style": Markup(environment.get_template("style.css").render())}
    return environment.get_template("index.html").render({**content, **geometry, **code, "libraries": libraries()})
