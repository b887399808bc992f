"""Restore a folder of LR images, or one image, with a trained OSEDiff checkpoint."""

from __future__ import annotations

import argparse
import sys
import zlib
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np

from osediff.common.command_line import add_place, make_parser
from osediff.common.errors import InputError, run
from osediff.common.files import fingerprint, sha256
from osediff.common.images import (
    check_convertible,
    check_images,
    check_upright,
    list_images,
    read_converted,
    read_rgb,
    read_upright,
)
from osediff.common.memory import keep_freed_memory
from osediff.common.restore_folder import restore_batches, write_failure
from osediff.common.shards import add_shard_options
from osediff.common.shipped import find_model
from osediff.models import backbone_folder
from osediff.models.adapter_names import ADAPTERS
from osediff.models.tile_sizes import Tiling
from osediff.outcome import read_outcome
from osediff.prompts.prompt_file import read_folder_prompts
from osediff.provenance import backbone_hash, note_backbone
from osediff.recipe import (
    ColorFix,
    Compile,
    ModelRecipe,
    Posterior,
    Precision,
    Quantization,
    Sizes,
    read_model_recipe,
)

ADVICE = "convert it first, or use --convert"  # about an image that is no 8-bit RGB


def add_options(parser: argparse.ArgumentParser, named: bool = True) -> None:
    """Add the options; the folders have names (``--input``), or only their positions, as in ``osediff restore``."""
    add_place(parser, "input", named, "LR image, or folder of LR images (8-bit RGB)")
    add_place(parser, "output", named, "folder for the SR images")
    parser.add_argument(
        "--checkpoint", help="folder of osediff.train, or name of a shipped one (default: the shipped demo)"
    )
    parser.add_argument(
        "--backbone",
        help="the one that the checkpoint was trained on: folder, or name of a shipped one (default: the shipped demo)",
    )
    parser.add_argument(
        "--convert",
        action="store_true",
        help="gray, transparent, palette and 16-bit images to 8-bit RGB, upright; without it, they are an error",
    )
    parser.add_argument(
        "--prompts", type=Path, help="of these images, by osediff.prompts.extract (default: empty ones)"
    )
    parser.add_argument("--prompt", default="", help="words for every image, after those of --prompts")
    default_record = "OUTPUT/../run.json" if named else "beside OUT, with its name"
    parser.add_argument("--record", type=Path, default=None, help=f"JSON record (default: {default_record})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads")
    parser.add_argument("--precision", choices=get_args(Precision), default="fp32", help="of the networks")
    parser.add_argument("--batch", type=int, default=1, help="images of equal size that are restored together")
    parser.add_argument(
        "--posterior", choices=get_args(Posterior), default="sample", help="latent: drawn with the seed, or mode"
    )
    parser.add_argument(
        "--compile", choices=get_args(Compile), default="none", help="of the networks, by torch.compile"
    )
    parser.add_argument(
        "--quantization",
        choices=get_args(Quantization),
        default="rounded",
        help="to 8 bits: rounded once, or cut off twice as the official script does",
    )
    parser.add_argument(
        "--sizes",
        choices=get_args(Sizes),
        default="padded",
        help="of small images and of sides that are no multiple of 8: padded, or resized as the official script does",
    )
    parser.add_argument("--color-fix", choices=get_args(ColorFix), default=None, help="default: the checkpoint's")
    parser.add_argument(
        "--tile-vae", type=int, default=Tiling.vae, help="latent pixels (see osediff.models.tiling); 0: whole"
    )
    parser.add_argument("--tile-latent", type=int, default=Tiling.latent, help="the same for the UNet")
    parser.add_argument("--tile-overlap", type=int, default=Tiling.overlap, help="of the UNet's tiles")
    add_shard_options(parser)
    # With its own folder for each call, a workflow wants no image of before; a person may need them.
    parser.set_defaults(by_hand=not named)


def read_prompts(args: argparse.Namespace, stems: list[str], recipe: ModelRecipe) -> tuple[dict[str, str], str]:
    """Return the prompt of each image of ``stems``, and the extractor that made them (``null``: none)."""
    if not args.prompts:
        return dict.fromkeys(stems, args.prompt), "null"
    tags, source = read_folder_prompts(args.prompts, stems, recipe)
    # The official code's form: tags, then the user's words, a comma behind both.
    return {stem: f"{text}, {args.prompt}," for stem, text in tags.items()}, source.extractor


def list_inputs(source: Path) -> dict[str, Path]:
    """Return the LR images of ``source``, a folder or one image, by stem."""
    if not source.exists():
        raise InputError(f"{source}: no such image or folder")
    return {source.stem: source} if source.is_file() else list_images(source)


def execute(args: argparse.Namespace) -> None:
    """Restore every LR image as an SR PNG and write the record."""
    checkpoint, backbone = find_model("checkpoints", args.checkpoint), find_model("backbones", args.backbone)
    beside = args.output.resolve()
    record = args.record or beside.with_name(f"{beside.name}.json" if args.by_hand else "run.json")
    outcome = read_outcome(checkpoint)
    if not outcome.converged:
        reason = f"training {outcome}"
        args.output.mkdir(parents=True, exist_ok=True)
        write_failure(record, {"method": "osediff", "checkpoint": str(checkpoint)}, reason, [])
        print(f"{checkpoint}: {reason}; nothing is restored, its rows say so", file=sys.stderr)
        return
    tiles = Tiling(args.tile_vae, args.tile_latent, args.tile_overlap)
    inputs = list_inputs(args.input)
    stems = list(inputs)
    if args.by_hand:  # a workflow has checked its test sets already
        check_images(inputs, check_convertible if args.convert else partial(check_upright, advice=ADVICE))
    prompts, extractor = read_prompts(args, stems, read_model_recipe(checkpoint / "recipe.json"))
    backbone_folder.check_parts(backbone)
    images = "1 image" if len(stems) == 1 else f"{len(stems)} images"
    print(f"restoring {images} of {args.input} with {checkpoint} on {backbone}", file=sys.stderr, flush=True)

    # These imports take seconds, so they come after everything that can be said and checked without them.
    import torch

    from osediff.pipeline import OSEDiff

    keep_freed_memory()
    if args.threads:
        torch.set_num_threads(args.threads)
    settings = {
        "precision": args.precision,
        "posterior": args.posterior,
        "color_fix": args.color_fix,
        "quantization": args.quantization,
        "sizes": args.sizes,
    }
    model = OSEDiff.from_pretrained(checkpoint, backbone, args.device, tiles=tiles, compile=args.compile, **settings)
    origin = backbone_folder.source(backbone)
    backbone_id = backbone_hash(backbone)
    provenance = {
        "method": "osediff",
        "adapters": sha256(checkpoint / ADAPTERS),
        "backbone": backbone_id,
        "backbone_source": origin,
        # osediff.common.restore_folder refuses to evaluate images of random weights.
        "weights": "random" if origin["weights"] == "random" else "trained",
        "prompts": extractor,
        "prompt": args.prompt,
        "text": fingerprint({stem: prompts[stem] for stem in stems}),
        "seed": args.seed,
        "batch": args.batch,
        "tiles": vars(tiles),
        "compile": args.compile if model.compiled else "none",
        **settings,
    }
    if note := note_backbone(checkpoint, backbone_id):
        provenance["note"] = note  # it stands on every row that is measured with these images
        print(f"{checkpoint}: {note}", file=sys.stderr)
    if args.convert:
        provenance["convert"] = True

    def restore(images: list[np.ndarray], stems: list[str]) -> list[np.ndarray]:
        seeds = [(args.seed << 32) + zlib.crc32(stem.encode()) for stem in stems]
        return model.restore(images, [prompts[stem] for stem in stems], seeds)

    scale_factor = model.recipe.scale_factor
    parts = args.batch, args.shard, args.progress
    read_plain = read_upright if args.by_hand else read_rgb
    read = read_converted if args.convert else partial(read_plain, advice=ADVICE)
    restore_batches(args.input, args.output, record, restore, provenance, scale_factor, *parts, read, keep=args.by_hand)


def main() -> None:
    """Run the command line."""
    parser = make_parser("osediff.restore", __doc__)
    add_options(parser)
    execute(parser.parse_args())


if __name__ == "__main__":
    run(main)
