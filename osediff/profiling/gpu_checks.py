"""Checks of OSEDiff that need a GPU, with random weights: numerics of half precision, cost of a training step.

Entry points of benchmark.complexity.gpu_report. Each returns rows ``(quantity, value, unit, note)``.
"""

from __future__ import annotations

import resource
import sys
import time

import torch
from torch import Tensor

from osediff.losses.objective import Objective, regularizer_scope
from osediff.models import backbone as backbones
from osediff.models.generator import PRECISIONS, Generator
from osediff.models.sample_rng import SampleRNG
from osediff.profiling.networks import Sizes
from osediff.profiling.timed_run import RECIPE, build_backbone, build_model
from osediff.recipe import Loss, PerceptualLoss, VSDLoss

Row = tuple[str, float, str, str]
LEVELS = 127.5  # gray levels in one unit of [-1, 1]
# The paper's loss without LPIPS, whose weights may be missing here; nothing may be fetched.
LOSS = Loss(
    mse=1.0,
    perceptual=PerceptualLoss(kind="encoder-features", weight=2.0),
    regularizer=VSDLoss(
        kind="vsd",
        domain="latent",
        weight=1.0,
        guidance=7.5,
        timesteps=(20, 980),
        negative_prompt="",
        lora_scope="all",
    ),
    discriminator="encoder",
)
STEPS = 3  # timed training steps, after one that is not


def compare_precisions(size: int, device: str, backbone: Sizes | str, precisions: tuple[str, ...]) -> list[Row]:
    """Restore one random image in each precision and compare it with float32, in gray levels of 255."""
    lq = torch.rand((1, 3, size, size), generator=torch.Generator().manual_seed(0)) * 2 - 1
    reference, rows = None, []
    for precision in ("fp32", *precisions):
        torch.manual_seed(0)  # the same weights in each precision
        model = build_model(backbone, device, precision)
        restored = model.restore_tensor(lq.to(device), [""], [0]).cpu()
        del model
        if device == "cuda":
            torch.cuda.empty_cache()
        if reference is None:
            reference = restored
            continue
        rows += _differences(restored, reference, precision)
    return rows


def _differences(restored: Tensor, reference: Tensor, precision: str) -> list[Row]:
    broken = int((~torch.isfinite(restored)).sum())
    if broken:
        return [(f"{precision} against fp32: values that are not finite", broken, "", "random weights")]
    difference = (restored - reference).abs() * LEVELS
    return [
        (f"{precision} against fp32: mean difference", float(difference.mean()), "gray levels", "random weights"),
        (f"{precision} against fp32: largest difference", float(difference.max()), "gray levels", "random weights"),
    ]


def time_training_step(
    size: int,
    device: str,
    backbone: Sizes | str,
    precision: str,
    micro_batch: int | None,
    gradient_checkpointing: bool,
) -> list[Row]:
    """Time generator and regularizer steps (Algorithm 1) on one micro-batch of random images, and its peak memory.

    Args:
        size: side of the HQ crops in pixels.
        device: cpu or cuda.
        backbone: sizes, or a folder.
        precision: of the frozen weights; adapters and their optimizers are float32.
        micro_batch: images at once; None: 4.
        gradient_checkpointing: less memory, more time.
    """
    batch, torch_device = micro_batch or 4, torch.device(device)
    loaded = build_backbone(backbone, device).to(device, PRECISIONS[precision])
    generator = Generator(loaded, RECIPE, regularizer_scope(LOSS))
    if gradient_checkpointing:
        generator.checkpoint_gradients()
    objective = Objective(generator, LOSS)
    assert objective.regularizer is not None
    groups = [list(generator.parameters().values()), list(objective.regularizer.parameters().values())]
    for parameter in (parameter for group in groups for parameter in group):
        parameter.data = parameter.data.float()
    optimizers = [torch.optim.AdamW(group, lr=5e-5) for group in groups]
    text = backbones.PromptEmbedder(loaded)([""] * batch)
    images = torch.rand((2, batch, 3, size, size), device=device) * 2 - 1
    mixed = torch.autocast(device, PRECISIONS[precision], enabled=precision != "fp32")
    seconds = []
    for _ in range(STEPS + 1):
        begun = time.perf_counter()
        rng = SampleRNG(list(range(batch)))
        with mixed:
            loss, _, critic_input = objective.generator_loss(images[0], images[1], text, text, rng)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizers[0].step()
        optimizers[0].zero_grad(set_to_none=True)
        with mixed:
            terms = objective.regularizer_loss(critic_input, images[1], text, rng)
        sum(terms.values(), torch.zeros((), device=device)).backward()  # type: ignore[no-untyped-call]
        optimizers[1].step()
        optimizers[1].zero_grad(set_to_none=True)
        if torch_device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    how = f"{precision}, {batch} images of {size} pixels{', gradient checkpointing' * gradient_checkpointing}"
    note = f"{how}; random weights, encoder features in place of LPIPS; lowest of {STEPS}"
    return [
        ("training step, one micro-batch", min(seconds[1:]), "s", note),
        ("training step, one image", min(seconds[1:]) / batch, "s", note),
        ("training step, peak memory", _peak_bytes(device) / 1e9, "GB", how),
    ]


def _peak_bytes(device: str) -> int:
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
