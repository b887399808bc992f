"""Files are whole or absent; a lock keeps a second run out."""

import hashlib
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from osediff.common.errors import InputError
from osediff.common.files import atomic, git_blob, lock, read_json, sha256, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "old")

    def fail() -> None:
        with atomic(path) as aside:
            aside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from osediff.common.errors import run; from osediff.common.files import write_text;"
        "run(lambda: write_text(Path('big.txt'), 'x' * 100000))"
    )

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r}); {code}"]
    ended = subprocess.run(command, cwd=tmp_path, preexec_fn=small_files, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ") and ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_must_be_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(OSError, match="runs"):
        write_text(tmp_path / "runs" / "a.txt", "")


def test_a_folder_where_a_file_must_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(InputError, match=r"a\.csv: is a folder"):
        write_text(tmp_path / "a.csv", "")


def test_json_goes_out_and_comes_back(tmp_path: Path) -> None:
    content = {"PSNR↑": [1, 2.5, None], "name": "ä"}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content


def test_absent_and_broken_json_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.json: no such file"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError, match=r"a\.json: not valid JSON"):
        read_json(tmp_path / "a.json")


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_a_second_run_is_told_and_a_later_one_is_let_in(tmp_path: Path) -> None:
    path = tmp_path / "x" / ".lock"
    with lock(path), pytest.raises(InputError, match="another run is writing"), lock(path):
        pytest.fail("the lock was given twice")
    with lock(path):
        pass


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    code = (
        f"import sys, time; sys.path.insert(0, {str(root)!r}); from pathlib import Path;"
        "from osediff.common.files import lock; held = lock(Path('.lock')); held.__enter__();"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(InputError), lock(tmp_path / ".lock"):
            pytest.fail("the lock was given twice")
        holder.kill()
        holder.wait()
        with lock(tmp_path / ".lock"):
            pass


@pytest.mark.parametrize(
    ("content", "blob"),
    [(b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"), (b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a")],
)
def test_a_git_blob_is_what_git_hash_object_prints(tmp_path: Path, content: bytes, blob: str) -> None:
    (tmp_path / "file").write_bytes(content)
    assert git_blob(tmp_path / "file") == blob
