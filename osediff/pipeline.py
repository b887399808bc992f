"""A trained OSEDiff that turns LR images into SR images."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from osediff.common.devices import check_device
from osediff.common.errors import InputError
from osediff.common.files import read_json
from osediff.data.color import FIXES
from osediff.data.pairs import as_image, as_tensor
from osediff.models import backbone as backbones
from osediff.models.generator import PRECISIONS, Generator
from osediff.models.tiling import Tiling
from osediff.training import checkpoint as checkpoints

POSTERIORS = ("sample", "mode")
Picture = TypeVar("Picture", Image.Image, np.ndarray, Tensor)


class OSEDiff:
    """A generator for inference: LoRA merged into the weights, on one device, in one precision.

        from osediff import OSEDiff

        model = OSEDiff.from_pretrained("runs/demo/train/osediff/demo/0", backbone="backbones/demo")
        sr = model(Image.open("photo.png"))   # four times as wide and high

    The same seed, prompt and settings give the same pixels.
    """

    def __init__(
        self,
        generator: Generator,
        recipe: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        tiles: Tiling | None = None,
        posterior: str = "sample",
        color_fix: str | None = None,
    ) -> None:
        """Merges and moves ``generator``, whose weights are loaded already; see ``from_pretrained``."""
        for what, value, known in (
            ("precision", precision, PRECISIONS),
            ("posterior", posterior, POSTERIORS),
            ("color fix", color_fix or recipe["color_fix"], FIXES),
        ):
            if value not in known:
                raise InputError(f"unknown {what} {value!r}; choose one of {', '.join(known)}")
        check_device(device)
        self.recipe, self.device, self.posterior = recipe, device, posterior
        self.color_fix = FIXES[color_fix or recipe["color_fix"]]
        self.generator = generator
        self.generator.merge()  # in float32, whatever the precision
        self.generator.tiles = tiles or Tiling()
        self.backbone = generator.backbone.to(device, PRECISIONS[precision])
        if precision != "fp32":
            # The layout that half-precision convolutions are fastest in; float32 gains little.
            for network in (self.backbone.vae, self.backbone.unet):
                network.to(memory_format=torch.channels_last)
        self.texts = backbones.PromptEmbedder(self.backbone)

    @classmethod
    def from_pretrained(
        cls,
        checkpoint: str | Path,
        backbone: str | Path,
        device: str = "cpu",
        precision: str = "fp32",
        tiles: Tiling | None = None,
        posterior: str = "sample",
        color_fix: str | None = None,
    ) -> OSEDiff:
        """The model in ``checkpoint`` (a folder of osediff.train) on the ``backbone`` folder it was trained on.

        ``precision``: fp32, bf16 or fp16. ``posterior``: sample the encoder's latent with the seed, or take its mode.
        ``color_fix``: adain, wavelet or none; the recipe's if not given. ``tiles``: see osediff.models.tiling.
        Raises InputError for folders that are not what they should be and for unknown settings.
        """
        checkpoint = Path(checkpoint)
        recipe = read_json(checkpoint / "recipe.json")
        generator = Generator(backbones.load(Path(backbone)), recipe)
        checkpoints.load_adapters(checkpoint / "adapters.safetensors", generator.parameters())
        return cls(generator, recipe, device, precision, tiles, posterior, color_fix)

    def upsample(self, lr: np.ndarray) -> np.ndarray:
        """``lr`` at output size (PIL's default filter), the smaller side brought up to ``process_size`` if below."""
        height, width = (extent * self.recipe["scale_factor"] for extent in lr.shape[:2])
        zoom = max(1.0, self.recipe["process_size"] / min(height, width))
        return np.asarray(Image.fromarray(lr).resize((round(width * zoom), round(height * zoom))))

    @torch.inference_mode()
    def restore_tensor(self, lq: Tensor, prompts: list[str], seeds: list[int]) -> Tensor:
        """Restored images (N, 3, H, W) in [-1, 1], float32, of LQ images ``lq`` at output size, same shape and range.

        One prompt and one seed for each; without color correction.
        """
        height, width = lq.shape[2:]
        factor = self.generator.factor
        padded = F.pad(lq.to(self.device), (0, -width % factor, 0, -height % factor), mode="replicate")
        latent, deviation = self.generator.posterior(padded)
        if self.posterior == "sample":
            random = [torch.Generator().manual_seed(seed) for seed in seeds]
            noise = torch.cat([torch.randn((1, *latent.shape[1:]), generator=one) for one in random])
            latent = latent + deviation * noise.to(self.device)
        latent = latent * self.backbone.vae.config.scaling_factor
        latent = self.generator.denoise(latent, self.texts(prompts))
        return self.generator.decode(latent)[..., :height, :width]

    def restore(self, images: list[np.ndarray], prompts: list[str], seeds: list[int]) -> list[np.ndarray]:
        """SR images, uint8 (scale_factor H, scale_factor W, 3), of LR ``images``, uint8 (H, W, 3), all of one size.

        Each has its own prompt and its own seed, so that an image does not depend on what it shares a batch with (but
        for rounding: a pixel may differ by one level in 255).
        """
        lq = torch.stack([as_tensor(self.upsample(image)) for image in images]).to(self.device)
        made = zip(self.restore_tensor(lq, prompts, seeds), lq, strict=True)
        pictures = [as_image(self.color_fix(one, reference)) for one, reference in made]
        size = (images[0].shape[1] * self.recipe["scale_factor"], images[0].shape[0] * self.recipe["scale_factor"])
        if (lq.shape[3], lq.shape[2]) == size:
            return pictures
        return [np.asarray(Image.fromarray(picture).resize(size)) for picture in pictures]

    def __call__(self, image: Picture, prompt: str = "", seed: int = 0) -> Picture:
        """The SR image of one LR ``image``, ``scale_factor`` times as large and of the same kind.

        Kinds: PIL image (8-bit RGB), uint8 array (H, W, 3), or float tensor (3, H, W) or (1, 3, H, W) in [0, 1] (which
        is rounded to 8 bits first). ``prompt``: tags of the image, as the variant was trained with.
        """
        if isinstance(image, Image.Image):
            if image.mode != "RGB":
                raise InputError(f"the image is in mode {image.mode}, needed is RGB; convert it first")
            return Image.fromarray(self.restore([np.asarray(image)], [prompt], [seed])[0])
        if isinstance(image, np.ndarray):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise InputError(f"the image is {image.dtype} {image.shape}, needed is uint8 (H, W, 3)")
            return self.restore([image], [prompt], [seed])[0]
        if not image.is_floating_point() or image.ndim not in (3, 4) or tuple(image.shape[:-2]) not in ((3,), (1, 3)):
            raise InputError(f"the image is {image.dtype} {tuple(image.shape)}, needed is float (3, H, W) in [0, 1]")
        pixels = as_image(image.reshape(3, *image.shape[-2:]) * 2 - 1)
        restored = torch.from_numpy(self.restore([pixels], [prompt], [seed])[0]).permute(2, 0, 1).to(image) / 255
        return restored.reshape(*image.shape[:-2], *restored.shape[-2:])
