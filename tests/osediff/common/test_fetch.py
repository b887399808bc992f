"""Downloads from a server on this machine that may cut, lie or be absent."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from osediff.common.errors import InputError
from osediff.common.fetch import fetch

CONTENT = bytes(range(256)) * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """``/whole`` has the file, ``/cut`` stops each answer after ``cut_after`` bytes, ``/wrong`` has other bytes as
    many, ``/long`` has more, ``/rangeless`` ignores Range; anything else is 404. ``asked`` notes (path, Range)."""

    cut_after = 100_000
    asked: list[tuple[str, str | None]]

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        body = {
            "/whole": CONTENT,
            "/cut": CONTENT,
            "/wrong": CONTENT[::-1],
            "/long": CONTENT * 2,
            "/rangeless": CONTENT,
        }.get(self.path)
        if body is None:
            self.send_error(404)
            return
        found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        start = int(found[1]) if found and self.path != "/rangeless" else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = start + self.server.cut_after if self.path == "/cut" else len(body)
        self.wfile.write(body[start:end])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def get(path: Path, *urls: str, local: Path | None = None, offline: bool = False) -> None:
    fetch(urls, path, DIGEST, len(CONTENT), local, offline)


def only(path: Path) -> bool:
    """Whether ``path`` is right and nothing lies beside it."""
    return path.read_bytes() == CONTENT and list(path.parent.iterdir()) == [path]


def test_a_cut_connection_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    get(tmp_path / "a.png", server.url("cut"))
    assert only(tmp_path / "a.png")
    assert server.asked == [("/cut", None), ("/cut", "bytes=100000-"), ("/cut", "bytes=200000-")]


def test_a_killed_run_goes_on_at_any_mirror(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.png.part").write_bytes(CONTENT[:1234])
    get(tmp_path / "a.png", server.url("absent"), server.url("whole"))
    assert only(tmp_path / "a.png")
    assert server.asked[-1] == ("/whole", "bytes=1234-")


def test_a_server_without_ranges_sends_all_of_it(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.png.part").write_bytes(CONTENT[:1234])
    get(tmp_path / "a.png", server.url("rangeless"))
    assert only(tmp_path / "a.png")


def test_kept_bytes_that_were_wrong_are_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.png.part").write_bytes(b"x" * 1234)
    get(tmp_path / "a.png", server.url("whole"))
    assert only(tmp_path / "a.png")
    assert [wanted for _, wanted in server.asked] == ["bytes=1234-", None]


def test_the_second_mirror_helps_when_the_first_has_another_file(server: Server, tmp_path: Path) -> None:
    get(tmp_path / "a.png", server.url("wrong"), server.url("long"), server.url("whole"))
    assert only(tmp_path / "a.png")


def test_no_mirror_is_one_line_with_every_reason_and_no_file(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        get(tmp_path / "a.png", server.url("absent"), server.url("wrong"), server.url("long"))
    message = str(error.value)
    assert message.startswith("a.png: no mirror gave it") and "\n" not in message
    assert all(reason in message for reason in ("404", "its sha256 is not", "more than 256000 bytes", "--local"))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with Server(("127.0.0.1", 0), Handler) as closed:
        url = closed.url("whole")
    with pytest.raises(InputError, match=r"a\.png: no mirror gave it.*refused"):
        get(tmp_path / "a.png", url)


def test_what_is_here_is_not_asked_for_again_and_what_is_spoilt_is(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(CONTENT)
    get(tmp_path / "a.png", server.url("whole"), offline=True)
    assert server.asked == []
    (tmp_path / "a.png").write_bytes(CONTENT[::-1])
    get(tmp_path / "a.png", server.url("whole"))
    assert only(tmp_path / "a.png")


def test_a_local_folder_replaces_the_network_and_is_verified_the_same_way(server: Server, tmp_path: Path) -> None:
    local = tmp_path / "local"
    local.mkdir()
    with pytest.raises(InputError, match=r"local/a\.png: no such file"):
        get(tmp_path / "out" / "a.png", server.url("whole"), local=local)
    (local / "a.png").write_bytes(CONTENT[::-1])
    with pytest.raises(InputError, match=r"local/a\.png: another file than expected"):
        get(tmp_path / "out" / "a.png", server.url("whole"), local=local)
    assert not (tmp_path / "out").exists()
    (local / "a.png").write_bytes(CONTENT)
    get(tmp_path / "out" / "a.png", server.url("whole"), local=local)
    assert only(tmp_path / "out" / "a.png")
    assert server.asked == []


def test_offline_stops_before_the_network(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.png: not here and the run is offline"):
        get(tmp_path / "a.png", server.url("whole"), offline=True)
    assert server.asked == []
