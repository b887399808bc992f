"""SeeSR's checkpoints with random weights (baselines.randomise): names and shapes of the official ones."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from baselines.official import built, importable
from baselines.pasd.adapter import CONFIGS
from baselines.seesr.adapter import BASE, DAPE, MODEL, RAM, tagger_code
from contracts.errors import InputError

# Stable Diffusion 2-base, as its configuration files describe it.
UNET: dict[str, Any] = {
    "attention_head_dim": [5, 10, 20, 20],
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
}
UNET |= {"sample_size": 64, "use_image_cross_attention": True}
VAE: dict[str, Any] = {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "sample_size": 512}
VAE |= {"down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4}
TEXT: dict[str, Any] = {
    "hidden_size": 1024,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
TEXT |= {"hidden_act": "gelu", "projection_dim": 512}
SCHEDULER: dict[str, Any] = {
    "_class_name": "DDPMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
}
SCHEDULER |= {"clip_sample": False, "num_train_timesteps": 1000, "prediction_type": "epsilon"}
FIXED = ("relative_position_index", "attn_mask")  # buffers, which the official loader leaves out


def tokenizer(sources: Path) -> dict[str, str]:
    """CLIP's tokenizer from PASD's checkout, padding with "!" as Stable Diffusion 2 does. Another padding alone changed
    pixels by up to 53 of 255."""
    folder = sources / "PASD" / CONFIGS / "tokenizer"
    if not folder.is_dir():
        raise InputError(f"{folder}: CLIP's vocabulary is taken from there for a trial; get PASD's checkout too")
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")) | {"pad_token": "!"}
    special = json.loads((folder / "special_tokens_map.json").read_text(encoding="utf-8")) | {"pad_token": "!"}
    files = {name: (folder / name).read_text(encoding="utf-8") for name in ("vocab.json", "merges.txt")}
    return files | {"tokenizer_config.json": json.dumps(config), "special_tokens_map.json": json.dumps(special)}


def layout(sources: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any] | str]:
    """Names and shapes of what the checkpoints hold, and their configurations, by path."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTextConfig, CLIPTextModel

    importable(sources / "SeeSR")
    code = tagger_code(sources / "SeeSR")
    unet_class = importlib.import_module("models.unet_2d_condition").UNet2DConditionModel
    controlnet_class = importlib.import_module("models.controlnet").ControlNetModel
    unet: Any = built(lambda: unet_class(**UNET))
    controlnet: Any = built(
        lambda: controlnet_class.from_unet(unet, load_weights_from_unet=False, use_image_cross_attention=True)
    )
    vae: Any = built(lambda: AutoencoderKL(**VAE))
    text: Any = built(lambda: CLIPTextModel(CLIPTextConfig(**TEXT)))
    tags = built(lambda: code.RAMLora(image_size=384, vit="swin_l")).state_dict()
    files: dict[str, dict[str, Any] | str] = {
        RAM: {"model": {name: like for name, like in tags.items() if "lora_" not in name and not name.endswith(FIXED)}},
        DAPE: {name: like for name, like in tags.items() if "lora_" in name},
        f"{BASE}/scheduler/scheduler_config.json": json.dumps(SCHEDULER),
        f"{BASE}/text_encoder/config.json": text.config.to_json_string(),
        f"{BASE}/text_encoder/model.safetensors": text.state_dict(),
    }
    for folder, network in ((f"{MODEL}/unet", unet), (f"{MODEL}/controlnet", controlnet), (f"{BASE}/vae", vae)):
        files[f"{folder}/config.json"] = network.to_json_string()
        files[f"{folder}/diffusion_pytorch_model.safetensors"] = network.state_dict()
    return files | {f"{BASE}/tokenizer/{name}": content for name, content in tokenizer(sources).items()}
