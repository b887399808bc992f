"""A lock that only one machine sees is known by the options of the mount."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.mounts import find_local_locks


def table(*lines: str) -> str:
    return "".join(f"{number} 1 0:{number} / {line}\n" for number, line in enumerate(lines, 20))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["/ rw - ext4 /dev/a rw"], ""),
        (["/ rw - ext4 /dev/a rw", "{here} rw,nolock - ext4 /dev/a rw"], ""),
        (["/ rw - ext4 /dev/a rw", "{here} rw shared:1 - nfs4 host:/a rw,vers=4.2,local_lock=none"], ""),
        (["{here} rw - nfs host:/a rw,vers=3,nolock", "/ rw - ext4 /dev/a rw"], "mount option nolock"),
        (["/ rw - ext4 /dev/a rw", "{here} rw - nfs host:/a rw,local_lock=flock"], "mount option local_lock=flock"),
        (["/ rw - ext4 /dev/a rw", "{here} rw - fuse.sshfs host:/a rw"], "file system fuse.sshfs"),
        (["/ rw - ext4 /dev/a rw", "{here} rw - fuse.bindfs /a rw,user_id=0"], ""),
        (["{here} rw - nfs host:/a rw,nolock", "{here}/in\\040side rw - ext4 /dev/b rw"], ""),
        (["{here}x rw - nfs host:/a rw,nolock", "/ rw - ext4 /dev/a rw"], ""),
    ],
)
def test_the_deepest_mount_decides(lines: list[str], expected: str, tmp_path: Path) -> None:
    mounts, inside = tmp_path / "mountinfo", tmp_path / "in side" / "more"
    mounts.write_text(table(*lines).replace("{here}", str(tmp_path)))
    assert find_local_locks(inside, mounts) == expected


def test_without_a_table_nothing_is_said(tmp_path: Path) -> None:
    assert find_local_locks(tmp_path, tmp_path / "absent") == ""
