"""The wish of a scheduler that a training ends: SIGTERM, at first."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class StopRequest:
    """Notes SIGTERM, so that the training ends after a step; another SIGTERM ends it at once, as before."""

    def __init__(self) -> None:
        self.reason = ""
        self.before = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.note)

    def note(self, number: int, frame: FrameType | None) -> None:
        """Note a signal."""
        self.reason = "SIGTERM"
        signal.signal(signal.SIGTERM, self.before)
