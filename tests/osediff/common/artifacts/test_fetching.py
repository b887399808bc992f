"""Files from a server on this machine that may cut, lie, wait or be absent: whole and right, or one line."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from osediff.common.artifacts.downloads import Patience
from osediff.common.artifacts.fetching import Fetching, obtain
from osediff.common.artifacts.model import Artifact, File, Mirror
from osediff.common.errors import InputError
from osediff.common.files import lock
from tests.file_server import FileServer
from tests.osediff.common.artifacts.fetch_type import Fetch


@pytest.mark.parametrize("behavior", ["hidden-page", "pointer", "page", "empty", "sizeless", "chunked"])
def test_a_file_of_which_nothing_is_known_must_look_like_one(server: FileServer, fetch: Fetch, behavior: str) -> None:
    """Without sha256 and size, an error page could be taken for the weights."""
    with pytest.raises(InputError, match="no mirror gave it"):
        fetch(server.url(behavior), known=File())


@pytest.mark.parametrize("name", ["a.safetensors", "a.png", "a.json", "a.mat"])
def test_a_file_must_begin_as_its_kind_does(server: FileServer, fetch: Fetch, name: str) -> None:
    with pytest.raises(InputError, match=f"sends no {name[2:]} file"):
        fetch(server.url("whole"), known=File(), name=name)


def test_a_file_that_is_here_is_checked_and_never_replaced(
    server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes
) -> None:
    path = fetch(server.url("whole"))
    asked = len(server.seen)
    assert fetch(server.url("whole"), offline=True) == path
    path.write_bytes(content[::-1])
    with pytest.raises(InputError, match="it is another file"):
        fetch(server.url("whole"))
    assert len(server.seen) == asked and path.read_bytes() == content[::-1]


def test_a_local_folder_replaces_the_network(server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes) -> None:
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


def test_offline_stops_before_the_network(server: FileServer, fetch: Fetch) -> None:
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


def test_two_runs_do_not_write_into_one_folder(server: FileServer, fetch: Fetch, tmp_path: Path) -> None:
    with lock(tmp_path / "set" / ".lock"), pytest.raises(InputError, match="another run is writing here"):
        fetch(server.url("whole"), wait=0)


def test_a_run_waits_for_another_and_takes_what_that_one_brought(
    server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes
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


def test_a_file_that_lacks_its_end_is_refused_where_nobody_knows_its_sha256(server: FileServer, fetch: Fetch) -> None:
    """A proxy may announce and send the beginning of a file."""
    with pytest.raises(InputError, match="sends a part of a pth file"):
        fetch(server.url("longer-than-announced"), known=File())
    server.content = save({"a": np.zeros(100, np.float32)})
    fetch(server.url("whole"), known=File(), name="whole.safetensors")
    server.content = server.content[:-1]
    with pytest.raises(InputError, match="sends a part of a safetensors file"):
        fetch(server.url("whole"), known=File(), name="cut.safetensors")
