"""Check that a GPU is large enough for a training, before it starts.

Planning writes the entries of config/compute.yaml into an environment variable, the chosen one first. It is not an
option of the rule, since a changed option would run the training again. Without the variable nothing is checked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from osediff.common.errors import InputError

VARIABLE = "OSEDIFF_COMPUTE"
TOLERANCE = 0.95  # a device reports a little less than the number by which it is sold


def describe_choices(chosen: str, gigabytes: Mapping[str, int]) -> str:
    """Return the value of ``VARIABLE``: names of entries with the memory of one GPU, the ``chosen`` one first."""
    if chosen not in gigabytes:
        return ""  # it is for a CPU
    names = sorted(gigabytes, key=lambda name: name != chosen)
    return " ".join(f"{name}={gigabytes[name]}" for name in names)


def check_gpu_memory(device: str) -> None:
    """Raise InputError if the GPU ``device`` is smaller than the chosen entry asks for; name those that would do."""
    choices = [entry.partition("=") for entry in os.environ.get(VARIABLE, "").split()]
    if not choices or not device.startswith("cuda"):
        return
    import torch  # planning uses this module without it

    memory = torch.cuda.get_device_properties(device).total_memory / 1e9
    gigabytes = {name: int(size) for name, _, size in choices}
    chosen = choices[0][0]
    if memory >= TOLERANCE * gigabytes[chosen]:
        return
    fitting = [name for name, size in gigabytes.items() if memory >= TOLERANCE * size]
    advice = f"{' or '.join(fitting)} would do" if fitting else "no entry of config/compute.yaml is for so little"
    raise InputError(f"{device}: has {memory:.0f} GB, and compute: {chosen} needs {gigabytes[chosen]}; {advice}")
