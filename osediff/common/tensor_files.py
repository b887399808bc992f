"""Read files of weights, only here: nothing in them is executed, and what they hold is finite tensors by name."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osediff.common.errors import InputError
from osediff.common.files import check_plain

if TYPE_CHECKING:
    from torch import Tensor


def unreadable(path: Path, error: Exception) -> InputError:
    """Return the error line of a damaged file of weights."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:120]
    if reason.startswith("Weights only load failed"):  # torch goes on with advice how to execute it
        reason = "it holds something else than numbers and texts, which is not executed"
    return InputError(f"{path}: not a readable file of weights ({reason}); get it anew")


class Inert:
    """Stands in for any object in a file that is no tensor, number or text: it runs nothing and stores nothing."""

    def __init__(self, *arguments: object, **options: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


def read_pickled(path: Path, mapped: bool = False, inert: bool = False) -> Any:
    """Read what torch saved to ``path``, by the part of pickle that stores numbers and texts.

    Args:
        path: the file.
        mapped: tensors stay on disk until they are used, and their checksums in the file are not compared.
        inert: objects of other classes, as training frameworks store them beside the weights, each become an
            ``Inert``; otherwise the file is refused.

    Raises:
        InputError: the file is absent, damaged, or asks to execute something.
    """
    import torch

    check_plain(path)
    try:
        zipped = zipfile.is_zipfile(path)  # the format before torch 1.6 is not, and cannot be mapped
        if zipped and not mapped:
            with zipfile.ZipFile(path) as archive:
                if damaged := archive.testzip():
                    raise ValueError(f"{damaged} in it has another checksum")
        classes = torch.serialization.get_unsafe_globals_in_checkpoint(str(path)) if inert and zipped else []
        with torch.serialization.safe_globals([(Inert, name) for name in classes]):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped and mapped)
    except Exception as error:  # damaged bytes make the unpickler raise errors of ten kinds
        raise unreadable(path, error) from error


def read_tensors(path: Path, below: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file, or of a file that torch saved.

    Args:
        path: the file.
        below: keys under which a file may hold its tensors.

    Raises:
        InputError: the file is absent, damaged, or holds anything else than finite tensors by name.
    """
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        check_plain(path)
        try:
            content: Any = load_file(path)
        except Exception as error:
            raise unreadable(path, error) from error
    else:
        content = read_pickled(path, mapped=True)
    for key in below:
        content = content.get(key, content) if isinstance(content, Mapping) else content
    check_tensors(content, str(path))
    return dict(content)


def check_tensors(content: object, source: str) -> None:
    """Raise InputError, which begins with ``source``, if ``content`` is anything else than finite tensors by name."""
    import torch

    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{source}: holds no weights by name; get it anew")
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise InputError(f"{source}: {str(name)[:80]} is no tensor; get it anew")
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise InputError(f"{source}: {name} holds values that are not finite; get it anew")
