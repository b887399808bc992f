"""Write random weights in the layout of a baseline's official checkpoints, to try the baseline out without them.

    python -m baselines.shared.random_weights --baseline NAME --sources DIR

The checkout must exist, since names and shapes come from the official networks. Then run the baseline with
``--weights random``: its images are marked and never evaluated. Existing files are not changed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from baselines.runner.adapters import Contents, Plain, import_adapter
from baselines.runner.checkouts import verify_checkout
from baselines.runner.descriptor import list_names, read_descriptor
from osediff.common.command_line import make_parser
from osediff.common.errors import run
from osediff.common.files import atomic, write_text


def draw_tensor(name: str, like: Tensor, generator: torch.Generator) -> Tensor:
    """Return a random tensor of the shape of ``like``.

    Matrices and kernels are scaled by their number of inputs, so that activations stay finite. Vectors are as in a new
    network: weights 1, biases 0. A tensor that has values already (a buffer) keeps them.
    """
    if not like.is_meta:
        return like.detach().clone().contiguous()
    if like.ndim < 2:
        return torch.ones(like.shape) if name.endswith("weight") else torch.zeros(like.shape)
    return torch.randn(like.shape, generator=generator) / math.sqrt(like[0].numel())


def write_random(path: Path, content: Contents | Tensor | str, seed: int) -> None:
    """Write one file: a text as it is, tensors drawn with ``seed`` as .safetensors or in torch's own format.

    Where the official file wraps its weights, ``content`` is a mapping of one mapping.
    """
    if isinstance(content, str):
        write_text(path, content)
        return
    generator = torch.Generator().manual_seed(seed)

    def draw(like: Contents | Tensor | Plain, name: str = "") -> Any:
        if isinstance(like, Tensor):
            return draw_tensor(name, like, generator)
        if not isinstance(like, Mapping):
            return like  # a number or text beside the weights
        return {key: draw(value, key) for key, value in tqdm(like.items(), desc=path.name, leave=False)}

    weights = draw(content)
    with atomic(path) as unfinished:
        if path.suffix == ".safetensors":
            from safetensors.torch import save_file

            save_file(weights, unfinished, metadata={"format": "pt"})  # transformers asks for it
        else:
            torch.save(weights, unfinished)


def main() -> None:
    """Command line: the checkout of a baseline in, files of random weights out."""
    parser = make_parser("baselines.shared.random_weights", __doc__)
    parser.add_argument("--baseline", required=True, metavar="NAME", help=f"one of {', '.join(list_names())}")
    parser.add_argument("--sources", type=Path, required=True, help="folder of checkouts and weights")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    descriptor = read_descriptor(args.baseline)
    verify_checkout(descriptor.source, args.sources)
    adapter = import_adapter(args.baseline, descriptor.runs.entry, descriptor.values)
    for path, content in adapter.layout(args.sources).items():
        target = args.sources / "weights" / path
        if target.exists():
            print(f"{target}: exists already, not changed")
            continue
        write_random(target, content, args.seed)
        print(f"{target}: random, seed {args.seed}, {target.stat().st_size} bytes")


if __name__ == "__main__":
    run(main)
