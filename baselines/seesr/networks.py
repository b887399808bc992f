"""SeeSR's networks without weights: the layout of its checkpoints (random weights), and the counts of Table 2."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines.pasd.adapter import CONFIGS
from baselines.runner.adapters import Contents
from baselines.runner.profiling import meta
from baselines.seesr.official import BASE, DAPE, MODEL, RAM, import_classes, import_tagger
from baselines.shared.stable_diffusion import Networks, diffusers_files, profile_networks, transformers_files
from baselines.shared.stable_diffusion_2 import SCHEDULER, TEXT, UNET, VAE
from baselines.shared.upstream_code import build_on_meta
from osediff.common.errors import InputError
from osediff.common.profiling import ProfiledModule, method_module

BUFFERS = ("relative_position_index", "attn_mask")  # which the official checkpoint of the tagger lacks


def read_tokenizer(sources: Path) -> dict[str, str]:
    """Return the files of CLIP's tokenizer from PASD's checkout, changed to pad with "!" as Stable Diffusion 2 does.

    Another padding alone changed pixels by up to 53 of 255.

    Raises:
        InputError: there is no checkout of PASD.
    """
    folder = sources / "PASD" / CONFIGS / "tokenizer"
    if not folder.is_dir():
        raise InputError(f"{folder}: CLIP's vocabulary is taken from there for a trial; get PASD's checkout too")
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")) | {"pad_token": "!"}
    special = json.loads((folder / "special_tokens_map.json").read_text(encoding="utf-8")) | {"pad_token": "!"}
    files = {name: (folder / name).read_text(encoding="utf-8") for name in ("vocab.json", "merges.txt")}
    return files | {"tokenizer_config.json": json.dumps(config), "special_tokens_map.json": json.dumps(special)}


def build_networks(sources: Path) -> tuple[Networks, Any]:
    """Build the networks of the pipeline, and the tagger, without weights."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTextConfig, CLIPTextModel

    classes = import_classes(sources / "SeeSR")
    tagger_code = import_tagger(sources / "SeeSR")
    unet = build_on_meta(lambda: classes.unet(**UNET, use_image_cross_attention=True))
    networks = Networks(
        text_encoder=build_on_meta(lambda: CLIPTextModel(CLIPTextConfig(**TEXT))),
        vae=build_on_meta(lambda: AutoencoderKL(**VAE)),
        controlnet=build_on_meta(
            lambda: classes.controlnet.from_unet(unet, load_weights_from_unet=False, use_image_cross_attention=True)
        ),
        unet=unet,
    )
    return networks, build_on_meta(lambda: tagger_code.RAMLora(image_size=384, vit="swin_l"))


def layout(sources: Path) -> dict[str, Contents | str]:
    """Return names and shapes of the checkpoints, and their configurations, by path."""
    networks, tagger = build_networks(sources)
    tags: dict[str, Tensor] = tagger.state_dict()
    folders = {f"{MODEL}/unet": networks.unet, f"{MODEL}/controlnet": networks.controlnet, f"{BASE}/vae": networks.vae}
    return {
        RAM: {
            "model": {name: like for name, like in tags.items() if "lora_" not in name and not name.endswith(BUFFERS)}
        },
        DAPE: {name: like for name, like in tags.items() if "lora_" in name},
        f"{BASE}/scheduler/scheduler_config.json": json.dumps(SCHEDULER),
        **transformers_files({f"{BASE}/text_encoder": networks.text_encoder}),
        **diffusers_files(folders),
        **{f"{BASE}/tokenizer/{name}": content for name, content in read_tokenizer(sources).items()},
    }


def profiled_modules(sources: Path, side: int, steps: int) -> Iterator[ProfiledModule]:
    """Yield the networks, on the meta device.

    The tagger's image encoder runs once for the tags and once for the features. The ControlNet is trained, and so is
    the UNet's attention to image features.

    Args:
        sources: folder of checkouts.
        side: of the upsampled image, in pixels.
        steps: steps of the diffusion.
    """
    networks, tagger = build_networks(sources)
    tagger.to("meta").eval()  # its LoRA weights are merged then
    features = meta(2, 145, 512)
    conditions = {"encoder_hidden_states": meta(2, 77, 1024), "image_encoder_hidden_states": features}
    yield from profile_networks(networks.to_meta(), meta(2, 3, side, side), conditions, steps, ("image_attentions",))
    encoder = method_module(tagger, "generate_image_embeds", [tagger.visual_encoder, tagger.image_proj])
    encoder_parameters = {id(parameter) for parameter in encoder.parameters()}
    others = [parameter for parameter in tagger.parameters() if id(parameter) not in encoder_parameters]
    yield ProfiledModule("tagger's image encoder", encoder, (meta(1, 3, 384, 384),), calls=2)
    yield ProfiledModule("tagger, rest", _TaggingHead(tagger, others), (features[:1],))


class _TaggingHead(nn.Module):
    """The tagger from image features to tags, with the parameters that its image encoder does not have."""

    def __init__(self, tagger: Any, parameters: list[nn.Parameter]) -> None:
        super().__init__()
        self.weights = nn.ParameterList(parameters)
        self.tagger = (tagger,)  # a tuple, so that no other parameter is added

    def forward(self, features: Tensor) -> Any:
        """Return the scores of the tags."""
        (tagger,) = self.tagger
        labels = tagger.wordvec_proj(tagger.label_embed).relu()[None]
        mask = meta(1, 145, dtype=torch.long)
        attended = {"encoder_hidden_states": features, "encoder_attention_mask": mask}
        return tagger.tagging_head(encoder_embeds=labels, return_dict=False, mode="tagging", **attended)
