"""Messages of the worker: what goes into the pipe comes out, one line for each, and nothing else passes."""

from __future__ import annotations

import os

import pytest
from pydantic import ValidationError

from baselines.runner.messages import Message, parse_message, send_message


def test_messages_come_out_of_the_pipe_as_they_went_in() -> None:
    sent = [
        Message(event="loaded"),
        Message(event="restored", detail="name with a blank"),
        Message(event="input_error", detail='two lines\nand "quotes" – and more'),
    ]
    reading, writing = os.pipe()
    for message in sent:
        send_message(writing, message)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.readlines()
    assert [parse_message(line) for line in lines] == sent


@pytest.mark.parametrize("line", [b'{"event": "finished"}', b'{"event": "begun", "image": "a"}', b"Loading weights"])
def test_a_line_that_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(ValidationError):
        parse_message(line)
