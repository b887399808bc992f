"""One job per device, whatever Snakemake starts at once."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from osediff.common.errors import InputError
from osediff.common.gpu_lease import devices, installed, lease, lock_name
from tests.helpers import ROOT
from tests.osediff.common.smi import MIG


def test_devices_are_those_the_cluster_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-0aef")
    assert devices() == ["3", "GPU-0aef"]


@pytest.mark.parametrize("given", ["", "-1", "NoDevFiles", None])
def test_no_device_is_one_clear_line(given: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", "")
    if given is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    with pytest.raises(InputError, match="no CUDA device"):
        devices()


@pytest.mark.usefixtures("smi")
def test_parts_of_a_gpu_are_devices_and_each_device_has_one_lock_under_all_its_names() -> None:
    assert devices() == ["0", MIG, "MIG-GPU-9bcd1111-2222-3333-4444-555566667777/2/0"]
    known = installed()
    names = [lock_name(device, known) for device in ("0", "GPU-0aef1111-2222-3333-4444-555566667777", "GPU-0aef")]
    assert names == ["GPU-0aef1111-2222-3333-4444-555566667777"] * 3
    assert lock_name(MIG[:12], known) == MIG and "/" not in lock_name(devices()[2], known)
    assert lock_name("7", known) == "7"


@pytest.mark.usefixtures("smi")
def test_a_job_without_a_gpu_takes_none_of_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    with pytest.raises(InputError, match="Slurm gave this job no GPU: ask for `gpu=1`"):
        devices()


@pytest.mark.usefixtures("smi")
def test_a_device_is_free_once_its_holder_is_dead_and_index_and_uuid_exclude_each_other(tmp_path: Path) -> None:
    holder = (
        "import pathlib, sys, time; from osediff.common.gpu_lease import lease;"
        "held = lease(['GPU-0aef'], pathlib.Path(sys.argv[1])); print('held', flush=True); time.sleep(1000)"
    )
    command = [sys.executable, "-c", holder, str(tmp_path / "leases")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        second = lease(["0", MIG], tmp_path / "leases")
        assert list(second) == [MIG]
        process.kill()
    third = lease(["0"], tmp_path / "leases")
    assert list(third) == ["0"]
    for file in (*second.values(), *third.values()):
        file.close()


def test_each_holder_gets_a_device_of_its_own(tmp_path: Path) -> None:
    first, second = lease(["0", "1"], tmp_path), lease(["0", "1"], tmp_path)
    assert [list(first), list(second)] == [["0"], ["1"]]
    first["0"].close()
    third = lease(["0", "1"], tmp_path)
    assert list(third) == ["0"]
    second["1"].close()


def test_several_devices_are_taken_at_once_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = lease(["0", "1", "2"], tmp_path)
    two = lease(["0", "1", "2"], tmp_path, count=2)
    assert list(two) == ["1", "2"]
    two["1"].close()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        """Take the place of a pause between two attempts: one device is free and not held, a second becomes free."""
        pauses.append(seconds)
        lease(["1"], tmp_path)["1"].close()
        one["0"].close()

    monkeypatch.setattr(time, "sleep", pause)
    three = lease(["0", "1", "2"], tmp_path, count=2, every=7.0)
    assert (list(three), pauses) == (["0", "1"], [7.0])
    for file in (*three.values(), two["2"]):
        file.close()


def test_more_devices_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="4 GPUs are asked for, 2 are here: 0, 1"):
        lease(["0", "1"], tmp_path, count=4)


@pytest.mark.slow
def test_six_jobs_on_two_devices_never_meet(tmp_path: Path) -> None:
    job = (
        "import os, pathlib, time; d = pathlib.Path('busy-' + os.environ['CUDA_VISIBLE_DEVICES']);"
        "d.mkdir(); time.sleep(0.2); d.rmdir()"  # mkdir fails where another job is on the device
    )
    path = str(ROOT)
    environment = {"PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": "4,7", "PYTHONPATH": path, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "osediff.common.gpu_lease", "--", sys.executable, "-c", job]
    jobs = [subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) for _ in range(6)]
    assert [one.wait(timeout=60) for one in jobs] == [0] * 6


def test_the_exit_code_is_the_commands(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "CUDA_VISIBLE_DEVICES": "0", "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "osediff.common.gpu_lease", "--", sys.executable, "-c", "raise SystemExit(7)"]
    assert subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 7


def test_the_folder_of_the_locks_is_private_and_no_link(tmp_path: Path) -> None:
    (tmp_path / "leases").mkdir(mode=0o777)
    lease(["0"], tmp_path / "leases")["0"].close()
    assert (tmp_path / "leases").stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to("leases")
    with pytest.raises(InputError, match="is not a folder of yours"):
        lease(["0"], tmp_path / "link")
    (tmp_path / "mine.txt").write_text("text")
    (tmp_path / "leases" / "1.lock").symlink_to(tmp_path / "mine.txt")
    with pytest.raises(OSError, match=r"1\.lock"):
        lease(["1"], tmp_path / "leases")
