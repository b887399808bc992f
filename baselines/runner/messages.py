"""Messages from the process of a baseline to the process that watches it: JSON lines on a pipe."""

from __future__ import annotations

import os
from typing import Literal

from osediff.common.settings import Settings


class Message(Settings):
    """The last event of the worker."""

    event: Literal["loaded", "begun", "restored", "input_error"]
    detail: str = ""
    """begun, restored: name of the image. input_error: what the user can correct, in one line."""


def send_message(pipe: int, message: Message) -> None:
    """Write ``message`` to the file descriptor ``pipe``."""
    os.write(pipe, message.model_dump_json().encode() + b"\n")


def parse_message(line: bytes) -> Message:
    """Return the message that ``send_message`` wrote as ``line``."""
    return Message.model_validate_json(line)
