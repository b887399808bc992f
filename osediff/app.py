"""A page in the browser: a photograph in, the restored one beside it.

    osediff app

It is served to this machine only, and photographs do not leave it. gradio comes with the extra [app].
"""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import numpy as np
from PIL import Image

from osediff.common.errors import InputError
from osediff.common.images import read_converted
from osediff.loading import load_trained
from osediff.pipeline import OSEDiff
from osediff.recipe import Precision

TITLE = "OSEDiff"
FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}  # none from the network
STEPS = (
    "Choose a photograph, and compare it with the restored one: left of the line is bicubic interpolation, right of it"
    " OSEDiff. Gray, transparent and 16-bit photographs are converted to 8-bit RGB."
)


def restore_photograph(model: OSEDiff, path: Path, prompt: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the photograph at ``path`` enlarged by bicubic interpolation, and restored: uint8 (H, W, 3) of one size.

    InputError if it is no image.
    """
    lr = read_converted(path)
    sr = model(lr, prompt, seed)
    bicubic = Image.fromarray(lr).resize((sr.shape[1], sr.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(bicubic), sr


def build_page(model: OSEDiff) -> Any:
    """Return the page, a ``gradio.Blocks``."""
    import gradio

    def answer(path: str | None, prompt: str, seed: float | None) -> tuple[np.ndarray, np.ndarray]:
        if path is None:
            raise gradio.Error("Choose a photograph first.", print_exception=False)
        try:
            return restore_photograph(model, Path(path), prompt, int(seed or 0))
        except InputError as error:  # without the folder of uploads, which says nothing to a reader
            raise gradio.Error(str(error).replace(path, Path(path).name), print_exception=False) from None

    with gradio.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gradio.Markdown(f"# {TITLE}, x{model.recipe.scale_factor}\n\n{STEPS}")
        with gradio.Row():
            with gradio.Column(scale=1, min_width=280):
                photograph = gradio.Image(
                    label="Photograph", type="filepath", image_mode=None, sources=["upload", "clipboard"]
                )
                # The file as it is: gradio would decode it, and say only "Error" of one that is no image.
                photograph.preprocess = lambda upload: upload and upload.path
                prompt = gradio.Textbox(label="Words about it (optional)", max_lines=1)
                seed = gradio.Number(label="Seed", value=0, precision=0, minimum=0)
                button = gradio.Button("Restore", variant="primary")
            with gradio.Column(scale=2, min_width=280):
                result = gradio.ImageSlider(label="Bicubic | OSEDiff", format="png", max_height=720)
        button.click(answer, [photograph, prompt, seed], result, api_name="restore")
    return page


def serve(page: Any, host: str, port: int | None, wait: bool = True) -> str:
    """Serve ``page`` at ``host`` and ``port`` (None: a free one), until Ctrl-C if ``wait``; return its address."""
    import gradio

    look = gradio.themes.Default(**FONTS)
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        share=False,
        theme=look,
        footer_links=[],
        ssr_mode=False,
        prevent_thread_lock=not wait,
    )
    return str(address)


def add_options(parser: argparse.ArgumentParser, named: bool = True) -> None:
    """Add the options."""
    parser.add_argument("--checkpoint", help="folder, or name of a shipped one (default: the shipped demo)")
    parser.add_argument("--backbone", help="folder, or name of a shipped one (default: the shipped demo)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=get_args(Precision), default="fp32", help="of the networks")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; others than the default are public")
    parser.add_argument("--port", type=int, default=7860)


def execute(args: argparse.Namespace) -> None:
    """Load the model, and serve the page until Ctrl-C."""
    if find_spec("gradio") is None:
        raise InputError("the package gradio is not installed: pip install '.[app]' in a clone of the repository")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    page = build_page(load_trained(args.checkpoint, args.backbone, args.device, args.precision))
    serve(page, args.host, args.port)
