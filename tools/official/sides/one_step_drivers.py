"""Drivers of the methods that restore in one step, as ``drivers.py`` describes them."""

from __future__ import annotations

import importlib
import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import torch
import yaml

from baselines.shared import stable_diffusion_2
from baselines.shared.upstream_code import OnCPU, provide


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


class CTMSR:
    """``basicsr/test.py`` with its own configuration but for the data, and no metrics; the network in full size."""

    folder, changes = "CTMSR", {}

    def reduce(self, adapter: Any) -> None:
        """Leave the network as it is."""

    def drive(self, options: Any, weights: Path, lr: Path, out: Path, seed: int) -> None:
        """Restore the images of ``lr`` into ``out``."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "basicsr"]:
            del sys.modules[name]  # the adapter registered packages without their content
        provide("pyiqa", create_metric=lambda *_, **__: None)
        provide("lpips", LPIPS=lambda **_: torch.nn.Identity())
        provide("albumentations")
        provide("torchvision.transforms.functional_tensor", rgb_to_grayscale=None)
        clock = SimpleNamespace(record=lambda: None, elapsed_time=lambda end: 0.0)
        torch.cuda.Event, torch.cuda.synchronize = lambda **_: clock, lambda: None
        config = yaml.safe_load(Path(options.config).read_text(encoding="utf-8"))
        config["datasets"] = {"val_2": config["datasets"]["val_2"] | {"dataroot_lq": str(lr)}}
        config["path"]["pretrain_network_g"] = str(weights / options.checkpoint)
        config |= {"num_gpu": 0}
        del config["val"]["metrics"]
        out.mkdir(exist_ok=True)
        (out / "test.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        sys.argv = ["test.py", "-opt", str(out / "test.yml")]
        with OnCPU():
            seed_before(importlib.import_module("basicsr.models.edm_unet_real_model").EdmUNetRealModel, "test", seed)
            importlib.import_module("basicsr.test").test_pipeline(str(out))
        for path in (out / "results" / "ctmsr_test" / "visualization" / "RealSet65").iterdir():
            path.rename(out / path.name.replace("_ctmsr_test", ""))


class InvSR:
    """``inference_invsr.py --num_steps 1 --chopping_size 128`` in float32; all networks reduced."""

    folder, changes = "InvSR", {}

    def reduce(self, adapter: Any) -> None:
        """Let the adapter lay out networks of less width; the script reads the same configuration."""
        narrow_stable_diffusion_2()
        load = adapter.OmegaConf.load

        def narrow(path: Any) -> Any:
            config = load(path)
            config.model_start.params |= {"block_out_channels": [32, 64], "attention_head_dim": 16}
            config.sd_pipe.params.torch_dtype, config.gradient_checkpointing_vae = "torch.float32", False
            return config

        adapter.OmegaConf.load = narrow

    def drive(self, options: Any, weights: Path, lr: Path, out: Path, seed: int) -> None:
        """Restore the images of ``lr`` into ``out``."""
        import diffusers
        from omegaconf import OmegaConf

        adapter = importlib.import_module("baselines.invsr.adapter")
        code, base = adapter.import_code(weights.parent / self.folder), weights / adapter.BASE
        diffusers.EulerDiscreteScheduler = code.scheduler
        importlib.import_module("diffusers.models.autoencoders").NoisePredictor = code.predictor
        parts = {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL", "scheduler": "EulerDiscreteScheduler"}
        index = {name: ["diffusers", kind] for name, kind in parts.items()}
        index |= {"text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"]}
        index |= {"safety_checker": [None, None], "feature_extractor": [None, None]}
        (base / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline", **index}))
        narrow, load = OmegaConf.load, torch.load

        def localize(path: Any) -> Any:
            config = narrow(path)
            config.sd_pipe.params.pretrained_model_name_or_path = str(base)
            return config

        OmegaConf.load = localize
        torch.load = lambda path, map_location: load(path, map_location="cpu", weights_only=True)
        provide("basicsr", __path__=[])
        provide("basicsr.utils", __path__=[])
        provide("basicsr.utils.download_util", load_file_from_url=None)
        seed_before(code.sampler, "sample_func", seed)
        values = {"in_path": lr / "image.png", "out_path": out, "sd_path": out}
        values |= {"started_ckpt_path": weights / options.checkpoint, "num_steps": 1, "chopping_size": 128}
        with OnCPU():
            run_script("inference_invsr.py", values)
