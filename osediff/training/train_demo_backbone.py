"""Trains the demo's backbone from nothing: an autoencoder, then a text-conditioned denoising UNet on its latents.

A recipe is a list of stages, each of which trains one network (``trains``: vae or unet) for some steps.

It stands to the demo as SD 2.1-base stands to the paper: same parts, same noise schedule, same conditioning, four
million weights. Two things make it useful to OSEDiff: a decoder that draws sharp photographs, and a denoiser that
has seen clean crops under content tags and degraded crops under the words of OSEDiff's negative prompt, so that
guidance away from that prompt (Eq. 6's teacher) means something.

Killed at any moment, the same command continues from the last saved state: every random draw of a step comes from
(seed, stage, step) alone.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from osediff.common.devices import check_device
from osediff.common.errors import InputError, run
from osediff.common.images import list_images, read_rgb
from osediff.common.settings import parse, read
from osediff.data.degradation import degrade
from osediff.data.degradation_recipe import Degradation
from osediff.models import backbone as backbones
from osediff.models.backbone import Backbone
from osediff.models.settings import DemoBackboneSpec
from osediff.training.checkpoint import Checkpointable, load_state, save_state, set_aside

Recipe = dict[str, Any]


class Photos(NamedTuple):
    """Photographs and degraded copies of them, uint8 tensors (3, H, W) on one device, with one caption each."""

    clean: list[Tensor]
    degraded: list[list[Tensor]]
    captions: list[str]


def load_photos(folder: Path, recipe: Recipe, device: torch.device) -> Photos:
    """Reads every photograph of ``folder`` and makes ``recipe["degraded_copies"]`` degraded copies of each."""
    paths = list_images(folder)
    unknown = sorted(set(paths) - set(recipe["captions"]))
    if unknown:
        raise InputError(f"{folder}: no caption for {', '.join(unknown)}; add it to the backbone's recipe")
    images = [read_rgb(path) for path in paths.values()]
    images = [image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4].copy() for image in images]

    degradation = parse(recipe["degradation"], Degradation, "degradation of the backbone's recipe")

    def degraded(job: tuple[int, int]) -> Tensor:
        image = images[job[0]]
        rng = np.random.default_rng([recipe["seed"], *job])
        lr = torch.from_numpy(degrade(image, degradation, 4, rng)).permute(2, 0, 1)[None].float()
        large = F.interpolate(lr, size=image.shape[:2], mode="bicubic")
        return large[0].round().clamp(0, 255).byte().to(device)

    jobs = [(index, copy) for index in range(len(images)) for copy in range(recipe["degraded_copies"])]
    with ThreadPoolExecutor() as pool:
        copies = list(tqdm(pool.map(degraded, jobs), total=len(jobs), desc="degrading", unit="image"))
    clean = [torch.from_numpy(image).permute(2, 0, 1).contiguous().to(device) for image in images]
    count = recipe["degraded_copies"]
    grouped = [copies[index * count : (index + 1) * count] for index in range(len(images))]
    return Photos(clean, grouped, [recipe["captions"][stem] for stem in paths])


def crops(photos: Photos, indices: list[int], sources: list[Tensor], size: int, generator: torch.Generator) -> Tensor:
    """One random crop of each of ``sources``, mirrored at random, as (N, 3, size, size) in [-1, 1].

    The crops of a batch share one zoom of 1 to 2: photographs that are taken down in size are the sharper ones.
    """
    smallest = min(min(photos.clean[index].shape[1:]) for index in indices)
    zoom = 1 + float(torch.rand((), generator=generator))
    side = min(int(size * zoom), smallest)
    picked = []
    for source in sources:
        top, left = (int(torch.randint(0, extent - side + 1, (), generator=generator)) for extent in source.shape[1:])
        crop = source[:, top : top + side, left : left + side]
        picked.append(crop.flip(-1) if torch.rand((), generator=generator) < 0.5 else crop)
    batch = torch.stack(picked).float() / 127.5 - 1
    return F.interpolate(batch, size=(size, size), mode="bicubic", antialias=True).clamp(-1, 1)


def draw(photos: Photos, recipe: Recipe, stage: Recipe, generator: torch.Generator) -> tuple[Tensor, list[str]]:
    """A batch of crops and their prompts: tags or nothing for clean ones, words of the negative prompt for others."""
    areas = torch.tensor([float(photo.shape[1] * photo.shape[2]) for photo in photos.clean]).sqrt()
    indices = torch.multinomial(areas, stage["batch"], replacement=True, generator=generator).tolist()
    words = recipe["negative_prompt"].rstrip(".").split(", ")
    sources, prompts = [], []
    for index in indices:
        choice = torch.rand(3, generator=generator)
        if choice[0] < stage["degraded_share"]:
            copies = photos.degraded[index]
            sources.append(copies[int(choice[1] * len(copies))])
            some = [words[i] for i in torch.randperm(len(words), generator=generator)[: len(words) // 3].tolist()]
            prompts.append(recipe["negative_prompt"] if choice[2] < 0.5 else ", ".join(some))
        else:
            sources.append(photos.clean[index])
            prompts.append("" if choice[2] < stage["caption_dropout"] else photos.captions[index])
    return crops(photos, indices, sources, recipe["crop"], generator), prompts


def recolored(images: Tensor, generator: torch.Generator) -> Tensor:
    """``images`` (N, 3, H, W) with their channels in random order and their saturation changed by 0.7 to 2."""
    order = torch.stack([torch.randperm(3, generator=generator) for _ in images]).to(images.device)
    shuffled = torch.gather(images, 1, order[:, :, None, None].expand_as(images))
    saturation = 0.7 + 1.3 * torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device)
    gray = shuffled.mean(1, keepdim=True)
    return (gray + saturation * (shuffled - gray)).clamp(-1, 1)


def autoencoder_loss(model: Backbone, images: Tensor, stage: Recipe, generator: torch.Generator) -> Tensor:
    """Mean absolute error of the reconstruction and of its color, plus a small KL term per latent element.

    Photographs are mostly gray, so the error of RGB alone is slow to teach color; ``color_weight`` weighs the
    error of each channel's difference from gray.
    """
    posterior = model.vae.encode(images).latent_dist
    noise = torch.randn(posterior.mean.shape, generator=generator).to(images.device)
    decoded = model.vae.decode(posterior.mean + posterior.std * noise).sample.float()
    kl = 0.5 * (posterior.mean**2 + posterior.var - 1 - posterior.logvar)
    color, wanted = (x - x.mean(1, keepdim=True) for x in (decoded, images))
    error = F.l1_loss(decoded, images) + stage["color_weight"] * F.l1_loss(color, wanted)
    return error + stage["kl_weight"] * kl.float().mean()


def denoising_loss(model: Backbone, images: Tensor, prompts: list[str], generator: torch.Generator) -> Tensor:
    """Mean squared error of the predicted noise at a uniform timestep (the objective SD 2.1-base was trained with)."""
    with torch.no_grad():
        latents = model.vae.encode(images).latent_dist.mean.float() * model.vae.config.scaling_factor
    noise = torch.randn(latents.shape, generator=generator).to(latents.device)
    steps = model.scheduler.config.num_train_timesteps
    timesteps = torch.randint(0, steps, (len(latents),), generator=generator).to(latents.device)
    tokens = model.tokenizer(prompts, padding="max_length", truncation=True, return_tensors="pt").input_ids
    text = model.text_encoder(tokens.to(latents.device))[0]
    noisy = model.scheduler.add_noise(latents, noise, timesteps)
    return F.mse_loss(model.unet(noisy, timesteps, text).sample.float(), noise)


def train_stage(number: int, model: Backbone, photos: Photos, recipe: Recipe, work: Path) -> None:
    """Runs one stage to its end, leaving the averaged weights in ``model``."""
    stage, device = recipe["stages"][number], photos.clean[0].device
    # A stage does not depend on later ones, so its state outlives a change of them.
    settings = recipe | {"stages": recipe["stages"][: number + 1]}
    networks = {"vae": [model.vae], "unet": [model.unet, model.text_encoder]}[stage["trains"]]
    trained = nn.ModuleList(networks).train().requires_grad_(True)
    average = AveragedModel(trained, multi_avg_fn=get_ema_multi_avg_fn(0.999))
    optimizer = torch.optim.AdamW(trained.parameters(), lr=stage["learning_rate"], weight_decay=1e-3)
    warm, total = max(1, stage["steps"] // 50), stage["steps"]
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(step / warm, 0.5 * (1 + float(np.cos(np.pi * min(1, step / total)))))
    )
    checkpointables: dict[str, Checkpointable] = {
        "trained": trained,
        "average": average,
        "optimizer": optimizer,
        "schedule": schedule,
    }
    state = work / f"state-{number}.pt"
    first = load_state(state, checkpointables, settings) if state.exists() else 0
    log = (work / "log.jsonl").open("a", buffering=1)
    for step in tqdm(range(first, total), initial=first, total=total, desc=stage["name"], unit="step"):
        generator = torch.Generator().manual_seed((recipe["seed"] * 100 + number) * 10**7 + step)
        images, prompts = draw(photos, recipe, stage, generator)
        with torch.autocast(device.type, torch.bfloat16):
            if stage["trains"] == "vae":
                images = recolored(images, generator) if stage["recolor"] else images
                loss = autoencoder_loss(model, images, stage, generator)
            else:
                loss = denoising_loss(model, images, prompts, generator)
        if not torch.isfinite(loss):
            raise InputError(f"{stage['name']}: loss is {float(loss)} at step {step}; lower its learning rate")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(trained)
        if (step + 1) % 100 == 0:
            log.write(json.dumps({"stage": stage["name"], "step": step + 1, "loss": float(loss)}) + "\n")
        if (step + 1) % recipe["checkpoint_every"] == 0 or step + 1 == total:
            save_state(state, checkpointables, settings, step + 1)
    log.close()
    trained.load_state_dict(average.module.state_dict())
    trained.requires_grad_(False).eval()
    if stage["trains"] == "vae":
        finish_autoencoder(model, photos, recipe, stage)


@torch.no_grad()
def finish_autoencoder(model: Backbone, photos: Photos, recipe: Recipe, stage: Recipe) -> None:
    """Sets the scaling factor that gives latents unit deviation; prints the reconstruction's PSNR on training crops."""
    generator = torch.Generator().manual_seed(recipe["seed"])
    images, _ = draw(photos, recipe, stage | {"batch": 64, "degraded_share": 0.0}, generator)
    latents = model.vae.encode(images).latent_dist.mean
    model.vae.register_to_config(scaling_factor=float(1 / latents.std()))
    error = F.mse_loss(model.vae.decode(latents).sample.clamp(-1, 1), images, reduction="none").mean((1, 2, 3))
    psnr = float((10 * torch.log10(4 / error)).mean())
    print(f"{stage['name']}: {psnr:.2f} dB on training crops, scaling factor {model.vae.config.scaling_factor:.4f}")


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
    recipe = spec.recipe.model_dump(mode="json") | {"degradation": spec.degradation.model_dump(mode="json")}
    work = args.out.parent / f"{args.out.name}-state"
    if args.restart and work.exists():
        print(f"the saved states are set aside in {set_aside(work)}", flush=True)
    work.mkdir(parents=True, exist_ok=True)
    check_device(args.device)
    device = torch.device(args.device)
    torch.manual_seed(recipe["seed"])
    photos = load_photos(args.photos, recipe, device)
    tokenizer = backbones.word_tokenizer([recipe["negative_prompt"], *recipe["captions"].values()])
    model = backbones.build(recipe["sizes"], tokenizer).to(device)
    for number in range(len(recipe["stages"])):
        train_stage(number, model, photos, recipe, work)
    for network in (model.vae, model.unet, model.text_encoder):
        network.half()
    backbones.save(model, args.out)


if __name__ == "__main__":
    run(main)
