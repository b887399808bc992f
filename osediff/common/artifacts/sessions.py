"""Sessions of requests in which the head of an answer has a time limit, as a whole and not byte by byte."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


def limit_head(connection: Any, seconds: float) -> Any:
    """Return the answer on ``connection``; it is cut off if its head is not here after ``seconds``."""

    def give_up() -> None:
        with contextlib.suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        return super(type(connection), connection).getresponse()
    finally:
        timer.cancel()


class LimitedAdapter(HTTPAdapter):
    """Connections whose answers begin within ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Give the pools connections with the limit."""
        super().init_poolmanager(*args, **options)
        seconds = self.seconds

        class Plain(HTTPConnection):
            def getresponse(self) -> Any:
                return limit_head(self, seconds)

        class Secure(HTTPSConnection):
            def getresponse(self) -> Any:
                return limit_head(self, seconds)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


class StayingSession(requests.Session):
    """A session that follows no redirect: requests would read the body of each to its end, which may never come."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Hide where ``resp`` leads; ``redirect_target`` tells."""


def redirect_target(session: requests.Session, response: requests.Response) -> str | None:
    """Return the address to which ``response`` leads, as the server gives it; None if it is no redirect."""
    return requests.Session.get_redirect_target(session, response)


def make_session(seconds: float) -> requests.Session:
    """Return a session that follows no redirect, and in which the head of every answer is here within ``seconds``."""
    session = StayingSession()
    for scheme in ("http://", "https://"):
        session.mount(scheme, LimitedAdapter(seconds))
    return session
