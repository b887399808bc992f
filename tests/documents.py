"""The fenced blocks of the documents, for the tests that carry their commands out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.helpers import ROOT

BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> Iterator[str]:
    """Fenced blocks of a page in one language, without the indentation of the fence."""
    for indentation, name, text in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        if name == language:
            yield re.sub(f"^{indentation}", "", text, flags=re.MULTILINE)
