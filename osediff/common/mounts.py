"""Whether a lock on a folder is seen by all machines that share the folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")  # of Linux
NETWORK = re.compile(r"(nfs\d?|lustre|cifs|smb\d?|ceph|gpfs|beegfs|glusterfs|fuse\..*)\Z")
# Options by which a file system keeps locks to one machine.
LOCAL = ("nolock", "local_lock=all", "local_lock=flock", "localflock", "nobrl")
WITHOUT_LOCKS = ("fuse.sshfs",)  # it has no locks of its own, so Linux keeps them to one machine


def find_local_locks(folder: Path, mounts: Path = MOUNTS) -> str:
    """Return why locks in ``folder`` hold on this machine alone, a mount option or kind; empty if they hold everywhere.

    It is empty too where the system does not tell. ``mounts`` is a table as Linux writes it.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place, best, found = os.path.realpath(folder), "", ""
    for line in lines:
        mount, _, device = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), mount.split()[4])
        if len(point) >= len(best) and (place == point or place.startswith(point.rstrip("/") + "/")):
            kind, options = device.split()[0], f"{mount.split()[5]},{device.split()[-1]}".split(",")
            local = next((f"mount option {option}" for option in options if option in LOCAL), "")
            if kind in WITHOUT_LOCKS:
                local = f"file system {kind}"
            best, found = point, local if NETWORK.match(kind) else ""
    return found
