"""Files are whole or absent; a lock keeps a second run out."""

import hashlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from osediff.common.errors import InputError
from osediff.common.files import (
    atomic,
    fingerprint,
    git_blob,
    lock,
    read_json,
    read_json_lines,
    read_object,
    sha256,
    sweep,
    write_json,
    write_text,
)


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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{" * 100_000, "nested too deeply|not valid JSON"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[" + b"9" * 10_000 + b"]", "not valid JSON"),
        (b'{\n"a": "\xe9"}', "line 2: is not UTF-8"),
        (b"[]", "must hold keys and values"),
    ],
)
def test_json_of_another_kind_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        read_object(tmp_path / "a.json")
    assert "\n" not in str(error.value)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    for read in (read_json, sha256, read_json_lines):
        with pytest.raises(InputError, match="is no plain file"):
            read(tmp_path / "a.json")


def test_damaged_lines_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"a": 1}\n{"a": \xff}\n\n[2]\n{"a":')
    assert read_json_lines(tmp_path / "a.jsonl") == [{"a": 1}, [2]]
    assert read_json_lines(tmp_path / "absent") == []


def test_what_killed_runs_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    killed = "from pathlib import Path; from osediff.common.files import atomic; import os\n"
    killed += "for name in ('a.csv', 'deep/b.b.png', 'c'):\n"
    killed += "    entered = atomic(Path(name)).__enter__(); entered.touch()\nos._exit(1)"
    root = Path(__file__).parents[3]
    subprocess.run(
        [sys.executable, "-c", killed], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root)}, check=False
    )
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3
    for name in (".lock", ".made.json", "a.tmp-1.csv", ".hidden.csv", ".b.partial"):
        (tmp_path / name).touch()
    sweep(tmp_path)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {".lock", ".made.json", "a.tmp-1.csv", ".hidden.csv", ".b.partial"}


def test_a_lock_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("text")
    (tmp_path / ".lock").symlink_to("mine.txt")
    with pytest.raises(OSError, match=r"\.lock"), lock(tmp_path / ".lock"):
        pass
    assert (tmp_path / "mine.txt").read_text() == "text"


def test_a_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
