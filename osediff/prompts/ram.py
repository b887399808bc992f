"""RAM and DAPE: which of 4585 tags an image shows.

RAM (Recognize Anything, arXiv 2306.03514) is a Swin-L and a Query2Label decoder with one query for each tag. DAPE
(SeeSR, arXiv 2311.16518) is RAM with LoRA, fine-tuned to give the tags of the clean image for a degraded one. Both are
read from the official checkpoints; parts that tagging does not use (``tag_encoder``, ``text_decoder``) are left out.

At full size, in float32, with random weights and one 384-pixel input, logits equal those of the official module within
3e-6, with DAPE's LoRA and without it, and the tags are the same. At a small size ``tools/official/ram.py`` repeats this
without LoRA, and a test compares with its names, shapes and logits.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osediff.common.errors import InputError
from osediff.common.files import read_text
from osediff.common.tensor_files import read_tensors

# RAM's own sizes; `swin` are keyword arguments of timm's Swin.
SIZES: dict[str, Any] = {
    "image": 384,
    "tags": 4585,
    "embedding": 512,
    "width": 768,
    "feed_forward": 3072,
    "heads": 4,
    "layers": 2,
    "swin": {"embed_dim": 192, "depths": (2, 2, 18, 2), "num_heads": (6, 12, 24, 48), "window_size": 12},
}
LORA_SCALE = 1 / 8  # loralib's alpha of 1 over RAMLora's rank of 8
DEAD = ("tag_encoder.", "text_decoder.")
RECOMPUTED = ("relative_position_index", "attn_mask")
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TaggingLayer(nn.Module):
    """Cross-attention from tag queries to image tokens, then a feed-forward network; normalized as in BERT."""

    def __init__(self, sizes: dict[str, Any]) -> None:
        super().__init__()
        width, self.heads = sizes["width"], sizes["heads"]
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(sizes["embedding"], width)
        self.value = nn.Linear(sizes["embedding"], width)
        self.attended = nn.Linear(width, width)
        self.attended_norm = nn.LayerNorm(width, eps=1e-12)
        self.expand = nn.Linear(width, sizes["feed_forward"])
        self.contract = nn.Linear(sizes["feed_forward"], width)
        self.contract_norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, tags: Tensor, image: Tensor) -> Tensor:
        """Compute (N, tags, width) from the same and image tokens (N, tokens, embedding)."""

        def split(x: Tensor) -> Tensor:
            return x.reshape(*x.shape[:-1], self.heads, -1).transpose(1, 2)

        query, key, value = split(self.query(tags)), split(self.key(image)), split(self.value(image))
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        tags = self.attended_norm(self.attended(seen) + tags)
        contracted: Tensor = self.contract_norm(self.contract(F.gelu(self.expand(tags))) + tags)
        return contracted


class RAM(nn.Module):
    """The part of RAM that computes the logits of every tag."""

    def __init__(self, sizes: dict[str, Any] = SIZES) -> None:
        """Build it with random weights (see ``load``). Under ``torch.device("meta")`` it takes no memory."""
        super().__init__()
        self.size = sizes["image"]
        self.visual_encoder = timm.create_model(
            "swin_large_patch4_window12_384", img_size=self.size, num_classes=0, global_pool="", **sizes["swin"]
        )
        swin = sizes["swin"]
        self.image_proj = nn.Linear(swin["embed_dim"] * 2 ** (len(swin["depths"]) - 1), sizes["embedding"])
        self.label_embed = nn.Parameter(torch.randn(sizes["tags"], sizes["embedding"]) * 0.02)
        self.wordvec_proj = nn.Linear(sizes["embedding"], sizes["width"])
        self.tagging_head = nn.ModuleList(TaggingLayer(sizes) for _ in range(sizes["layers"]))
        self.fc = nn.Linear(sizes["width"], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Compute logits (N, tags) of ``images`` (N, 3, size, size) as ``preprocess`` makes them."""
        tokens = self.visual_encoder(images).flatten(1, 2)
        image = self.image_proj(torch.cat([tokens.mean(1, keepdim=True), tokens], dim=1))
        tags = F.relu(self.wordvec_proj(self.label_embed)).expand(len(images), -1, -1)
        for layer in self.tagging_head:
            tags = layer(tags, image)
        logits: Tensor = self.fc(tags)
        return logits.squeeze(-1)


def build(sizes: dict[str, Any] = SIZES) -> RAM:
    """Build RAM with random weights, for timing, counting and parity; in evaluation mode."""
    return RAM(sizes).eval()


def preprocess(images: Tensor, size: int) -> Tensor:
    """Convert ``images`` (N, 3, H, W) in [0, 1] to the network's input (N, 3, size, size).

    Bilinear without antialiasing, as torchvision 0.15, which the official code requires, resizes tensors.
    """
    small = F.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=False)
    mean, deviation = (small.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    return (small - mean) / deviation


def names(layers: int, stages: int) -> dict[str, str]:
    """Return the beginnings of official parameter names that differ from ours, with the beginnings of our names."""
    # The official code has the reduction between two stages at the end of the first, timm at the start of the second.
    moved = {
        f"visual_encoder.layers.{i}.downsample.": f"visual_encoder.layers.{i + 1}.downsample."
        for i in range(stages - 1)
    }
    parts = {
        "crossattention.self.": "",
        "crossattention.output.dense.": "attended.",
        "crossattention.output.LayerNorm.": "attended_norm.",
        "intermediate.dense.": "expand.",
        "output.dense.": "contract.",
        "output.LayerNorm.": "contract_norm.",
    }
    for i in range(layers):
        moved |= {
            f"tagging_head.encoder.layer.{i}.{theirs}": f"tagging_head.{i}.{ours}" for theirs, ours in parts.items()
        }
    return moved


def read(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint by name, bare or below ``model`` or ``params``."""
    content = read_tensors(path, below=("model", "params"))
    return {name.replace("vision_multi", "tagging_head"): tensor for name, tensor in content.items()}


def translate(name: str, moved: dict[str, str]) -> str:
    """Return our name of the official parameter ``name``."""
    for theirs, ours in moved.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def load(checkpoint: Path, dape: Path | None = None, sizes: dict[str, Any] = SIZES) -> RAM:
    """Load RAM of ``ram_swin_large_14m.pth``, with the LoRA of ``DAPE.pth`` merged if given; float32, evaluation mode.

    Raises InputError that names a weight that is missing, unknown or of another shape.
    """
    model = build(sizes)
    expected = model.state_dict()
    moved = names(sizes["layers"], len(sizes["swin"]["depths"]))
    given = {
        translate(name, moved): tensor
        for name, tensor in read(checkpoint).items()
        if not name.startswith(DEAD) and not name.endswith(RECOMPUTED)
    }
    for what, odd in (("lacks", expected.keys() - given.keys()), ("has an unknown", given.keys() - expected.keys())):
        if odd:
            raise InputError(f"{checkpoint}: not RAM's Swin-L: {what} {min(odd)} ({len(odd)} such names)")
    for name, tensor in expected.items():
        if given[name].shape != tensor.shape:
            shapes = f"{tuple(given[name].shape)}, needed is {tuple(tensor.shape)}"
            raise InputError(f"{checkpoint}: not RAM's Swin-L: {name} is {shapes}")
    weights = {name: tensor.float() for name, tensor in given.items()}
    if dape:
        merge(weights, dape, moved)
    model.load_state_dict(weights)
    return model.requires_grad_(False)


def lora_change(layer: str, down: Tensor, up: Tensor) -> Tensor:
    """Multiply out the LoRA of ``layer``, ``down`` (rank, in) and ``up`` (out, rank), to a change (out, in)."""
    if not layer.endswith("qkv."):
        return up @ down
    # Queries and values have a pair each; keys have none.
    query, value = (u @ d for u, d in zip(up.chunk(2), down.chunk(2), strict=True))
    return torch.cat([query, torch.zeros_like(query), value])


def merge(weights: dict[str, Tensor], dape: Path, moved: dict[str, str]) -> None:
    """Add DAPE's LoRA to ``weights`` (our names), as loralib does for evaluation.

    RAM shares the weights of ``tagging_head`` with the first layers of ``tag_encoder``, and loralib adds the LoRA of
    both to them; so does this.
    """
    pairs = read(dape)
    used = 0
    for name in sorted(key for key in pairs if key.endswith("lora_A")):
        layer = name.removesuffix("lora_A")
        down, up = pairs[name].float(), pairs.get(f"{layer}lora_B")
        if up is None:
            raise InputError(f"{dape}: has {name} but no lora_B beside it")
        target = translate(layer.replace("tag_encoder.", "tagging_head.") + "weight", moved)
        if target not in weights:
            if name.startswith(DEAD):
                continue  # of layers that tagging does not use
            raise InputError(f"{dape}: not DAPE's LoRA for RAM's Swin-L: {name} belongs to no layer")
        change = lora_change(layer, down, up.float())
        if change.shape != weights[target].shape:
            shapes = f"{tuple(change.shape)}, needed is {tuple(weights[target].shape)}"
            raise InputError(f"{dape}: not DAPE's LoRA for RAM's Swin-L: {name} makes {shapes}")
        weights[target] = weights[target] + LORA_SCALE * change
        used += 1
    others = [key for key in pairs if "lora_" not in key and not key.endswith(RECOMPUTED)]
    for name in others:
        target = translate(name, moved)
        if not name.startswith(DEAD) and target not in weights:
            raise InputError(f"{dape}: not DAPE's LoRA for RAM's Swin-L: {name} belongs to no layer")
        if target in weights:
            raise InputError(f"{dape}: holds whole weights ({name}), needed is LoRA alone")
    if not used:
        raise InputError(f"{dape}: no LoRA here")


class Tagger:
    """Returns the tags of an image in RAM's words: ``Tagger(model, tags, thresholds)(image)``."""

    def __init__(self, model: RAM, tags: list[str], thresholds: list[float], device: str = "cpu") -> None:
        """``thresholds``: probability above which each of ``tags`` counts as shown."""
        if not len(tags) == len(thresholds) == len(model.label_embed):
            counts = f"{len(tags)} tags and {len(thresholds)} thresholds"
            raise InputError(f"RAM: {counts}, needed are {len(model.label_embed)} of each")
        if not all(math.isfinite(value) for value in thresholds):
            raise InputError("RAM: a threshold is not a finite number")
        self.model, self.tags, self.device = model.to(device), tags, device
        self.thresholds = torch.tensor(thresholds)

    @torch.inference_mode()
    def __call__(self, image: Tensor) -> str:
        """Return the tags of ``image`` (3, H, W) in [0, 1], in the list's order, joined by ", "."""
        dtype = self.model.label_embed.dtype
        ready = preprocess(image[None].to(self.device), self.model.size).to(dtype)
        shown = torch.sigmoid(self.model(ready).float())[0].cpu() > self.thresholds
        return ", ".join(tag for tag, one in zip(self.tags, shown.tolist(), strict=True) if one)


def read_lists(tags: Path, thresholds: Path) -> tuple[list[str], list[float]]:
    """Read tags and thresholds of the official text files ``ram_tag_list.txt`` and ``ram_tag_list_threshold.txt``."""
    try:
        return read_text(tags).splitlines(), [float(line) for line in read_text(thresholds).split()]
    except ValueError as error:
        raise InputError(f"{thresholds}: not one number a line ({error})") from error
