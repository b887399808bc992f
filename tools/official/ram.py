"""Names, shapes and logits of the official RAM with weights in closed form, for the tests of ours.

    python -m tools.official.ram --official CHECKOUT --out tests/osediff/prompts/fixtures/ram_official.json

CHECKOUT is a clone of xinyu1205/recognize-anything (or cswry/OSEDiff, which has the same module), read and never
changed. The class is built as it is, at the small sizes of ``tests.osediff.prompts.closed_form_ram``: its configuration
files, tags and tokenizer are replaced. Its BERT was written for transformers 4; what transformers 5 lacks is put in
place, and is the same for a mask of ones.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
import transformers
from torch import Tensor

from osediff.common.files import write_text
from osediff.prompts import ram as ours
from tests.osediff.prompts.closed_form_ram import SIZES, image, values

WORDS = 20


class Tokenizer:
    """As many words as the module asks for, none of which tagging uses."""

    def __len__(self) -> int:
        """Return the number of words."""
        return WORDS

    def __call__(self, text: str) -> SimpleNamespace:
        """Return two tokens for any text."""
        return SimpleNamespace(input_ids=[1, 2])


def stand_in(name: str, **content: Any) -> None:
    """Put a module in place of one that cannot be imported."""
    module = ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module


def prepare_imports(checkout: Path) -> None:
    """Make the official package importable without what tagging does not use."""
    for name in ("fairscale", "fairscale.nn", "fairscale.nn.checkpoint"):
        stand_in(name)
    stand_in("fairscale.nn.checkpoint.checkpoint_activations", checkpoint_wrapper=None)
    stand_in("transformers.file_utils", ModelOutput=transformers.utils.ModelOutput)
    for name in ("apply_chunking_to_forward", "prune_linear_layer", "find_pruneable_heads_and_indices"):
        function = getattr(transformers.pytorch_utils, name, None)
        setattr(transformers.modeling_utils, name, function)
    stand_in("ram", __path__=[str(checkout / "ram")])
    stand_in("ram.models", __path__=[str(checkout / "ram" / "models")])


def mask_added(_: Any, mask: Tensor) -> Tensor:
    """Return what is added to attention for a mask of ones and zeros (N, tokens), as transformers 4 did."""
    return (1 - mask[:, None, None, :].float()) * torch.finfo(torch.float32).min


def build(checkout: Path, work: Path) -> torch.nn.Module:
    """Build the official class at the small sizes; ``work`` takes its configuration files."""
    prepare_imports(checkout)
    official: Any = importlib.import_module("ram.models.ram")
    base = importlib.import_module("ram.models.bert").BertPreTrainedModel
    base.init_weights = lambda self: None
    base.get_head_mask = lambda self, mask, layers: [None] * layers
    base.invert_attention_mask = mask_added
    small = {"hidden_size": SIZES["width"], "intermediate_size": SIZES["feed_forward"], "vocab_size": WORDS}
    small |= {"num_hidden_layers": SIZES["layers"], "num_attention_heads": SIZES["heads"]}
    for folder in ("configs", "data"):
        (work / folder).mkdir(parents=True)
    for name in ("med_config.json", "q2l_config.json"):
        config = json.loads((checkout / "ram" / "configs" / name).read_text(encoding="utf-8"))
        write_text(work / "configs" / name, json.dumps(config | small))
    tags = [f"tag{number}" for number in range(SIZES["tags"])]
    write_text(work / "tags.txt", "\n".join(tags) + "\n")
    write_text(work / "data" / "ram_tag_list_threshold.txt", "0.5\n" * len(tags))
    swin = SIZES["swin"]
    width = swin["embed_dim"] * 2 ** (len(swin["depths"]) - 1)
    official.read_json = lambda path: {"image_res": SIZES["image"], "vision_width": width, **swin}
    official.init_tokenizer = lambda kind: Tokenizer()
    official.CONFIG_PATH = work
    lists = {"tag_list": work / "tags.txt", "tag_list_chinese": work / "tags.txt"}
    model: torch.nn.Module = official.RAM(
        med_config=work / "configs" / "med_config.json", image_size=SIZES["image"], vit="swin_l", **lists
    )
    return model.eval()


@torch.no_grad()
def logits(model: Any, pixels: Tensor) -> Tensor:
    """Compute the logits of every tag (N, tags), as the official ``generate_tag`` does before its thresholds."""
    seen = model.image_proj(model.visual_encoder(pixels))
    labels = torch.relu(model.wordvec_proj(model.label_embed)).unsqueeze(0).repeat(len(pixels), 1, 1)
    ones = torch.ones(seen.shape[:-1], dtype=torch.long)
    options = {"return_dict": False, "mode": "tagging"}
    tags = model.tagging_head(encoder_embeds=labels, encoder_hidden_states=seen, encoder_attention_mask=ones, **options)
    result: Tensor = model.fc(tags[0]).squeeze(-1)
    return result


def main() -> None:
    """Write the fixture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True, help="checkout of xinyu1205/recognize-anything")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        model = build(args.official, Path(work))
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.startswith(ours.DEAD) and not name.endswith(ours.RECOMPUTED):
            tensor.copy_(values(name, tuple(tensor.shape)))
    content = {
        "source": "xinyu1205/recognize-anything, its ram/models/ram.py built by tools/official/ram.py",
        "torch": torch.__version__,
        "shapes": {name: list(tensor.shape) for name, tensor in state.items()},
        "logits": logits(model, image())[0].tolist(),
    }
    write_text(args.out, json.dumps(content) + "\n")
    print(f"{args.out}: {len(state)} tensors, logits {content['logits']}")


if __name__ == "__main__":
    main()
