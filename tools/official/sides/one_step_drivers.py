"""Drivers of the methods that restore in one step, as ``drivers.py`` describes them."""

from __future__ import annotations

import importlib
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from baselines.shared import stable_diffusion_2
from baselines.shared.upstream_code import OnCPU


def narrow_stable_diffusion_2() -> None:
    """Let the adapter lay out a Stable Diffusion 2.1 of less width, from which both sides load."""
    heads = {"attention_head_dim": [2, 4, 4, 4], "cross_attention_dim": 64}
    stable_diffusion_2.UNET.update(block_out_channels=[32, 64, 128, 128], **heads)
    stable_diffusion_2.VAE.update(block_out_channels=[32, 32, 64, 64])
    small = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    stable_diffusion_2.TEXT.update(small)


def run_script(path: str, options: dict[str, Any]) -> None:
    """Run a script as a person does, with ``options`` on its command line; None is the value of a mere flag."""
    words = ([f"--{name}", *([] if value is None else [str(value)])] for name, value in options.items())
    sys.argv = [path, *(word for pair in words for word in pair)]
    runpy.run_path(path, run_name="__main__")


def seed_before(owner: Any, method: str, seed: int) -> None:
    """Let ``method`` of a class start with seeded generators: what is loaded before draws random numbers, too."""
    official = getattr(owner, method)

    def seeded(self: Any, *arguments: Any, **options: Any) -> Any:
        torch.manual_seed(seed)
        return official(self, *arguments, **options)

    setattr(owner, method, seeded)


class AdcSR:
    """``test.py``, with sides that are multiples of 16; less width where the official code does not name it."""

    folder, changes = "AdcSR", {}

    def reduce(self, adapter: Any) -> None:
        """Let the adapter lay out networks of less width, which the driver gets, too."""
        stable_diffusion_2.UNET.update(block_out_channels=[320, 64, 64, 64], attention_head_dim=[5, 2, 2, 2])
        adapter.DECODER.update(block_out_channels=[32, 32, 64, 256])

    def drive(self, options: Any, weights: Path, lr: Path, out: Path, seed: int) -> None:
        """Restore the images of ``lr`` into ``out``."""
        import diffusers

        files = {Path(name).name: weights / name for name in (options.checkpoint, options.decoder)}
        load = torch.load
        torch.load = lambda path, **_: load(files[Path(path).name], map_location="cpu", weights_only=True)
        vae = importlib.import_module("diffusers.models.autoencoders.vae")
        decoder, sizes = vae.Decoder, importlib.import_module("baselines.adcsr.adapter").DECODER
        vae.Decoder = lambda **_: decoder(**sizes)
        unet = diffusers.UNet2DConditionModel(**stable_diffusion_2.UNET)
        parts = SimpleNamespace(unet=unet, vae=None, tokenizer=None, scheduler=None, text_encoder=None)
        parts.to = lambda device: parts
        diffusers.StableDiffusionPipeline.from_pretrained = lambda name: parts
        with OnCPU():
            run_script("test.py", {"LR_dir": lr, "SR_dir": out})


class PiSASR:
    """``pisa_sr`` of test_pisasr.py with its option ``--default``; all networks reduced."""

    folder, changes = "PiSA-SR", {}

    def reduce(self, adapter: Any) -> None:
        """Let the adapter lay out networks of less width."""
        narrow_stable_diffusion_2()

    def drive(self, options: Any, weights: Path, lr: Path, out: Path, seed: int) -> None:
        """Restore the images of ``lr`` into ``out``."""
        from diffusers import UNet2DConditionModel

        adapter = importlib.import_module("baselines.pisasr.adapter")

        def merge(unet: Any) -> None:  # a method of the repository's copy of the UNet, around peft's
            unet.fuse_lora()
            unet.unload_lora()

        UNet2DConditionModel.merge_and_unload = merge
        load = torch.load

        def read(path: str) -> dict[str, Any]:
            content = load(path, map_location="cpu", weights_only=True)
            for kind in ("pix", "sem"):
                content[f"lora_rank_unet_{kind}"] = adapter.RANK
                for group in adapter.GROUPS:
                    names = (name for name in content["state_dict_unet"] if f"default_{group}_{kind}." in name)
                    layers = sorted({name.partition(".lora_")[0] for name in names})
                    content[f"unet_lora_{group}_modules_{kind}"] = layers
            return content

        torch.load = read
        seed_before(importlib.import_module("pisasr").PiSASR_eval, "forward", seed)
        values = {"input_image": lr, "output_dir": out, "pretrained_model_path": weights / adapter.BASE}
        values |= {"pretrained_path": weights / options.checkpoint, "mixed_precision": "fp32", "default": None}
        with OnCPU():
            run_script("test_pisasr.py", values)


class TSDSR:
    """``test/test_tsdsr.py`` as the README evaluates, in float32; all networks reduced."""

    folder, changes = "TSD-SR", {}

    def reduce(self, adapter: Any) -> None:
        """Let the adapter lay out networks of less width."""
        sizes = {"num_layers": 2, "num_attention_heads": 4, "attention_head_dim": 16, "joint_attention_dim": 64}
        adapter.TRANSFORMER.update(sizes, caption_projection_dim=64, pooled_projection_dim=32)
        adapter.VAE.update(block_out_channels=[32, 32, 64, 64])

    def drive(self, options: Any, weights: Path, lr: Path, out: Path, seed: int) -> None:
        """Restore the images of ``lr`` into ``out``."""
        adapter = importlib.import_module("baselines.tsdsr.adapter")
        seed_before(importlib.import_module("models.autoencoder_kl").AutoencoderKL, "encode", seed)
        values = {"pretrained_model_name_or_path": weights / adapter.BASE, "lora_dir": weights / options.lora}
        values |= {"embedding_dir": weights / options.embeddings, "input_dir": lr, "output_dir": out}
        values |= {"device": "cpu", "mixed_precision": "fp32", "align_method": "adain"}
        run_script("test/test_tsdsr.py", values)
