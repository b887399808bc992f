"""A file from a server that stops early, stalls, is absent or sends other bytes: it arrives whole, or one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from osediff.common.artifacts.model import File
from osediff.common.errors import InputError
from tests.file_server import FileServer
from tests.osediff.common.artifacts.fetch_type import Fetch

# (behavior, what the line says, requests at most)
REFUSED = [
    ("absent", "HTTP 404", 1),
    ("denied", "HTTP 403; set HF_TOKEN", 1),
    ("sleepy", "HTTP 429, and asks to wait 86400 s", 1),
    ("unavailable", "HTTP 503 (asked 3 times)", 3),
    ("page", "sends a web page", 1),
    ("empty", "sends an empty file", 1),
    ("wrong", "its sha256 is not", 1),
    ("long", "announces 512008 bytes, not 256004", 1),
    ("longer-than-announced", "announces 1000 bytes", 1),
    ("gzip", "sends the file compressed", 1),
    ("byte", "the connection ends after 3 of 256004 bytes (asked 3 times)", 3),
    ("reset", "(asked 3 times)", 3),
    ("stall", "(asked 3 times)", 3),
    ("drip", "sends less than 1000 bytes per second (asked 3 times)", 3),
    ("silent", "no answer within 0.5 s (asked 3 times)", 3),
    ("malformed", "the connection ends after 3 of", 3),
    ("nonsense", "SSH-2.0-nothing", 3),
    ("bad-redirect", "Invalid IPv6 URL", 1),
    ("loop", "redirects", 7),
    ("slow-header", "BadStatusLine", 3),
    ("many-headers", "100 headers", 3),
    ("continue", "", 3),
]


@pytest.mark.parametrize(("behavior", "line", "requests"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_bad_server_is_one_line_and_no_file(
    server: FileServer, fetch: Fetch, tmp_path: Path, behavior: str, line: str, requests: int
) -> None:
    with pytest.raises(InputError) as error:
        fetch(server.url(behavior))
    message = str(error.value)
    assert line in message and "\n" not in message
    assert message.startswith(f"{tmp_path}/set/a.pth: no mirror gave it; get it from http://127.0.0.1")
    assert len(server.seen) <= requests
    assert not (tmp_path / "set" / "a.pth").exists()


@pytest.mark.parametrize(
    "behavior", ["whole", "rangeless", "cut", "busy", "redirect", "endless-redirect", "chunked", "sizeless"]
)
def test_a_good_server_gives_the_file(server: FileServer, fetch: Fetch, content: bytes, behavior: str) -> None:
    path = fetch(server.url(behavior))
    assert path.read_bytes() == content
    assert leftovers(path.parent) == {"a.pth"}


def leftovers(folder: Path) -> set[str]:
    """What lies in ``folder`` besides the lock and the record."""
    return {path.name for path in folder.iterdir()} - {".lock", "artifacts.json"}


class TestResuming:
    def part(self, folder: Path, content: bytes, url: str, etag: str, size: int = 0) -> None:
        folder.mkdir()
        (folder / "a.pth.part").write_bytes(content[:1234])
        state = {"url": url, "validator": etag, "size": size or len(content)}
        (folder / "a.pth.part.json").write_text(json.dumps(state))

    def test_goes_on_at_the_same_mirror(self, server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes) -> None:
        self.part(tmp_path / "set", content, server.url("whole", "a.pth"), server.etag)
        assert fetch(server.url("whole"), known=File()).read_bytes() == content
        assert server.ranges() == ["bytes=1234-"]
        assert server.seen[0][1]["If-Range"] == server.etag

    def test_begins_anew_where_the_file_has_changed(
        self, server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes
    ) -> None:
        self.part(tmp_path / "set", content[::-1], server.url("whole", "a.pth"), '"version-0"')
        assert fetch(server.url("whole"), known=File()).read_bytes() == content

    def test_begins_anew_at_another_mirror(
        self, server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes
    ) -> None:
        self.part(tmp_path / "set", content[::-1], "http://127.0.0.1:9/a.pth", server.etag)
        assert fetch(server.url("whole"), known=File()).read_bytes() == content
        assert server.ranges() == [None]

    def test_begins_anew_without_a_version_or_a_sha256(
        self, server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes
    ) -> None:
        server.etag = ""
        self.part(tmp_path / "set", content[::-1], server.url("whole", "a.pth"), "")
        assert fetch(server.url("whole"), known=File()).read_bytes() == content
        assert server.ranges() == [None]

    def test_throws_away_bytes_that_were_wrong(
        self, server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes
    ) -> None:
        self.part(tmp_path / "set", content[::-1], server.url("whole", "a.pth"), server.etag)
        assert fetch(server.url("whole")).read_bytes() == content
        assert server.ranges() == ["bytes=1234-", None]

    def test_takes_only_the_range_that_was_asked_for(
        self, server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes
    ) -> None:
        self.part(tmp_path / "set", content, server.url("other-range", "a.pth"), server.etag)
        assert fetch(server.url("other-range")).read_bytes() == content
        assert server.ranges() == ["bytes=1234-", None]

    def test_a_part_without_its_state_is_not_used(
        self, server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes
    ) -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "a.pth.part").write_bytes(content[::-1])
        assert fetch(server.url("whole"), known=File()).read_bytes() == content
        assert server.ranges() == [None]


def test_servers_that_are_not_there_are_one_line(fetch: Fetch) -> None:
    with pytest.raises(InputError, match=r"a\.pth: no mirror gave it.*refused.*not known"):
        fetch("http://127.0.0.1:9/{file}", "http://no-such-host.invalid/{file}")


def test_tls_errors_go_to_the_next_mirror(server: FileServer, fetch: Fetch, content: bytes) -> None:
    assert fetch(server.url("whole").replace("http:", "https:"), server.url("whole")).read_bytes() == content


class TestToken:
    def test_goes_to_the_endpoint_alone(
        self, server: FileServer, other_server: FileServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "secret")
        monkeypatch.setenv("HF_ENDPOINT", server.url("whole", "").rstrip("/"))
        fetch("https://huggingface.co/someone/{file}")
        assert server.seen[0][0] == "/whole/someone/a.pth"
        assert server.seen[0][1]["Authorization"] == "Bearer secret"
        fetch(other_server.url("whole"), name="b.pth")
        assert "Authorization" not in other_server.seen[0][1]

    def test_does_not_follow_a_redirect_to_another_host(
        self, server: FileServer, other_server: FileServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "secret")
        monkeypatch.setenv("HF_ENDPOINT", server.url("away", "").rstrip("/"))
        fetch("https://huggingface.co/" + other_server.url("whole"))
        assert "Authorization" in server.seen[0][1]
        assert other_server.seen and "Authorization" not in other_server.seen[0][1]


@pytest.mark.parametrize(
    "behavior", [row[0] for row in REFUSED if row[0] not in ("silent", "drip", "stall", "slow-header")]
)
def test_the_next_mirror_helps(
    server: FileServer, other_server: FileServer, fetch: Fetch, content: bytes, behavior: str
) -> None:
    path = fetch(server.url(behavior), other_server.url("whole"))
    assert path.read_bytes() == content
    assert other_server.ranges() == [None], "bytes of one mirror are not continued with those of another"
