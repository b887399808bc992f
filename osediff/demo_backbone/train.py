"""Train the demo's backbone from nothing: an autoencoder, then a text-conditioned denoising UNet on its latents.

    torchrun --standalone --nproc_per_node 2 -m osediff.demo_backbone.train --photos ... --spec ... --out ...

A recipe is a list of stages, each of which trains one network (``trains``: vae or unet) for some steps.

The backbone has the role in the demo that SD 2.1-base has in the paper: the same parts and conditioning, with ten
million weights. Two properties make it useful to OSEDiff. Its decoder draws sharp photographs. Its denoiser is trained
on clean crops with tags of their content, and on degraded crops with words of OSEDiff's negative prompt, so that
guidance away from that prompt (the teacher of Eq. 6) has an effect.

Killed at any moment, the same command continues from the last saved state: the random numbers of a step depend only on
seed, stage, step and process. ``batch`` is that of one process; the weights depend on the number of processes.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from osediff.common.devices import check_device
from osediff.common.errors import run
from osediff.common.settings import read
from osediff.models.settings import DemoBackboneSpec


def main() -> None:
    """Command line: photographs in, a backbone folder in diffusers' layout out (float16 safetensors)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of 8-bit RGB photographs")
    parser.add_argument("--spec", type=Path, required=True, help="YAML file of the settings (DemoBackboneSpec)")
    parser.add_argument("--out", type=Path, required=True, help="backbone folder; states and log lie in OUT-state")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--restart", action="store_true", help="set the saved states aside and start afresh")
    args = parser.parse_args()
    spec = read(args.spec, DemoBackboneSpec)
    work = args.out.parent / f"{args.out.name}-state"
    if os.environ.get("RANK", "0") == "0":
        stages = ", ".join(f"{stage.name} ({stage.steps} steps)" for stage in spec.recipe.stages)
        print(f"training {args.out} on {args.photos}: {stages}", file=sys.stderr, flush=True)

    # These imports take seconds, so they come after everything that can be said and checked without them.
    import torch
    import torch.distributed as dist

    from osediff.demo_backbone.photographs import load_photos
    from osediff.demo_backbone.stages import new_backbone, process, train_stage
    from osediff.models.backbone import save
    from osediff.training.checkpoint import set_aside

    check_device(args.device)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        dist.init_process_group("gloo")
    if process()[0] == 0 and args.restart and work.exists():
        print(f"the saved states are set aside in {set_aside(work)}", flush=True)
    work.mkdir(parents=True, exist_ok=True)
    if dist.is_initialized():
        dist.barrier()  # before any process looks for a state
    torch.set_num_threads(1 if args.device == "cpu" else torch.get_num_threads())
    torch.manual_seed(spec.recipe.seed)
    photos = load_photos(args.photos, spec.recipe.captions)
    model = new_backbone(spec.recipe).to(torch.device(args.device))
    for number in range(len(spec.recipe.stages)):
        train_stage(number, model, photos, spec, work)
    for network in (model.vae, model.unet, model.text_encoder):
        network.half()
    if process()[0] == 0:
        save(model, args.out)
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    run(main)
