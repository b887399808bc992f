"""The folder runs in diffusers where osediff cannot be imported, and gives the pixels that OSEDiff gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osediff.common.errors import InputError
from osediff.common.images import read_rgb, write_png
from osediff.models.tile_sizes import Tiling
from osediff.pipeline import OSEDiff
from osediff.sharing import folder

EXPORTED = ["README.md", "model_index.json", "pipeline.py"]
PROGRAM = """
import importlib.util, sys
from diffusers import DiffusionPipeline
from PIL import Image

assert importlib.util.find_spec("osediff") is None
try:
    DiffusionPipeline.from_pretrained(sys.argv[1])
except ValueError as error:
    print(error)
pipe = DiffusionPipeline.from_pretrained(sys.argv[1], trust_remote_code=True)
small, large = Image.open("small.png"), Image.open("large.png")
pipe([small, small], seed=7).images[1].save("small-sr.png")
pipe(small, prompt="blurring", seed=1).images[0].save("prompt-sr.png")
pipe(large, seed=7, tiles=(8, 8, 2)).images[0].save("large-sr.png")
"""


def run(program: str, where: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program from ``where`` by a Python that finds no package of this repository."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"HF_HOME": str(where / "hub"), "HF_MODULES_CACHE": str(where / "modules")}
    line = [sys.executable, "-c", program, *words]
    return subprocess.run(line, cwd=where, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_pipeline_gives_the_same_pixels_where_there_is_no_osediff(
    shared: Path, model: OSEDiff, tmp_path: Path
) -> None:
    """A small image that is enlarged first, one with a prompt, one in tiles; nothing is executed without trust."""
    rng = np.random.default_rng(0)
    small, large = (rng.integers(0, 256, (*size, 3), np.uint8) for size in ((5, 7), (21, 26)))
    write_png(tmp_path / "small.png", small)
    write_png(tmp_path / "large.png", large)
    done = run(PROGRAM, tmp_path, str(shared))
    assert done.returncode == 0, done.stderr
    assert "Pass `trust_remote_code=True`" in done.stdout
    assert np.array_equal(read_rgb(tmp_path / "small-sr.png"), model(small, seed=7))
    assert np.array_equal(read_rgb(tmp_path / "prompt-sr.png"), model(small, "blurring", seed=1))
    whole, model.generator.tiles = model.generator.tiles, Tiling(8, 8, 2)
    try:
        assert np.array_equal(read_rgb(tmp_path / "large-sr.png"), model(large, seed=7))
    finally:
        model.generator.tiles = whole


def test_the_index_names_the_pipeline_and_the_settings(shared: Path) -> None:
    index = json.loads((shared / "model_index.json").read_text())
    assert index["_class_name"] == ["pipeline", "OSEDiffPipeline"]
    settings = {key: index[key] for key in ("scale_factor", "process_size", "timestep", "color_fix")}
    assert settings == {"scale_factor": 4, "process_size": 32, "timestep": 999, "color_fix": "adain"}


def test_the_card_has_the_training_and_what_was_measured(shared: Path) -> None:
    card = (shared / "README.md").read_text()
    assert card.startswith("---\nlicense: cc-by-sa-4.0\nlibrary_name: diffusers\n")
    assert "| photos | osediff | psnr | 20.5000 | 2 | osediff/2 |" in card
    assert "lpips" not in card.split("## Measured")[1], "a metric without a value is not measured"
    assert "| steps | 2 |" in card and "| sha256 of the adapters | " in card and "torch 2." in card


def test_a_card_without_results_or_license_says_so(model: OSEDiff, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text()
    assert "Nothing was measured" in card and "No license of the weights was stated." in card
    model.save_pretrained(tmp_path / "model")  # a folder of its own is written again


def test_a_stopped_command_can_be_repeated(model: OSEDiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a whole folder of before is written anew."""

    def stop() -> str:
        raise KeyboardInterrupt

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(folder, "bundle", stop)
            with pytest.raises(KeyboardInterrupt):
                model.save_pretrained(tmp_path / "model")
        assert not (tmp_path / "model" / "model_index.json").exists()
        model.save_pretrained(tmp_path / "model")
        assert sorted(path.name for path in (tmp_path / "model").glob("*.*")) == EXPORTED


def test_a_model_of_another_pipeline_stays(model: OSEDiff, tmp_path: Path) -> None:
    index = tmp_path / "model_index.json"
    index.write_text('{"_class_name": "StableDiffusionPipeline"}')
    with pytest.raises(InputError, match="has files of something else; name a new folder"):
        model.save_pretrained(tmp_path)
    assert list(tmp_path.iterdir()) == [index]


def test_bad_input_is_one_line(model: OSEDiff, tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "photo.png")
    with pytest.raises(InputError, match="has files of something else"):
        model.save_pretrained(tmp_path)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"other\.csv: is no file of `osediff evaluate`"):
        model.save_pretrained(tmp_path / "model", [tmp_path / "other.csv"])
    assert not (tmp_path / "model").exists()
