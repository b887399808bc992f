"""A file server on the loopback address that can misbehave in every way that was seen or thought of."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = (b"PK\x03\x04" + bytes(range(256)) * 1000)[:-22] + b"PK\x05\x06" + bytes(18)  # as a zip begins and ends
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class FileServer(ThreadingHTTPServer):
    """``http://…/BEHAVIOR/NAME`` answers as BEHAVIOR says; ``requests`` notes path and headers of every request."""

    daemon_threads = True
    block_on_close = False
    seen: list[tuple[str, dict[str, str]]]
    busy: int
    etag: str
    content: bytes

    def url(self, behavior: str, name: str = "{file}") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{behavior}/{name}"

    def ranges(self) -> list[str | None]:
        """The Range header of every request."""
        return [headers.get("Range") for _, headers in self.seen]

    def handle_error(self, *_: object) -> None:
        """A client that gives up is no error of this server."""


class Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:  # noqa: C901 - a list of behaviors
        server, content = self.server, self.server.content
        server.seen.append((self.path, dict(self.headers)))
        behavior = self.path.split("/")[1]
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        if self.headers.get("If-Range", server.etag) != server.etag:
            start = 0
        match behavior:
            case "absent":
                self.send_error(404)
            case "denied":
                self.send_error(403)
            case "busy" | "sleepy" | "unavailable":
                if behavior == "busy" and len(server.seen) > server.busy:
                    self.whole(content, start)
                    return
                self.send_response(503 if behavior == "unavailable" else 429)
                self.send_header("Retry-After", "86400" if behavior == "sleepy" else "0")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case "page":
                self.whole(b"<!DOCTYPE html><title>sign in</title>", 0, "text/html; charset=utf-8")
            case "hidden-page":
                self.whole(b"<html>sign in</html>", 0)
            case "pointer":
                self.whole(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", 0)
            case "empty":
                self.whole(b"", 0)
            case "wrong":
                self.whole(b"PK" + content[:1:-1], start)
            case "long":
                self.whole(content * 2, start)
            case "longer-than-announced":
                self.whole(content, 0, length=1000)
            case "sizeless":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content)
            case "chunked":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in (content[:99999], content[99999:], b""):
                    self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            case "gzip":
                self.whole(content, 0, encoding="gzip")
            case "other-range":
                self.whole(content, start, shift=7)
            case "rangeless":
                self.whole(content, 0)
            case "cut":
                self.whole(content, start, stop=100_000)
            case "byte":
                self.whole(content, start, stop=1)
            case "reset":
                self.connection.close()
            case "stall":
                self.whole(content, start, stop=1000, pause=True)
            case "drip":
                self.drip(content)
            case "silent":
                time.sleep(20)
            case "malformed":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabc")
            case "slow-header":
                for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200:
                    self.wfile.write(bytes([letter]))
                    self.wfile.flush()
                    time.sleep(0.2)
            case "many-headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n")
            case "other-total":
                self.whole(content, start, total=len(content) + 1)
            case "later-page":
                self.whole(content if not start else b"<html>busy</html>".ljust(len(content)), start)
            case "nonsense":
                self.wfile.write(b"\x00\xffSSH-2.0-nothing\r\n")
            case "endless-redirect":
                self.wfile.write(
                    f"HTTP/1.1 302 Found\r\nLocation: {self.path.replace('endless-redirect', 'whole')}\r\n\r\n".encode()
                )
                self.pour(b"x" * (1 << 16))
            case "continue":
                self.pour(b"HTTP/1.1 100 Continue\r\n\r\n")
            case "bad-redirect":
                self.redirect("http://[::bad")
            case "loop":
                self.redirect(self.path)
            case "redirect":
                self.redirect(self.path.replace("/redirect/", "/whole/"))
            case "away":
                self.redirect(self.path.removeprefix("/away/"))
            case _:
                self.whole(content, start)

    def whole(
        self,
        body: bytes,
        start: int,
        kind: str = "application/octet-stream",
        stop: int | None = None,
        pause: bool = False,
        length: int | None = None,
        encoding: str = "",
        shift: int = 0,
        total: int = 0,
    ) -> None:
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) - start if length is None else length))
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        if start:
            self.send_header("Content-Range", f"bytes {start + shift}-{len(body) - 1}/{total or len(body)}")
        self.end_headers()
        self.wfile.write(body[start:] if stop is None else body[start : start + stop])
        if pause:
            self.wfile.flush()
            time.sleep(20)

    def pour(self, block: bytes) -> None:
        """Send ``block`` again and again, until nobody listens; nobody listens for longer than a minute."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            self.wfile.write(block)

    def drip(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for index in range(100):
            self.wfile.write(body[index : index + 1])
            self.wfile.flush()
            time.sleep(0.1)

    def redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def serving() -> Iterator[FileServer]:
    """A running server, for a fixture."""
    with FileServer(("127.0.0.1", 0), Handler) as server:
        server.seen, server.busy, server.etag, server.content = [], 2, '"version-1"', CONTENT
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
