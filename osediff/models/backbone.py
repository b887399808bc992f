"""The pretrained latent diffusion model that OSEDiff starts from: SD 2.1-base, or the demo's small one.

On disk a backbone is a folder in diffusers' layout: ``vae/ unet/ text_encoder/ tokenizer/ scheduler/``. A backbone that
a rule fetched also has ``manifest.json``, which names its mirror and says whether its weights are random.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from osediff.common.errors import InputError
from osediff.models.backbone_folder import PARTS, check_parts


@dataclass
class Backbone:
    """The parts of a latent diffusion model, on one device."""

    vae: AutoencoderKL
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    scheduler: DDPMScheduler

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Backbone:
        """Move the three networks to ``device``, and to ``dtype`` if given; returns itself."""
        for network in (self.vae, self.unet, self.text_encoder):
            nn.Module.to(network, device, dtype)  # past diffusers' own, which warns of nothing at every cast
        return self

    @torch.no_grad()
    def embed(self, prompts: list[str]) -> Tensor:
        """Return text embeddings (N, tokens, channels) of ``prompts``, padded or cut to the encoder's token count."""
        tokens = self.tokenizer(
            prompts,
            max_length=self.tokenizer.model_max_length,
            padding="max_length",
            truncation=True,
            return_tensors="pt",
        )
        embeddings: Tensor = self.text_encoder(tokens.input_ids.to(self.text_encoder.device))[0]
        return embeddings


class PromptEmbedder:
    """Text embeddings of prompts; the first ``ROOM`` are stored and computed only once (0.3 MB each at full size).

    ``precision`` makes the context in which they are computed.
    """

    ROOM = 1024

    def __init__(
        self, backbone: Backbone, precision: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self.backbone, self.precision = backbone, precision
        self.cache: dict[str, Tensor] = {}

    def __call__(self, prompts: list[str]) -> Tensor:
        """Return embeddings (N, tokens, channels) of ``prompts``."""
        embeddings = {prompt: self.cache[prompt] for prompt in prompts if prompt in self.cache}
        missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in embeddings]
        if missing:
            with self.precision():
                computed = self.backbone.embed(missing)
            embeddings |= dict(zip(missing, computed.chunk(len(missing)), strict=True))
        if len(self.cache) + len(missing) <= self.ROOM:
            self.cache |= {prompt: embeddings[prompt] for prompt in missing}
        return torch.cat([embeddings[prompt] for prompt in prompts])

    def clear(self) -> None:
        """Empty the cache."""
        self.cache.clear()


def check(folder: Path) -> DDPMScheduler:
    """Return the scheduler of the backbone in ``folder``, after a check that OSEDiff can start from it.

    Raises:
        InputError: a part is missing, or the UNet was not trained to predict noise. OSEDiff's Eq. 3 holds for epsilon
            prediction only; the 768-pixel SD 2.1 (velocity prediction) diverges after some thousand steps.
    """
    check_parts(folder)
    with one_line_errors(folder / "scheduler"):
        scheduler = DDPMScheduler.from_pretrained(folder, subfolder="scheduler", local_files_only=True)
    if scheduler.config.prediction_type != "epsilon":
        kind = scheduler.config.prediction_type
        raise InputError(f"{folder}: predicts {kind}, OSEDiff needs epsilon; use SD 2.1-base (512), not SD 2.1 (768)")
    return scheduler


def load(folder: Path) -> Backbone:
    """Load the backbone stored in ``folder``, in float32 on the CPU, frozen.

    Raises:
        InputError: a part is missing (see ``check``), damaged, or holds a weight that is not finite.
    """
    scheduler = check(folder)
    with one_line_errors(folder / "vae"):
        vae = AutoencoderKL.from_pretrained(folder, subfolder="vae", torch_dtype=torch.float32, local_files_only=True)
    with one_line_errors(folder / "unet"):
        unet = UNet2DConditionModel.from_pretrained(
            folder, subfolder="unet", torch_dtype=torch.float32, local_files_only=True
        )
    with one_line_errors(folder / "text_encoder"):
        text_encoder = CLIPTextModel.from_pretrained(
            folder / "text_encoder", dtype=torch.float32, local_files_only=True
        )
    with one_line_errors(folder / "tokenizer"):
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
    for name, network in (("vae", vae), ("unet", unet), ("text_encoder", text_encoder)):
        network.requires_grad_(False).eval()
        for key, tensor in network.state_dict().items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise InputError(f"{folder / name}: {key} holds values that are not finite; fetch the backbone again")
    return Backbone(vae, unet, text_encoder, tokenizer, scheduler)


@contextmanager
def one_line_errors(part: Path) -> Iterator[None]:
    """Convert errors of diffusers and transformers for a damaged ``part`` of a backbone to one InputError line."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # they raise whatever the parser below them raises
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"{part}: cannot be loaded ({reason}); fetch the backbone again") from error


def build(sizes: dict[str, Any], tokenizer: CLIPTokenizer) -> Backbone:
    """Build a backbone of the given ``sizes`` (keyword arguments of each part's configuration) with random weights.

    The text encoder has one embedding per token of ``tokenizer`` unless ``sizes`` gives it more (``vocab_size``). Under
    ``torch.device("meta")`` it takes no memory, for counting.
    """
    text = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "max_position_embeddings": tokenizer.model_max_length,
    }
    return Backbone(
        vae=AutoencoderKL(**sizes["vae"]),
        unet=UNet2DConditionModel(**sizes["unet"]),
        text_encoder=CLIPTextModel(CLIPTextConfig(**text | sizes["text_encoder"])),
        tokenizer=tokenizer,
        scheduler=DDPMScheduler(**sizes["scheduler"]),
    )


def save(backbone: Backbone, folder: Path) -> None:
    """Write ``backbone`` to ``folder`` in diffusers' layout, weights as safetensors in the dtype they have."""
    for part in PARTS:
        getattr(backbone, part).save_pretrained(folder / part)


def word_tokenizer(texts: list[str]) -> CLIPTokenizer:
    """Make a CLIP tokenizer (77 tokens) in which each word of ``texts`` is one token; other words are spelled out.

    The same texts give the same tokenizer: the most frequent pairs of symbols are joined first, equally frequent pairs
    in alphabetical order. The library's trainer breaks ties randomly, so that two processes of one training would
    number words differently.
    """
    pieces = CLIPTokenizer(model_max_length=77).backend_tokenizer
    words: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        for word, _ in pieces.pre_tokenizer.pre_tokenize_str(pieces.normalizer.normalize_str(text)):
            words[(*word[:-1], f"{word[-1]}</w>")] += 1
    # CLIP marks a word's last symbol, so the alphabet is needed both inside and at the end of words.
    characters = [chr(code) for code in range(33, 127)]
    tokens = ["<|startoftext|>", "<|endoftext|>", *characters, *(f"{character}</w>" for character in characters)]
    merges: list[tuple[str, str]] = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        words = Counter({join_pair(word, merges[-1]): count for word, count in words.items()})
    tokens += ["".join(pair) for pair in merges]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def join_pair(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """Return the symbols of ``word``, with every ``pair`` joined to one symbol."""
    symbols: list[str] = []
    for symbol in word:
        if symbols and (symbols[-1], symbol) == pair:
            symbols[-1] += symbol
        else:
            symbols.append(symbol)
    return tuple(symbols)
