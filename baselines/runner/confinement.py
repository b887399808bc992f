"""Run a program that can write only in the folders that it is given: Landlock, a part of Linux since 5.13.

    python -m baselines.runner.confinement FOLDER ... -- PROGRAM ...

The program cannot take this back, nor can what it starts, whoever its user is. It reads as before. Where the system has
no Landlock, or refuses it, one line on stderr says so, and the program runs without limits.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

# Numbers of system calls, the same on all processors, and of rights, as linux/landlock.h has them.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG, RULE_PATH_BENEATH, NO_NEW_PRIVILEGES = 1, 1, 38
WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
CHANGES = WRITE_FILE | sum(1 << bit for bit in range(4, 13))  # remove and make files and folders of any kind
SINCE_VERSION = {2: 1 << 13, 3: TRUNCATE}  # move between folders; cut
DEVICES = Path("/dev")
HARMLESS = ("null", "zero", "full", "random", "urandom", "tty", "nvidia*", "dri", "kfd")  # the last three: of GPUs
SHARED_MEMORY = DEVICES / "shm"

libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Return the version of this system's Landlock; -1 if it has none."""
    return int(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG))


def confine(folders: Sequence[Path]) -> bool:
    """Take from this process and all that it starts the right to write outside ``folders``; return whether that worked.

    Devices of GPUs, those that store nothing, and shared memory can still be written.
    """
    known = version()
    if known < 1:
        return False
    rights = CHANGES + sum(right for since, right in SINCE_VERSION.items() if known >= since)
    rules = libc.syscall(CREATE_RULESET, struct.pack("Q", rights), ctypes.c_size_t(8), 0)
    if rules < 0:
        return False
    devices = [path for name in HARMLESS for path in DEVICES.glob(name)]
    allowed = dict.fromkeys(devices, rights & (WRITE_FILE | TRUNCATE))
    allowed |= dict.fromkeys((folder for folder in (SHARED_MEMORY, *folders) if folder.is_dir()), rights)
    done = all(allow(rules, path, rights_there) for path, rights_there in allowed.items())
    done = done and libc.prctl(NO_NEW_PRIVILEGES, *map(ctypes.c_ulong, (1, 0, 0, 0))) == 0
    done = done and libc.syscall(RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return done


def allow(rules: int, path: Path, rights: int) -> bool:
    """Add to ``rules`` that ``rights`` hold for ``path`` and below; return whether that worked."""
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        added: int = libc.syscall(ADD_RULE, rules, RULE_PATH_BENEATH, struct.pack("=Qi", rights, handle), 0)
    finally:
        os.close(handle)
    return added == 0


def main() -> None:
    """Command line: give up rights, and become the program."""
    end = sys.argv.index("--")
    if not confine([Path(name) for name in sys.argv[1:end]]):
        print("not confined: Landlock is absent or refused; the baseline can write where you can", file=sys.stderr)
    program = sys.argv[end + 1 :]
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
