"""Drivers of the methods that restore in one step by a Stable Diffusion with LoRA, as ``drivers.py`` describes them."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import torch

from baselines.shared.upstream_code import OnCPU, provide
from tools.official.sides.scripts import narrow_stable_diffusion_2, run_script, seed_before


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


class S3Diff:
    """``src/inference_s3diff.py`` with its defaults; all networks reduced but the estimator.

    The script measures the images at its end. Here each of its metrics is zero.
    """

    folder, changes = "S3Diff", {}

    def reduce(self, adapter: Any) -> None:
        """Let the adapter lay out networks of less width."""
        narrow_stable_diffusion_2()

    def drive(self, options: Any, weights: Path, lr: Path, out: Path, seed: int) -> None:
        """Restore the images of ``lr`` into ``out``."""
        networks = importlib.import_module("baselines.s3diff.networks")
        self.provide_imports()
        seed_before(importlib.import_module("s3diff_tile").S3Diff, "forward", seed)
        config = {"sf": 4, "validation": {"lr_path": str(lr), "io_backend": {"type": "disk"}}}
        out.mkdir(exist_ok=True)
        (out / "config.yaml").write_text(json.dumps(config))
        values = {"base_config": out / "config.yaml", "sd_path": weights / networks.BASE, "output_dir": out}
        values |= {"de_net_path": weights / networks.ESTIMATOR, "pretrained_path": weights / options.checkpoint}
        with OnCPU():
            run_script("src/inference_s3diff.py", values)

    def provide_imports(self) -> None:
        """Provide what the script imports for training and for its metrics, and the parts that read an image."""
        metric = Mock(return_value=torch.zeros(()))
        metric.to.return_value = metric
        provide("pyiqa", create_metric=lambda *_, **__: metric)
        for name in ("lpips", "clip"):
            provide(name)
        names = "augment paired_random_crop triplet_random_crop"
        provide("basicsr.data", __path__=[])
        provide("basicsr.data.transforms", **dict.fromkeys(names.split()))
        names = "bivariate_Gaussian circular_lowpass_kernel random_mixed_kernels"
        noises = (f"random_add_{noise}_noise_pt" for noise in ("gaussian", "poisson", "speckle", "saltpepper"))
        provide("basicsr.data.degradations", **dict.fromkeys([*names.split(), *noises]))
        utils = sys.modules["basicsr.utils"]
        vars(utils).update(__path__=[str(Path("basicsr/utils").resolve())], DiffJPEG=None, USMSharp=None)
        for module, names in (("file_client", "FileClient"), ("img_util", "imfrombytes img2tensor")):
            part = importlib.import_module(f"basicsr.utils.{module}")
            vars(utils).update((name, getattr(part, name)) for name in names.split())


class HYPIR:
    """``test.py`` with the command of the README, without captions, in float32; all networks reduced."""

    folder, changes = "HYPIR", {}

    def reduce(self, adapter: Any) -> None:
        """Let the adapter lay out networks of less width."""
        narrow_stable_diffusion_2()

    def drive(self, options: Any, weights: Path, lr: Path, out: Path, seed: int) -> None:
        """Restore the images of ``lr`` into ``out``."""
        adapter = importlib.import_module("baselines.hypir.adapter")
        provide("openai", OpenAI=None)  # of the captions of a GPT
        enhancer = importlib.import_module("HYPIR.enhancer.base").BaseEnhancer
        initialize = enhancer.init_models

        def use_float32(self: Any) -> None:
            self.weight_dtype = torch.float32
            initialize(self)

        enhancer.init_models = use_float32
        seed_before(enhancer, "enhance", seed)
        values = {"base_model_type": "sd2", "base_model_path": weights / adapter.BASE, "device": "cpu", "seed": seed}
        values |= {"weight_path": weights / options.checkpoint, "lora_modules": options.lora_modules.replace(" ", ",")}
        names = ("model_t", "coeff_t", "lora_rank", "patch_size", "stride")
        values |= {name: getattr(options, name) for name in names}
        values |= {"lq_dir": lr, "scale_by": "factor", "upscale": 4, "captioner": "empty", "output_dir": out}
        run_script("test.py", values)
        for image in (out / "result").iterdir():
            image.rename(out / image.name)
