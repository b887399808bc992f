"""The help of a command says how it is called and what it does."""

from __future__ import annotations

from osediff.common.command_line import make_parser


def test_help_has_the_call_and_the_first_line_of_the_documentation() -> None:
    text = make_parser("osediff.thing", "Do a thing.\n\nIt is done so.").format_help()
    assert text.startswith("usage: python -m osediff.thing [-h]") and "Do a thing." in text and "done so" not in text
