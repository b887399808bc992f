"""The switch that stops downloads: an option, or an environment variable."""

from __future__ import annotations

import argparse

import pytest

from osediff.common.artifacts.offline import VARIABLE, add_offline_option


@pytest.mark.parametrize(
    ("value", "options", "offline"),
    [(None, [], False), (None, ["--offline"], True), ("1", [], True), ("0", [], False), ("", ["--offline"], True)],
)
def test_option_and_variable_both_stop_downloads(
    monkeypatch: pytest.MonkeyPatch, value: str | None, options: list[str], offline: bool
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    parser = argparse.ArgumentParser()
    add_offline_option(parser)
    assert parser.parse_args(options).offline is offline
