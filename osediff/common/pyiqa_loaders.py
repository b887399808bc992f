"""What stands in place of the loaders of weights in modules of pyiqa, for metrics beside the nine of the paper.

Each entry names a module of ``pyiqa.archs``, a function in it, and its replacement, which reads only files that this
suite gives it. A module is imported only for its own metrics, since some import large libraries. Checked with pyiqa
0.1.16.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osediff.common.errors import InputError
from osediff.common.tensor_files import check_tensors, read_pickled, read_tensors

if TYPE_CHECKING:
    from torch import nn

Fill = Callable[["nn.Module", Sequence[Path]], None]
Replacement = tuple[str, str, Any]  # module, function, what stands in its place
CLIP_KEYS = "clip_model."  # of LIQE's file, which has the whole of CLIP


def replacements(name: str, paths: Sequence[Path], folder: Path, fill: Fill) -> list[Replacement]:
    """Return what stands in place of loaders while pyiqa's metric ``name`` is built.

    Args:
        name: pyiqa's name of the metric.
        paths: its files, in the order of the registry.
        folder: an empty folder, for what pyiqa would keep in its cache.
        fill: loads files into a network.
    """

    def fill_from(files: Sequence[Path]) -> Callable[..., None]:
        return lambda net, *_, **__: fill(net, files)

    if name.startswith("topiq"):
        return [("topiq_arch", "load_pretrained_network", fill_from(paths))]
    if name.startswith("nima"):
        return [("nima_arch", "load_pretrained_network", fill_from(paths))]
    if name.startswith("liqe"):
        # Embeddings of its prompts would be stored beside the weights of pyiqa, and unpickled from there.
        return [
            ("liqe_arch", "load", lambda *_: clip_of_liqe(paths[0])),
            ("liqe_arch", "load_pretrained_network", fill_from(paths)),
            ("liqe_arch", "DEFAULT_CACHE_DIR", str(folder)),
        ]
    if name.startswith("clipiqa+"):
        return [("clipiqa_arch", "load_pretrained_network", fill_from(paths[1:]))]
    if name == "pi":
        return [
            ("nrqm_arch", "load_file_from_url", lambda *_: str(paths[0])),
            ("niqe_arch", "load_file_from_url", lambda *_: str(paths[1])),
        ]
    if name.startswith("afine"):
        return [
            ("afine_arch", "load", lambda *_, **__: (clip_of_afine(paths[0]), None)),
            ("afine_arch", "load_file_from_url", lambda *_: str(paths[0])),
        ]
    return []


def clip_of_liqe(path: Path) -> nn.Module:
    """Build the CLIP of LIQE from its own file, which is all of it."""
    from pyiqa.archs import clip_model

    state = read_tensors(path, ("params",))
    of_clip = {key.removeprefix(CLIP_KEYS): value for key, value in state.items() if key.startswith(CLIP_KEYS)}
    network: nn.Module = clip_model.build_model(of_clip)
    return network.float()


def clip_of_afine(path: Path) -> nn.Module:
    """Build the CLIP of A-FINE from its file, a mapping of six networks; InputError if they are no finite tensors."""
    from pyiqa.archs import afineclip_model

    content = read_pickled(path)
    if not isinstance(content, dict) or "finetuned_clip" not in content:
        raise InputError(f"{path}: holds no network of A-FINE; get it anew")
    for part, tensors in content.items():
        check_tensors(tensors, f"{path}: {part}")
    network: nn.Module = afineclip_model.build_model(content["finetuned_clip"])
    return network.float()
