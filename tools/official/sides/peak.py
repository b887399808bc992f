"""Peak memory of a process."""

from pathlib import Path


def peak(process: int | str = "self") -> float:
    """Resident memory of ``process`` (an id) at its highest so far, GB."""
    return int(Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1].split()[0]) / 1e6
