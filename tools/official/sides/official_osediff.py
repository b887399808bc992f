"""The official OSEDiff (cswry/OSEDiff) on a CPU, in a process of its own that answers on its standard streams.

    python tools/official/sides/official_osediff.py --official CHECKOUT --backbone DIR --checkpoint FILE.pkl --threads N

None of its code is here: its class OSEDiff_test is imported from a checkout that the user names, and restores tensors.
Three things are done around it. Names that newer versions of diffusers have moved are given back to it; "cuda" means
the CPU; and its prompt extractor (RAM) is left out, so the prompt is given. A request (see serving.py) has the names of
two .npy files, the LQ image float32 (1, 3, H, W) in [-1, 1] and the output, and prompt and seed.

Run by path, not with -m: the checkout's own module is called osediff too.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from serving import serve
from torch.overrides import TorchFunctionMode


def give_back_names() -> None:
    """Provide names of diffusers 0.25 that 0.42 has moved or renamed; a forward pass uses none of them."""
    import diffusers.loaders
    from diffusers.loaders.peft import PeftAdapterMixin
    from diffusers.models import embeddings
    from diffusers.models.modeling_utils import ModelMixin
    from diffusers.models.unets import unet_2d_blocks

    diffusers.loaders.FromOriginalVAEMixin = type("FromOriginalVAEMixin", (), {})
    embeddings.PositionNet = embeddings.GLIGENTextBoundingboxProjection
    sys.modules["diffusers.models.unet_2d_blocks"] = unet_2d_blocks
    for name in ("_hf_peft_config_loaded", "add_adapter", "set_adapter"):
        setattr(ModelMixin, name, getattr(PeftAdapterMixin, name))


class OnTheCPU(TorchFunctionMode):
    """Inside the ``with`` block, "cuda" means the CPU."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        def here(value: Any) -> Any:
            return "cpu" if isinstance(value, str | torch.device) and str(value).startswith("cuda") else value

        if function is torch.Tensor.cuda:
            return args[0]
        return function(*map(here, args), **{name: here(value) for name, value in (kwargs or {}).items()})


def build(checkout: Path, backbone: Path, checkpoint: Path, tile: int, overlap: int) -> Any:
    """The official inference model in float32, with its default settings but for the UNet's tiles."""
    sys.path.insert(0, str(checkout))
    give_back_names()
    from osediff import OSEDiff_test

    settings = argparse.Namespace(
        pretrained_model_name_or_path=str(backbone),
        osediff_path=str(checkpoint),
        mixed_precision="fp32",
        merge_and_unload_lora=False,
        vae_decoder_tiled_size=224,
        vae_encoder_tiled_size=1024,
        latent_tiled_size=tile,
        latent_tiled_overlap=overlap,
    )
    with OnTheCPU():
        model = OSEDiff_test(settings)
    # With one step, diffusers 0.25 took the time before 999 to be -1; newer ones look 999 up in this list.
    model.noise_scheduler.timesteps = torch.tensor([999])
    return model


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--official", type=Path, required=True, help="checkout of cswry/OSEDiff")
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True, help="in the official format (.pkl)")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--tile-latent", type=int, default=96)
    parser.add_argument("--tile-overlap", type=int, default=32)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    paths = (args.official.resolve(), args.backbone.resolve(), args.checkpoint.resolve())
    with contextlib.redirect_stdout(sys.stderr):
        model = build(*paths, args.tile_latent, args.tile_overlap)

    def restore(request: Mapping[str, Any]) -> dict[str, float]:
        lq = torch.from_numpy(np.load(request["image"]))
        torch.manual_seed(request["seed"])
        restored = model(lq, prompt=request["prompt"])
        np.save(request["output"], restored.float().numpy())
        return {}

    serve(restore)


if __name__ == "__main__":
    main()
