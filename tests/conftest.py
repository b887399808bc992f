"""What holds for all tests: Ctrl-C reaches the programs that they start, and what takes long is marked as slow."""

from __future__ import annotations

import signal

import pytest

# Fixtures that take 20 to 50 seconds of CPU time; the first test that asks for one pays for all.
EXPENSIVE = {"finished", "measured"}

# In a background shell Ctrl-C is ignored, and programs inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need an expensive fixture as slow, and put the longest modules first.

    A process of pytest-xdist takes a module at a time; a long one that came last would leave the others idle.
    """
    items.sort(key=lambda item: "workflow" not in item.path.parent.parts)
    for item in items:
        if isinstance(item, pytest.Function) and EXPENSIVE & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
