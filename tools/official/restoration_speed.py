"""Restoring one image on a CPU: the official code against ours, alternated in one run, and how far outputs differ.

    python -m tools.official.restoration_speed --official CHECKOUT --backbone data/backbones/sd2.1-random --work DIR

CHECKOUT is a clone of cswry/OSEDiff. Each side is a process of its own that has loaded its weights (random ones, with
random LoRA, the same for all) and waits for its turn. What is timed is the image tensor's way to the restored tensor:
prompt embedding (another prompt every time), VAE encoder, UNet, VAE decoder. Not timed: loading, the prompt extractor,
color correction, files. The official code runs in float32 with its defaults, which leave LoRA unmerged. With small
--sizes, --repeats 1 and --precisions fp32 this is the test that outputs agree.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from tools.official.sides import official_format
from tools.official.sides.peak import peak

HERE = Path(__file__).parent


class Side:
    """A process that restores images on request."""

    def __init__(self, *command: object) -> None:
        line = [sys.executable, *map(str, command)]
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def answer(self) -> dict[str, Any]:
        """The next answer; SystemExit if the process has ended instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("error: a side has ended; see above")
        return dict(json.loads(line))

    def restore(self, image: Path, output: Path, prompt: str, seed: int) -> tuple[float, float]:
        """Seconds that it took, by the clock and of CPU time."""
        assert self.process.stdin is not None
        request = {"image": str(image), "output": str(output), "prompt": prompt, "seed": seed}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.answer()
        return float(answer["seconds"]), float(answer["cpu"])

    def end(self) -> None:
        """Lets the process end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--official", type=Path, required=True, help="checkout of cswry/OSEDiff")
    parser.add_argument("--backbone", type=Path, required=True, help="one that a rule filled with random weights")
    parser.add_argument("--work", type=Path, required=True, help="folder for adapters, images and outputs")
    parser.add_argument("--sizes", nargs="+", default=["512x512"], help="WIDTHxHEIGHT of the output")
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--repeats", type=int, default=5, help="after one that does not count")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--tile-latent", type=int, default=96, help="of the UNet, on both sides")
    parser.add_argument("--tile-overlap", type=int, default=32)
    args = parser.parse_args()
    adapters, pickled = args.work / "adapters", args.work / "adapters.pkl"
    if not pickled.exists():
        official_format.write(args.backbone, adapters, pickled)
    common = ["--backbone", args.backbone, "--threads", args.threads]
    common += ["--tile-latent", args.tile_latent, "--tile-overlap", args.tile_overlap]
    ours = ["-m", "tools.official.sides.our_osediff", *common, "--checkpoint", adapters, "--precision"]
    theirs = [HERE / "sides" / "official_osediff.py", *common, "--official", args.official, "--checkpoint", pickled]
    sides = {"official": Side(*theirs)} | {name: Side(*ours, name) for name in args.precisions}
    for size in args.sizes:
        width, height = map(int, size.split("x"))
        smooth = torch.rand((1, 3, height // 16, width // 16), generator=torch.Generator().manual_seed(0)) * 2 - 1
        lq = torch.nn.functional.interpolate(smooth, (height, width), mode="bicubic").clamp(-1, 1)
        image = args.work / f"lq-{size}.npy"
        np.save(image, lq.numpy())
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for repeat in tqdm(range(args.repeats + 1), desc=size):
            for name, side in sides.items():
                output = args.work / f"{name}-{size}.npy"
                taken[name].append(side.restore(image, output, f"low resolution {repeat}", seed=repeat))
        expected = np.load(args.work / f"official-{size}.npy")
        print(f"{size}, deviation of the output {expected.std():.3f}", flush=True)
        # The first time does not count.
        medians = {name: [statistics.median(values) for values in zip(*taken[name][1:], strict=True)] for name in sides}
        for name, side in sides.items():
            clock, cpu = medians[name]
            share = [mine / theirs for mine, theirs in zip(medians[name], medians["official"], strict=True)]
            difference = np.abs(np.load(args.work / f"{name}-{size}.npy") - expected) * 127.5
            print(
                f"  {name}: {clock:.2f} s by the clock, {cpu:.2f} s of CPU time; {share[0]:.3f} and {share[1]:.3f} of"
                f" the official code's; peak {peak(side.process.pid):.2f} GB; output off by {difference.max():.5f}"
                f" levels of 255 at most, {difference.mean():.5f} on average",
                flush=True,
            )
    for side in sides.values():
        side.end()
    print(f"{args.threads} threads, torch {torch.__version__}")


if __name__ == "__main__":
    main()
