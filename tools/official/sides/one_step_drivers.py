"""Drivers of the other methods that restore in one step, as ``drivers.py`` describes them."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import yaml

from baselines.shared import stable_diffusion_2
from baselines.shared.upstream_code import OnCPU, provide
from tools.official.sides.scripts import narrow_stable_diffusion_2, run_script, seed_before


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
