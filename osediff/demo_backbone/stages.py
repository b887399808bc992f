"""The stages of the demo backbone's training: each trains one network, the VAE or the UNet, for some steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from osediff.common.errors import InputError
from osediff.demo_backbone.losses import autoencoder_loss, denoising_loss
from osediff.demo_backbone.muon import Muon, hidden_weights
from osediff.demo_backbone.photographs import Photos, draw_crops, draw_latents, encode_crops
from osediff.losses.perceptual import load_lpips_vgg
from osediff.models import backbone as backbones
from osediff.models.backbone import Backbone
from osediff.models.settings import BackboneRecipe, DemoBackboneSpec, UNetStage, VAEStage
from osediff.training.checkpoint import Checkpointable, load_state, save_state

WARM_UP, DECAY = 50, 0.4  # steps at the start, share of all steps at the end
LOG_EVERY = 25
LOG_VARIANCE = -5.0  # of the posterior at first: one of 0 would drown the latent for hundreds of steps


def process() -> tuple[int, int]:
    """Return the number of this process, and the number of processes."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def rate_factor(step: int, steps: int) -> float:
    """Return the share of the full learning rate at ``step``: rising, then constant, then falling to zero."""
    return min(1.0, (step + 1) / WARM_UP, max(0.01, (steps - step) / (DECAY * steps)))


def average_gradients(parameters: list[nn.Parameter]) -> None:
    """Replace the gradients by their mean over all processes."""
    if process()[1] == 1:
        return
    flat = torch.cat([p.grad.flatten() if p.grad is not None else p.new_zeros(p.numel()) for p in parameters])
    dist.all_reduce(flat)
    for parameter, part in zip(
        parameters, torch.split(flat / process()[1], [p.numel() for p in parameters]), strict=True
    ):
        parameter.grad = part.view_as(parameter)


def make_loss(
    model: Backbone, photos: Photos, spec: DemoBackboneSpec, stage: VAEStage | UNetStage, seed: int
) -> Callable[[torch.Generator], Tensor]:
    """Return the loss of a step of ``stage`` as a function of the random generator that the step draws from."""
    if isinstance(stage, UNetStage):
        bank = encode_crops(model, photos, spec, stage, seed)

        def of_unet(generator: torch.Generator) -> Tensor:
            latents, prompts = draw_latents(bank, spec.recipe, stage, generator)
            return denoising_loss(model, latents, prompts, stage, generator)

        return of_unet
    device = next(model.vae.parameters()).device
    distance = load_lpips_vgg(device)

    def of_vae(generator: torch.Generator) -> Tensor:
        images = draw_crops(photos, stage.batch, spec.recipe.crop, generator).to(device)
        return autoencoder_loss(model, images.contiguous(memory_format=torch.channels_last), stage, distance, generator)

    return of_vae


def train_stage(number: int, model: Backbone, photos: Photos, spec: DemoBackboneSpec, work: Path) -> None:
    """Run one stage to its end and put the averaged weights into ``model``; states and log are in ``work``."""
    recipe, (rank, processes) = spec.recipe, process()
    stage = recipe.stages[number]
    steps = stage.steps
    # A stage does not depend on later stages, so its state remains valid if they change.
    earlier = spec.model_copy(update={"recipe": recipe.model_copy(update={"stages": recipe.stages[: number + 1]})})
    settings = earlier.model_dump(mode="json") | {"processes": processes}
    networks = {"vae": [model.vae], "unet": [model.unet, model.text_encoder]}[stage.trains]
    trained = nn.ModuleList(networks).train().requires_grad_(True)
    average = AveragedModel(trained, avg_fn=lambda mean, new, n: mean.lerp(new, 1 - min(0.998, (2 + n) / (11 + n))))
    hidden = hidden_weights(networks[0])
    others = [p for p in trained.parameters() if not any(p is weight for weight in hidden)]
    optimizers = [
        Muon(hidden, stage.hidden_learning_rate),
        torch.optim.AdamW(others, lr=stage.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4),
    ]
    parts: dict[str, Checkpointable] = {
        "trained": trained,
        "average": average,
        "muon": optimizers[0],
        "adamw": optimizers[1],
    }
    state = work / f"state-{number}.pt"
    first = load_state(state, parts, settings) if state.exists() else 0
    seed = (recipe.seed * 100 + number) * 10**7
    compute_loss = make_loss(model, photos, spec, stage, seed * processes + rank) if first < steps else None
    log = (work / "log.jsonl").open("a", buffering=1) if rank == 0 else None
    progress = tqdm(range(first, steps), initial=first, total=steps, desc=stage.name, unit="step", disable=rank > 0)
    for step in progress:
        assert compute_loss is not None
        loss = compute_loss(torch.Generator().manual_seed((seed + step) * processes + rank))
        if not torch.isfinite(loss):
            raise InputError(f"{stage.name}: loss is {float(loss)} at step {step}; lower its learning rate")
        torch.autograd.backward(loss)
        average_gradients([*hidden, *others])
        nn.utils.clip_grad_norm_(others, 1.0)  # the length of Muon's own steps does not depend on the gradient's
        for optimizer, rate in zip(optimizers, (stage.hidden_learning_rate, stage.learning_rate), strict=True):
            optimizer.param_groups[0]["lr"] = rate * rate_factor(step, steps)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        average.update_parameters(trained)
        progress.set_postfix(loss=f"{float(loss.detach()):.3f}", refresh=False)
        if log and (step + 1) % LOG_EVERY == 0:
            log.write(json.dumps({"stage": stage.name, "step": step + 1, "loss": float(loss.detach())}) + "\n")
        if log and ((step + 1) % recipe.checkpoint_every == 0 or step + 1 == steps):
            save_state(state, parts, settings, step + 1)
    if log:
        log.close()
    trained.load_state_dict(average.module.state_dict())
    trained.requires_grad_(False).eval()
    if stage.trains == "vae":
        set_scaling_factor(model, photos, recipe)


@torch.no_grad()
def set_scaling_factor(model: Backbone, photos: Photos, recipe: BackboneRecipe) -> None:
    """Set the scaling factor that gives latents unit deviation; print the reconstruction's PSNR on training crops."""
    device = next(model.vae.parameters()).device
    images = draw_crops(photos, 64, recipe.crop, torch.Generator().manual_seed(recipe.seed)).to(device)
    latents = model.vae.encode(images).latent_dist.mean
    model.vae.register_to_config(scaling_factor=float(1 / latents.std()))
    error = F.mse_loss(model.vae.decode(latents).sample.clamp(-1, 1), images, reduction="none").mean((1, 2, 3))
    psnr = float((10 * torch.log10(4 / error)).mean())
    print(f"autoencoder: {psnr:.2f} dB on training crops, scaling factor {model.vae.config.scaling_factor:.4f}")


def new_backbone(recipe: BackboneRecipe) -> Backbone:
    """Build a backbone of the recipe's sizes with random weights, whose encoder has a small posterior variance."""
    tokenizer = backbones.word_tokenizer([recipe.negative_prompt, *recipe.captions.values()])
    model = backbones.build(recipe.sizes.model_dump(mode="json"), tokenizer)
    channels, last = model.vae.config.latent_channels, model.vae.quant_conv or model.vae.encoder.conv_out
    with torch.no_grad():
        last.weight[channels:] = 0
        last.bias[channels:] += LOG_VARIANCE
    model.vae.to(memory_format=torch.channels_last)
    return model
