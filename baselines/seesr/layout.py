"""SeeSR's networks without weights: what its checkpoints hold (baselines.shared.random_weights), what is counted (Table 2)."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from baselines.pasd.adapter import CONFIGS, TIME
from baselines.runner.profiling import count_trainable, meta
from baselines.seesr.adapter import BASE, DAPE, MODEL, RAM, tagger_code
from baselines.shared.upstream_code import built, importable
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule, method_module

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


def networks(sources: Path) -> tuple[Any, Any, Any, Any, Any]:
    """UNet, ControlNet, VAE, text encoder and tagger, without weights."""
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
    tags = built(lambda: code.RAMLora(image_size=384, vit="swin_l"))
    return unet, controlnet, vae, text, tags


def layout(sources: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any] | str]:
    """Names and shapes of what the checkpoints hold, and their configurations, by path."""
    unet, controlnet, vae, text, tagger = networks(sources)
    tags = tagger.state_dict()
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


def profiled_modules(sources: Path, settings: dict[str, Any], size: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device, as called for an LR image of ``size`` pixels a side.

    Guidance doubles the batch, and the tagger's image encoder is run for its tags and again for its features. The
    ControlNet and the UNet's attention to image features are trained.
    """
    unet, controlnet, vae, text, tags = (each.to("meta") for each in networks(sources))
    tags.eval()  # its LoRA weights are merged then
    side = max(size * 4, settings["process_size"]) // 8 * 8
    latent, words, features = meta(2, 4, side // 8, side // 8), meta(2, 77, 1024), meta(2, 145, 512)
    image, pixels = meta(2, 3, side, side), meta(1, 3, 384, 384)
    both = {"encoder_hidden_states": words, "image_encoder_hidden_states": features, "return_dict": False}

    control = {"controlnet_cond": image, **both}
    down, middle = controlnet(latent, TIME, **control)
    residuals = {"down_block_additional_residuals": list(down), "mid_block_additional_residual": middle}

    known = {id(p) for p in (*tags.visual_encoder.parameters(), *tags.image_proj.parameters())}
    rest = [parameter for parameter in tags.parameters() if id(parameter) not in known]
    seeing = method_module(tags, "generate_image_embeds", [tags.visual_encoder, tags.image_proj])
    encoder = method_module(vae, "encode", [vae.encoder, vae.quant_conv])
    decoder = method_module(vae, "decode", [vae.decoder, vae.post_quant_conv])
    at, steps, trained = (latent, TIME), settings["steps"], count_trainable(controlnet)
    attentions = count_trainable(unet, ("image_attentions",))
    yield ProfiledModule("text encoder", text, (meta(1, 77, dtype=torch.long),), calls=2)
    yield ProfiledModule("VAE encoder", encoder, (image[:1],))
    yield ProfiledModule("ControlNet", controlnet, at, control, steps, trained)
    yield ProfiledModule("UNet", unet, at, {**both, **residuals}, steps, attentions)
    yield ProfiledModule("VAE decoder", decoder, (latent[:1],))
    yield ProfiledModule("tagger's image encoder", seeing, (pixels,), calls=2)
    yield ProfiledModule("tagger, rest", _Recognizer(tags, rest), (features[:1],))


class _Recognizer(nn.Module):
    """The tagger from image features to tags, with the parameters that its image encoder has not."""

    def __init__(self, tags: Any, parameters: list[nn.Parameter]) -> None:
        super().__init__()
        self.weights, self.tags = nn.ParameterList(parameters), (tags,)  # a tuple, so that no parameter is added

    def forward(self, features: Any) -> Any:
        (tags,) = self.tags
        labels = tags.wordvec_proj(tags.label_embed).relu()[None]
        seen = {"encoder_hidden_states": features, "encoder_attention_mask": meta(1, 145, dtype=torch.long)}
        return tags.tagging_head(encoder_embeds=labels, return_dict=False, mode="tagging", **seen)
