"""What is known of files here: recorded when they first came, and demanded ever after."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from osediff.common.artifacts.model import Artifact, File, Mirror
from osediff.common.artifacts.record import (
    Entry,
    expected_files,
    is_present,
    manifest,
    read_record,
    write_record,
)
from osediff.common.errors import InputError
from tests.file_server import FileServer
from tests.osediff.common.artifacts.fetch_type import Fetch


class TestTrustOnFirstUse:
    def test_the_first_sha256_is_recorded_and_demanded(
        self, server: FileServer, fetch: Fetch, content: bytes, digest: str
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

    def test_a_file_that_lies_here_is_recorded_too(self, server: FileServer, fetch: Fetch, tmp_path: Path) -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "a.pth").write_bytes(b"mine")
        path = fetch(server.url("whole"), known=File())
        assert path.read_bytes() == b"mine" and server.seen == []
        assert read_record(path.parent)["a.pth"].sha256 == hashlib.sha256(b"mine").hexdigest()

    def test_the_git_blob_is_demanded_where_no_sha256_is_known(
        self, server: FileServer, fetch: Fetch, tmp_path: Path, content: bytes
    ) -> None:
        head = f"blob {len(content)}\0".encode()
        right, wrong = File(git_blob=hashlib.sha1(head + content).hexdigest()), File(git_blob="0" * 40)
        with pytest.raises(InputError, match="its git blob is not 000000000000"):
            fetch(server.url("whole"), known=wrong)
        path = fetch(server.url("whole"), known=right)
        assert path.read_bytes() == content
        (path.parent / "artifacts.json").unlink()
        with pytest.raises(InputError, match=r"a\.pth: is not the file that its git repository calls 000000000000"):
            fetch(server.url("whole"), known=wrong)

    def test_a_damaged_record_stops(self, server: FileServer, fetch: Fetch, tmp_path: Path) -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "artifacts.json").write_text('{"a.pth": {"size": "big"}}')
        with pytest.raises(InputError, match=r"artifacts\.json: is damaged"):
            fetch(server.url("whole"), known=File())


def test_an_artifact_is_present_when_all_its_files_or_unpacked_folders_are(tmp_path: Path) -> None:
    mirror = (Mirror(url="https://example.org/{file}"),)
    files = {"a.zip": File()}
    artifact = Artifact(license="MIT", folder="x", mirrors=mirror, files=files, unpack={"LR": "in/LR"})
    assert not is_present(artifact, tmp_path)
    (tmp_path / "x" / "LR").mkdir(parents=True)
    assert is_present(artifact, tmp_path), "the archive may go when its images are here"
    two = Artifact(license="MIT", folder="x", mirrors=mirror, files={"a": File(), "b": File()})
    (tmp_path / "x" / "a").touch()
    assert not is_present(two, tmp_path)
    (tmp_path / "x" / "b").touch()
    assert is_present(two, tmp_path)


def test_a_manifest_says_where_files_are_from_and_which_a_person_brought() -> None:
    artifact = Artifact(
        title="T", license="MIT", folder="x", mirrors=(Mirror(url="https://example.org/{file}"),), files={"a": File()}
    )
    fetched = Entry(size=3, sha256="0" * 64, source="https://example.org/a", mirror="example", revision="v1")
    about = manifest(artifact, {"a": fetched})
    assert (about["mirror"], about["revision"], about["provided_locally"]) == ("example", "v1", False)
    assert about["files"] == {"a": {"size": 3, "sha256": "0" * 64}}
    about = manifest(artifact, {"a": fetched, "b": Entry(size=1, sha256="1" * 64)})
    assert about["provided_locally"] is True and about["mirror"] == "example"
    assert manifest(artifact, {"b": Entry(size=1, sha256="1" * 64)})["mirror"] is None
    first = fetched.model_copy(update={"trusted_on_first_use": True})
    assert manifest(artifact, {"a": first})["files"] == {
        "a": {"size": 3, "sha256": "0" * 64, "trusted_on_first_use": True}
    }


@pytest.mark.parametrize(
    ("known", "demanded"),
    [
        (File(), "ab" * 32),
        (File(sha256="abababab"), "ab" * 32),
        (File(sha256="cdcdcdcd"), "cdcdcdcd"),
        (File(sha256="cd" * 32), "cd" * 32),
    ],
)
def test_the_first_file_counts_where_no_whole_sha256_is_published(known: File, demanded: str, tmp_path: Path) -> None:
    write_record(tmp_path, {"a": Entry(size=3, sha256="ab" * 32)})
    artifact = Artifact(mirrors=(Mirror(url="https://example.org/{file}"),), files={"a": known})
    assert expected_files(artifact, tmp_path)["a"].sha256 == demanded
