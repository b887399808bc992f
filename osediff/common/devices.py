"""Check devices by torch's names: cpu, cuda, cuda:1, mps."""

from __future__ import annotations

from osediff.common.errors import InputError


def check_device(device: str) -> None:
    """Raise InputError if torch does not know ``device``, or this machine has none."""
    import torch  # takes seconds, which a command spends after it has looked at everything else

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        gpu = device.partition(":")[0] == "cuda" and not torch.cuda.is_available()
        reason = "no GPU here" if gpu else str(error).splitlines()[0].rstrip(".")
        raise InputError(f"device {device}: {reason}; use cpu") from None
