"""What holds for all tests: Ctrl-C reaches the programs that they start, and what takes long is marked as slow."""

from __future__ import annotations

import signal

import pytest

# Fixtures that take half a minute of CPU time or more; the first test that asks for one pays for all.
EXPENSIVE = {"finished", "measured"}

# In a background shell Ctrl-C is ignored, and programs inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need an expensive fixture as slow."""
    for item in items:
        if isinstance(item, pytest.Function) and EXPENSIVE & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
