"""Files from a server on this machine that may cut, lie, wait or be absent: whole and right, or one line."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from osediff.common.artifacts.downloads import Patience
from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.model import Artifact, File, Mirror
from osediff.common.artifacts.record import read_record
from osediff.common.errors import InputError
from osediff.common.files import lock
from tests.file_server import FileServer


@pytest.fixture
def fetch(tmp_path: Path, patience: Patience, content: bytes, digest: str):
    """Fetch ``a.pth`` of the server's content from mirrors in order; ``known`` says what the registry knows of it."""

    def run(*urls: str, known: File | None = None, name: str = "a.pth", **how: object) -> Path:
        file = File(size=len(content), sha256=digest) if known is None else known
        mirrors = tuple(Mirror(url=url) for url in urls)
        artifact = Artifact(license="MIT", folder="set", mirrors=mirrors, files={name: file})
        obtain(artifact, Fetching(patience=patience, **how), tmp_path)
        return tmp_path / "set" / name

    return run


def leftovers(folder: Path) -> set[str]:
    """What lies in ``folder`` besides the lock and the record."""
    return {path.name for path in folder.iterdir()} - {".lock", "artifacts.json"}


@pytest.mark.parametrize("behavior", ["whole", "rangeless", "cut", "busy", "redirect", "chunked", "sizeless"])
def test_a_good_server_gives_the_file(server: FileServer, fetch, content: bytes, behavior: str) -> None:
    path = fetch(server.url(behavior))
    assert path.read_bytes() == content
    assert leftovers(path.parent) == {"a.pth"}


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
]


@pytest.mark.parametrize(("behavior", "line", "requests"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_bad_server_is_one_line_and_no_file(
    server: FileServer, fetch, tmp_path: Path, behavior: str, line: str, requests: int
) -> None:
    with pytest.raises(InputError) as error:
        fetch(server.url(behavior))
    message = str(error.value)
    assert line in message and "\n" not in message
    assert message.startswith(f"{tmp_path}/set/a.pth: no mirror gave it; get it from http://127.0.0.1")
    assert len(server.seen) <= requests
    assert not (tmp_path / "set" / "a.pth").exists()


@pytest.mark.parametrize("behavior", [row[0] for row in REFUSED if row[0] not in ("silent", "drip", "stall")])
def test_the_next_mirror_helps(
    server: FileServer, other_server: FileServer, fetch, content: bytes, behavior: str
) -> None:
    path = fetch(server.url(behavior), other_server.url("whole"))
    assert path.read_bytes() == content
    assert other_server.ranges() == [None], "bytes of one mirror are not continued with those of another"


@pytest.mark.parametrize("behavior", ["hidden-page", "pointer", "page", "empty", "sizeless", "chunked"])
def test_a_file_of_which_nothing_is_known_must_look_like_one(server: FileServer, fetch, behavior: str) -> None:
    """Without sha256 and size, an error page could be taken for the weights."""
    with pytest.raises(InputError, match="no mirror gave it"):
        fetch(server.url(behavior), known=File())


@pytest.mark.parametrize("name", ["a.safetensors", "a.png", "a.json", "a.mat"])
def test_a_file_must_begin_as_its_kind_does(server: FileServer, fetch, name: str) -> None:
    with pytest.raises(InputError, match=f"sends no {name[2:]} file"):
        fetch(server.url("whole"), known=File(), name=name)


def test_servers_that_are_not_there_are_one_line(fetch) -> None:
    with pytest.raises(InputError, match=r"a\.pth: no mirror gave it.*refused.*not known"):
        fetch("http://127.0.0.1:9/{file}", "http://no-such-host.invalid/{file}")


def test_tls_errors_go_to_the_next_mirror(server: FileServer, fetch, content: bytes) -> None:
    assert fetch(server.url("whole").replace("http:", "https:"), server.url("whole")).read_bytes() == content


class TestResuming:
    def part(self, folder: Path, content: bytes, url: str, etag: str, size: int = 0) -> None:
        folder.mkdir()
        (folder / "a.pth.part").write_bytes(content[:1234])
        state = {"url": url, "validator": etag, "size": size or len(content)}
        (folder / "a.pth.part.json").write_text(json.dumps(state))

    def test_goes_on_at_the_same_mirror(self, server: FileServer, fetch, tmp_path: Path, content: bytes) -> None:
        self.part(tmp_path / "set", content, server.url("whole", "a.pth"), server.etag)
        assert fetch(server.url("whole"), known=File()).read_bytes() == content
        assert server.ranges() == ["bytes=1234-"]
        assert server.seen[0][1]["If-Range"] == server.etag

    def test_begins_anew_where_the_file_has_changed(
        self, server: FileServer, fetch, tmp_path: Path, content: bytes
    ) -> None:
        self.part(tmp_path / "set", content[::-1], server.url("whole", "a.pth"), '"version-0"')
        assert fetch(server.url("whole"), known=File()).read_bytes() == content

    def test_begins_anew_at_another_mirror(self, server: FileServer, fetch, tmp_path: Path, content: bytes) -> None:
        self.part(tmp_path / "set", content[::-1], "http://127.0.0.1:9/a.pth", server.etag)
        assert fetch(server.url("whole"), known=File()).read_bytes() == content
        assert server.ranges() == [None]

    def test_begins_anew_without_a_version_or_a_sha256(
        self, server: FileServer, fetch, tmp_path: Path, content: bytes
    ) -> None:
        server.etag = ""
        self.part(tmp_path / "set", content[::-1], server.url("whole", "a.pth"), "")
        assert fetch(server.url("whole"), known=File()).read_bytes() == content
        assert server.ranges() == [None]

    def test_throws_away_bytes_that_were_wrong(self, server: FileServer, fetch, tmp_path: Path, content: bytes) -> None:
        self.part(tmp_path / "set", content[::-1], server.url("whole", "a.pth"), server.etag)
        assert fetch(server.url("whole")).read_bytes() == content
        assert server.ranges() == ["bytes=1234-", None]

    def test_takes_only_the_range_that_was_asked_for(
        self, server: FileServer, fetch, tmp_path: Path, content: bytes
    ) -> None:
        self.part(tmp_path / "set", content, server.url("other-range", "a.pth"), server.etag)
        assert fetch(server.url("other-range")).read_bytes() == content
        assert server.ranges() == ["bytes=1234-", None]

    def test_a_part_without_its_state_is_not_used(
        self, server: FileServer, fetch, tmp_path: Path, content: bytes
    ) -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "a.pth.part").write_bytes(content[::-1])
        assert fetch(server.url("whole"), known=File()).read_bytes() == content
        assert server.ranges() == [None]


class TestTrustOnFirstUse:
    def test_the_first_sha256_is_recorded_and_demanded(
        self, server: FileServer, fetch, content: bytes, digest: str
    ) -> None:
        path = fetch(server.url("whole"), known=File())
        entry = read_record(path.parent)["a.pth"]
        assert (entry.size, entry.sha256, entry.source) == (len(content), digest, server.url("whole", "a.pth"))
        path.unlink()
        server.content = b"PK" + content[:1:-1]
        with pytest.raises(InputError, match=f"its sha256 is not {digest[:12]}"):
            fetch(server.url("whole"), known=File())
        path.write_bytes(server.content)
        with pytest.raises(InputError, match="it is another file than it should be, or than the one that came here"):
            fetch(server.url("whole"), known=File())

    def test_a_file_that_lies_here_is_recorded_too(self, server: FileServer, fetch, tmp_path: Path) -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "a.pth").write_bytes(b"mine")
        path = fetch(server.url("whole"), known=File())
        assert path.read_bytes() == b"mine" and server.seen == []
        assert read_record(path.parent)["a.pth"].sha256 == hashlib.sha256(b"mine").hexdigest()

    def test_a_damaged_record_stops(self, server: FileServer, fetch, tmp_path: Path) -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "artifacts.json").write_text('{"a.pth": {"size": "big"}}')
        with pytest.raises(InputError, match=r"artifacts\.json: is damaged"):
            fetch(server.url("whole"), known=File())


def test_a_file_that_is_here_is_checked_and_never_replaced(
    server: FileServer, fetch, tmp_path: Path, content: bytes
) -> None:
    path = fetch(server.url("whole"))
    asked = len(server.seen)
    assert fetch(server.url("whole"), offline=True) == path
    path.write_bytes(content[::-1])
    with pytest.raises(InputError, match="it is another file"):
        fetch(server.url("whole"))
    assert len(server.seen) == asked and path.read_bytes() == content[::-1]


def test_a_local_folder_replaces_the_network(server: FileServer, fetch, tmp_path: Path, content: bytes) -> None:
    local = tmp_path / "local"
    local.mkdir()
    with pytest.raises(InputError, match=r"local/a\.pth: no such file"):
        fetch(server.url("whole"), local=local)
    (local / "a.pth").write_bytes(content[::-1])
    with pytest.raises(InputError, match=r"local/a\.pth: has sha256 .* it is another file"):
        fetch(server.url("whole"), local=local)
    assert not (tmp_path / "set" / "a.pth").exists()
    (local / "a.pth").write_bytes(content)
    assert fetch(server.url("whole"), local=local).read_bytes() == content
    assert server.seen == []


def test_offline_stops_before_the_network(server: FileServer, fetch) -> None:
    with pytest.raises(InputError, match=r"a\.pth: is not here and the run is offline; get it from http"):
        fetch(server.url("whole"), offline=True)
    assert server.seen == []


def test_a_license_is_accepted_first(server: FileServer, tmp_path: Path, content: bytes, patience: Patience) -> None:
    mirrors = (Mirror(url=server.url("whole")),)
    artifact = Artifact(
        license="for research", accept="S-Lab-1.0", folder="x", mirrors=mirrors, files={"a.pth": File()}
    )
    with pytest.raises(InputError, match=r"is under S-Lab-1\.0, which must be accepted first"):
        obtain(artifact, Fetching(patience=patience), tmp_path)
    assert server.seen == []
    obtain(artifact, Fetching(patience=patience, accepted=frozenset({"S-Lab-1.0"})), tmp_path)
    assert (tmp_path / "x/a.pth").read_bytes() == content


def test_two_runs_do_not_write_into_one_folder(server: FileServer, fetch, tmp_path: Path) -> None:
    with lock(tmp_path / "set" / ".lock"), pytest.raises(InputError, match="another run is writing here"):
        fetch(server.url("whole"), wait=0)


def test_a_run_waits_for_another_and_takes_what_that_one_brought(
    server: FileServer, fetch, tmp_path: Path, content: bytes
) -> None:
    def other_run() -> None:
        (tmp_path / "set" / "a.pth").write_bytes(content)
        held.close()

    held = ExitStack()
    held.enter_context(lock(tmp_path / "set" / ".lock"))
    timer = threading.Timer(0.3, other_run)
    timer.start()
    assert fetch(server.url("whole")).read_bytes() == content
    timer.join()
    assert server.seen == []


class TestToken:
    def test_goes_to_the_endpoint_alone(
        self, server: FileServer, other_server: FileServer, fetch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "secret")
        monkeypatch.setenv("HF_ENDPOINT", server.url("whole", "").rstrip("/"))
        fetch("https://huggingface.co/someone/{file}")
        assert server.seen[0][0] == "/whole/someone/a.pth"
        assert server.seen[0][1]["Authorization"] == "Bearer secret"
        fetch(other_server.url("whole"), name="b.pth")
        assert "Authorization" not in other_server.seen[0][1]

    def test_does_not_follow_a_redirect_to_another_host(
        self, server: FileServer, other_server: FileServer, fetch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "secret")
        monkeypatch.setenv("HF_ENDPOINT", server.url("away", "").rstrip("/"))
        fetch("https://huggingface.co/" + other_server.url("whole"))
        assert "Authorization" in server.seen[0][1]
        assert other_server.seen and "Authorization" not in other_server.seen[0][1]
