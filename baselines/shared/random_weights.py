"""Random weights in the layout of a baseline's official checkpoints, for trying out its whole way without them.

    python -m baselines.shared.random_weights --baseline NAME --sources DIR

The checkout must be there; names and shapes come from the authors' own networks. Run the baseline with --weights random
then: its images are stamped and never evaluated. Existing files are left alone.
"""

from __future__ import annotations

import argparse
import importlib
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from baselines.runner import descriptor as descriptors
from baselines.runner import sources
from osediff.common.errors import InputError, run
from osediff.common.files import atomic, write_text


def drawn(name: str, like: Tensor, generator: torch.Generator) -> Tensor:
    """A random tensor of the shape of ``like``: scaled by its fan-in, so that activations stay finite; vectors as
    networks begin with them, weights 1 and biases 0. What has values already (buffers) keeps them."""
    if not like.is_meta:
        return like.detach().clone().contiguous()
    if like.ndim < 2:
        return torch.ones(like.shape) if name.endswith("weight") else torch.zeros(like.shape)
    return torch.randn(like.shape, generator=generator) / math.sqrt(like[0].numel())


def write(path: Path, content: dict[str, Any] | str, seed: int) -> None:
    """Writes one file: text as it is, tensors drawn with ``seed`` as .safetensors or torch's own format. Where the
    official file wraps its weights, so does ``content``: a dictionary of one dictionary."""
    if isinstance(content, str):
        write_text(path, content)
        return
    generator = torch.Generator().manual_seed(seed)

    def filled(like: Any, name: str = "") -> Any:
        if isinstance(like, Tensor):
            return drawn(name, like, generator)
        return {name: filled(each, name) for name, each in tqdm(like.items(), desc=path.name, leave=False)}

    weights = filled(content)
    with atomic(path) as aside:
        if path.suffix == ".safetensors":
            from safetensors.torch import save_file

            save_file(weights, aside, metadata={"format": "pt"})  # which transformers asks for
        else:
            torch.save(weights, aside)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m baselines.shared.random_weights", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--baseline", required=True, metavar="NAME", help=f"one of {', '.join(descriptors.names())}")
    parser.add_argument("--sources", type=Path, required=True, help="folder of checkouts and weights")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    descriptor = descriptors.read(args.baseline)
    sources.verify_checkout(descriptor, args.sources)
    adapter = importlib.import_module(descriptor["runs"]["entry"].split(":")[0])
    if not hasattr(adapter, "layout"):
        raise InputError(f"{args.baseline}: its adapter names no layout, so its weights cannot be drawn at random")
    for path, content in adapter.layout(args.sources, descriptors.settings(descriptor)).items():
        target = args.sources / "weights" / path
        if target.exists():
            print(f"{target}: is there already, left alone")
            continue
        write(target, content, args.seed)
        print(f"{target}: random, seed {args.seed}, {target.stat().st_size} bytes")


if __name__ == "__main__":
    run(main)
