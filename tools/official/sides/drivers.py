"""Drivers of baselines, run as their authors wrote them, on a CPU with reduced networks and random weights.

None of their code is here: it is imported from a checkout. Each class says how the networks are reduced, for the
adapter and for the driver alike, and what is replaced around the driver: names that moved, CUDA by name, downloads,
captions.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
import yaml

from tools.official.sides.lora_drivers import HYPIR, TSDSR, PiSASR, S3Diff
from tools.official.sides.one_step_drivers import CTMSR, AdcSR, InvSR

CAPTION = "a noisy picture of a street"  # PASD's captions are given, not computed


class SinSR:
    """``Sampler.inference`` with one step; the networks in full size."""

    folder, changes = "SinSR", {}

    def reduce(self, adapter: Any) -> None:
        """Leave the networks as they are."""

    def drive(self, options: Any, weights: Path, lr: Path, out: Path, seed: int) -> None:
        """Restore the images of ``lr`` into ``out``."""
        from omegaconf import OmegaConf

        for name in ("loguru", "datapipe", "datapipe.datasets"):  # for training
            sys.modules[name] = ModuleType(name)
        sys.modules["loguru"].logger = sys.modules["datapipe.datasets"].create_dataset = None
        load = torch.load
        torch.load = lambda path, map_location=None, **more: load(path, map_location="cpu", weights_only=True)
        torch.cuda.device_count = lambda: 1
        torch.nn.Module.cuda = torch.Tensor.cuda = lambda self, *_, **__: self
        config = OmegaConf.load("configs/SinSR.yaml")
        config.model.ckpt_path = str(weights / options.checkpoint)
        config.autoencoder.ckpt_path = str(weights / options.autoencoder)
        config.autoencoder.use_fp16 = False
        config.diffusion.params |= {"timestep_respacing": 15, "sf": 4}
        sampler = importlib.import_module("sampler").Sampler(
            config, chop_size=512, chop_stride=448, chop_bs=1, use_fp16=False, seed=seed, ddim=False
        )
        torch.manual_seed(seed)
        with torch.no_grad():
            sampler.inference(str(lr), str(out), bs=1, noise_repeat=False, one_step=True)


class DiffBIR:
    """``BSRInferenceLoop.run``, version v1; UNet and ControlNet with a tenth of the width, the others reduced too."""

    folder, changes = "DiffBIR", {"steps": 10}

    def reduce(self, adapter: Any) -> None:
        """Let configurations of networks be read with less width, by the adapter and by the driver."""
        from omegaconf import OmegaConf

        load, safe_load = OmegaConf.load, yaml.safe_load
        OmegaConf.load = lambda path: OmegaConf.create(self.narrow(OmegaConf.to_container(load(path))))
        adapter.yaml = SimpleNamespace(safe_load=lambda text: self.narrow(safe_load(text)))

    def narrow(self, config: dict[str, Any]) -> dict[str, Any]:
        """Return the configuration of a network with less width."""
        params = config["params"]
        if "embed_dim" in params:  # SwinIR
            params.update(embed_dim=24, depths=[2, 2], num_heads=[2, 2])
        elif "unet_cfg" in params:
            for name in ("unet_cfg", "controlnet_cfg"):
                params[name].update(model_channels=32, num_head_channels=32, context_dim=64)
            params["vae_cfg"]["ddconfig"]["ch"] = 32
            params["clip_cfg"]["embed_dim"] = 64
            params["clip_cfg"]["text_cfg"].update(width=64, heads=4, layers=3)
        return config

    def drive(self, options: Any, weights: Path, lr: Path, out: Path, seed: int) -> None:
        """Restore the images of ``lr`` into ``out``."""
        adapter = importlib.import_module("baselines.diffbir.adapter")
        common, loop = (importlib.import_module(f"diffbir.inference.{name}") for name in ("loop", "bsr_loop"))
        files = {"sd_v2.1": options.base, "v1_general": options.control, "swinir_general": options.cleaner}
        by_address = {common.MODELS[name]: file for name, file in files.items()}

        def load(address: str) -> Any:
            content = torch.load(weights / by_address[address], weights_only=True)
            return content.get("state_dict", content)

        common.load_model_from_url = loop.load_model_from_url = load
        values = {"task": "sr", "upscale": 4, "version": "v1", "captioner": "none", "device": "cpu"}
        values |= {"precision": "fp32", "guidance": False, "input": str(lr), "output": str(out), "pos_prompt": ""}
        values |= {"neg_prompt": "", "n_samples": 1, "batch_size": 1, "steps": options.steps, "sampler": "spaced"}
        values |= {"cfg_scale": options.guidance, "start_point_type": "noise", **adapter.DEFAULTS}
        inference = loop.BSRInferenceLoop(Namespace(**values))
        torch.manual_seed(seed)
        inference.run()


class PASD:
    """``main`` of test_pasd.py with a given caption; all networks reduced."""

    folder, changes = "PASD", {"steps": 4}

    def reduce(self, adapter: Any) -> None:
        """Let the adapter lay out networks of less width, from which both sides load; give the caption."""
        load = json.loads

        def narrow(text: str) -> dict[str, Any]:
            config = load(text)
            if "cross_attention_dim" in config:
                changes = {"block_out_channels": [32, 64, 128, 128], "cross_attention_dim": 64, "attention_head_dim": 4}
                return config | changes
            return config | {"block_out_channels": [32, 32, 64, 64]}

        from transformers import CLIPTextConfig

        small = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
        from_pretrained = CLIPTextConfig.from_pretrained
        CLIPTextConfig.from_pretrained = lambda folder, **more: from_pretrained(folder, **(more or small))
        adapter.json = SimpleNamespace(loads=narrow)
        adapter.load_captioner = lambda weights, device: lambda picture: CAPTION

    def drive(self, options: Any, weights: Path, lr: Path, out: Path, seed: int) -> None:
        """Restore the images of ``lr`` into ``out``."""
        adapter = importlib.import_module("baselines.pasd.adapter")
        for name in ("tokenizer", "scheduler", "feature_extractor"):
            link = weights / adapter.BASE / name
            if not link.exists():
                link.symlink_to(Path.cwd() / adapter.CONFIGS / name)
        sys.modules.setdefault("open_clip", ModuleType("open_clip"))
        driver = importlib.import_module("test_pasd")
        driver.load_high_level_net = lambda *_, **__: (None, None, None)
        driver.get_validation_prompt = lambda *_, **__: adapter.replace_degradation(CAPTION)
        driver.Accelerator = lambda mixed_precision: SimpleNamespace(
            mixed_precision="no", device=torch.device("cpu"), is_main_process=True, init_trackers=lambda name: None
        )
        values = {"pretrained_model_path": str(weights / adapter.BASE), "pasd_model_path": str(weights / adapter.MODEL)}
        values |= {"control_type": "realisr", "high_level_info": "caption", "use_blip": True, "prompt": ""}
        values |= {"image_path": str(lr), "output_dir": str(out), "mixed_precision": "no", "upscale": 4, "seed": seed}
        values |= {"added_prompt": options.added_prompt, "negative_prompt": options.negative_prompt}
        values |= {"guidance_scale": options.guidance, "conditioning_scale": 1.0, "process_size": options.process_size}
        values |= {"num_inference_steps": options.steps, "added_noise_level": options.added_noise_level}
        values |= {"decoder_tiled_size": 224, "encoder_tiled_size": 1024, "use_pasd_light": False}
        values |= {"use_personalized_model": False, "personalized_model_path": None, "use_lcm_lora": False}
        driver.main(Namespace(**values, **adapter.PIPELINE), enable_xformers_memory_efficient_attention=False)


DRIVERS: dict[str, Any] = {"sinsr": SinSR(), "diffbir": DiffBIR(), "pasd": PASD()}
DRIVERS |= {"adcsr": AdcSR(), "ctmsr": CTMSR(), "hypir": HYPIR(), "invsr": InvSR()}
DRIVERS |= {"pisasr": PiSASR(), "s3diff": S3Diff(), "tsdsr": TSDSR()}


def drive(name: str, options: Any, sources: Path, lr: Path, out: Path, seed: int) -> None:
    """Run a driver in its checkout, which it expects to be the working folder."""
    os.chdir(sources / DRIVERS[name].folder)
    sys.path.insert(0, str(Path.cwd()))
    DRIVERS[name].drive(options, sources / "weights", lr, out, seed)
