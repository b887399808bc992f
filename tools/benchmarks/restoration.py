"""Restoring one image on a CPU: the official code against ours, in turns, and how far outputs differ.

    python -m tools.benchmarks.restoration --official CHECKOUT --backbone data/backbones/sd2.1-random --work DIR

CHECKOUT is a clone of cswry/OSEDiff. It takes turns with one of our precisions after the other, since more than two
processes of full size do not fit into 24 GB. Each side is a process of its own that has loaded its weights (random
ones, with random LoRA, the same for all) and waits for its turn. What is timed is the image tensor's way to the
restored tensor: prompt embedding (another prompt every time), VAE encoder, UNet, VAE decoder. Not timed: loading, the
prompt extractor, color correction. The official code runs in float32 with its defaults, which leave LoRA unmerged.
With small --sizes, --repeats 1 and --precisions fp32 this is the test that outputs agree. The official code reads only
VAEs with ``quant_conv`` and four latent channels, as Stable Diffusion's; that of the demo is another.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from tools.benchmarks.record import Difference, Recorder
from tools.benchmarks.side import Side
from tools.official.sides import official_format

OFFICIAL = Path(official_format.__file__).with_name("official_osediff.py")


def write_image(path: Path, width: int, height: int) -> None:
    """Write a smooth random LQ image (1, 3, height, width)."""
    smooth = torch.rand((1, 3, height // 16, width // 16), generator=torch.Generator().manual_seed(0)) * 2 - 1
    lq = torch.nn.functional.interpolate(smooth, (height, width), mode="bicubic").clamp(-1, 1)
    np.save(path, lq.numpy())


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True, help="checkout of cswry/OSEDiff")
    parser.add_argument("--backbone", type=Path, required=True, help="one that a rule filled with random weights")
    parser.add_argument("--work", type=Path, required=True, help="folder for adapters, images and outputs")
    parser.add_argument("--sizes", nargs="+", default=["512x512"], help="WIDTHxHEIGHT of the output")
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--repeats", type=int, default=3, help="after one that does not count")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--tile-latent", type=int, default=96, help="of the UNet, on both sides")
    parser.add_argument("--tile-overlap", type=int, default=32)
    parser.add_argument("--record", default="restoration", help="name of the record")
    args = parser.parse_args()
    adapters, pickled = args.work / "adapters", args.work / "adapters.pkl"
    if not pickled.exists():
        official_format.write(args.backbone, adapters, pickled)
    names = ("official fp32", *(f"ours {precision}" for precision in args.precisions))
    recorder = Recorder("tools.benchmarks.restoration", names, ("torch", "diffusers", "peft"), args.threads)
    common = ["--backbone", args.backbone, "--threads", args.threads]
    common += ["--tile-latent", args.tile_latent, "--tile-overlap", args.tile_overlap]
    images = {size: args.work / f"lq-{size}.npy" for size in args.sizes}
    for size, image in images.items():
        write_image(image, *map(int, size.split("x")))
    for ours in names[1:]:
        command = ("-m", "tools.official.sides.our_osediff", *common, "--checkpoint", adapters)
        sides = {
            names[0]: Side(OFFICIAL, *common, "--official", args.official, "--checkpoint", pickled),
            ours: Side(*command, "--precision", ours.removeprefix("ours ")),
        }
        for size, image in images.items():
            outputs = {name: args.work / f"{name.replace(' ', '-')}-{size}.npy" for name in sides}
            for repeat in tqdm(range(args.repeats + 1), desc=f"{size}, {ours}"):
                for name, side in sides.items():
                    prompt = f"low resolution {repeat}"
                    answer = side.ask(image=image, output=outputs[name], prompt=prompt, seed=repeat)
                    if repeat:
                        recorder.add(size, name, answer)
            official, restored = (np.load(output) for output in outputs.values())
            largest = float(np.abs(restored - official).max()) * 127.5
            recorder.differences.append(Difference(work=size, side=ours, largest=largest, unit="levels of 255"))
        for side in sides.values():
            side.end()
    recorder.write(args.record)


if __name__ == "__main__":
    main()
