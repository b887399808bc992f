"""Prompts as data: extracted once, of folders and of training streams, and what is done with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from osediff import restore
from osediff.common.errors import InputError
from osediff.common.files import read_json, sha256, write_json
from osediff.common.images import write_png
from osediff.common.settings import parse, write
from osediff.common.validation import dump_yaml
from osediff.data.pairs import TrainingPairs
from osediff.prompts import extract as command
from osediff.prompts import weights
from osediff.prompts.extractors import WEIGHTS, parse_folders
from osediff.prompts.images import FolderSet
from osediff.prompts.prompt_file import (
    ExtractionSpec,
    FolderImages,
    FolderSource,
    PromptFile,
    PromptSource,
    StreamImages,
    read_prompt_file,
)
from osediff.recipe import StreamRecipe
from osediff.training import validation
from tests.osediff.tiny import edit, run_training

BRIEF = edit({"steps": 2, "batch": 2})


def brightness(image: Tensor) -> str:
    """An extractor that sees no more than how bright an image is."""
    return f"gray {round(float(image.mean()) * 255)}"


def run_extraction(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, images: FolderImages | StreamImages, *options: Any
) -> Path:
    """The command with ``brightness`` in place of RAM; the file that it wrote."""
    monkeypatch.setattr(command, "load_extractor", lambda *_: brightness)
    for name in ("ram", "ram-tags"):
        for file in WEIGHTS["ram"][name]:
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file).write_text(file)
    out = tmp_path / "prompts.json"
    write(tmp_path / "spec.yaml", ExtractionSpec(extractor="ram", images=images))
    folders = [f"{name}={tmp_path / name}" for name in ("ram", "ram-tags")]
    arguments = ["--spec", tmp_path / "spec.yaml", "--weights", *folders, "--out", out, *options]
    monkeypatch.setattr(sys, "argv", ["extract", *map(str, arguments)])
    command.main()
    return out


@pytest.fixture
def of_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photos: Path) -> Path:
    """Prompts of the HQ crops of the stream of BRIEF with seed 3."""
    recipe = StreamRecipe.model_validate({name: getattr(BRIEF, name) for name in StreamRecipe.model_fields})
    images = StreamImages(kind="stream", recipe=recipe, seed=3, image="hq")
    return run_extraction(monkeypatch, tmp_path, images, "--photos", photos)


def test_a_folder_s_images_are_upsampled_as_in_restoration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes: list[tuple[int, ...]] = []

    def seen(image: Tensor) -> str:
        sizes.append(tuple(image.shape))
        return "seen"

    for n, side in enumerate((8, 100)):
        write_png(tmp_path / "LR" / f"{n}.png", np.full((side, side, 3), 40 * n, np.uint8))
    monkeypatch.setattr(sys.modules[__name__], "brightness", seen)
    images = FolderImages(kind="folder", scale_factor=4, process_size=128)
    content = read_prompt_file(run_extraction(monkeypatch, tmp_path, images, "--images", tmp_path / "LR"))
    assert sizes == [(3, 128, 128), (3, 400, 400)] and content.prompts == {"0": "seen", "1": "seen"}
    source = content.made_by.images
    assert isinstance(source, FolderSource) and (source.scale_factor, source.process_size) == (4, 128)
    assert content.made_by.extractor == "ram" and content.seconds >= 0


def test_a_stream_s_prompts_are_those_of_its_crops(of_stream: Path, photos: Path) -> None:
    pairs = TrainingPairs(photos, BRIEF, 3, 4)
    held_out = TrainingPairs(photos, BRIEF, validation.SEED, validation.PAIRS)
    expected = {str(n): brightness(pairs[n][1] / 2 + 0.5) for n in range(4)}
    expected |= {f"validation-{n}": brightness(held_out[n][1] / 2 + 0.5) for n in range(validation.PAIRS)}
    assert read_prompt_file(of_stream).prompts == expected


def prompt_source(**change: Any) -> PromptSource:
    """What decided the prompts of a test set at the size of the tests' recipe."""
    images = {"kind": "folder", "scale_factor": 4, "process_size": 32, "sha256": {}} | change
    content = {"extractor": "dape", "weights": {}, "precision": "fp32", "device": "cpu", "images": images}
    return parse(content, PromptSource, "the tests' source")


class Letters:
    """Images of one pixel, named a, b and c."""

    names: ClassVar = ["a", "b", "c"]
    source = FolderSource(kind="folder", scale_factor=4, process_size=32, sha256={})

    def read(self, names: list[str]) -> Iterator[Tensor]:
        for name in names:
            yield torch.full((3, 1, 1), float(ord(name)))


def test_extraction_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    out = tmp_path / "prompts.json"

    def stopped(image: Tensor) -> str:
        if image[0, 0, 0] == ord("c"):
            raise KeyboardInterrupt
        return "first"

    with pytest.raises(KeyboardInterrupt):
        command.extract(out, prompt_source(), Letters(), stopped)
    with (tmp_path / ".prompts.json.partial").open("a") as file:
        file.write('["c", "half a li')
    command.extract(out, prompt_source(), Letters(), lambda _: "second")
    assert read_prompt_file(out).prompts == {"a": "first", "b": "first", "c": "second"}
    assert not (tmp_path / ".prompts.json.partial").exists()
    command.extract(out, prompt_source(process_size=64), Letters(), lambda _: "third")
    assert set(read_prompt_file(out).prompts.values()) == {"third"}


@pytest.mark.parametrize("given", [[], ["ram=here", "ram-tags=here"]])
def test_missing_weights_are_named(given: list[str]) -> None:
    with pytest.raises(InputError, match="needs --weights ram=DIR" if not given else r"here: lacks ram_swin_large_14m"):
        parse_folders("dape", given)


def test_training_takes_its_prompts_and_records_them(
    of_stream: Path, photos: Path, backbone_folder: Path, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    run_training(BRIEF, photos, backbone_folder, 3, tmp_path / "tags", prompts=of_stream)
    run_training(BRIEF, photos, backbone_folder, 3, tmp_path / "null")
    tags, null = (sha256(tmp_path / name / "adapters.safetensors") for name in ("tags", "null"))
    assert tags != null
    recorded = read_json(tmp_path / "tags" / "provenance.json")["prompts"]
    assert (recorded["extractor"], recorded["images"]["image"]) == ("ram", "hq")
    assert read_json(tmp_path / "null" / "provenance.json")["prompts"] is None
    empty = read_json(of_stream)
    empty["prompts"] = dict.fromkeys(empty["prompts"], "")
    of_stream.write_text(json.dumps(empty))
    run_training(BRIEF, photos, backbone_folder, 3, tmp_path / "empty", prompts=of_stream)
    assert sha256(tmp_path / "empty" / "adapters.safetensors") == null


@pytest.mark.parametrize(("change", "seed"), [({}, 4), ({"upsample_modes": ["area"]}, 3)])
def test_prompts_of_another_stream_are_refused(
    of_stream: Path, photos: Path, backbone_folder: Path, tmp_path: Path, change: dict[str, Any], seed: int
) -> None:
    recipe = edit({"steps": 2, "batch": 2} | change)
    key = "upsample_modes" if change else "seed"
    with pytest.raises(InputError, match=f"another training stream, its {key} differs"):
        run_training(recipe, photos, backbone_folder, seed, tmp_path / "out", prompts=of_stream)


def test_restoration_takes_tags_and_words_in_the_official_form(
    photos: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    run_training(BRIEF, photos, backbone_folder, 3, tmp_path / "checkpoint")
    write_png(tmp_path / "LR" / "a.png", np.full((8, 8, 3), 90, np.uint8))
    for name, source in (("p", prompt_source()), ("other", prompt_source(process_size=64))):
        content = PromptFile(made_by=source, prompts={"a": "cat, tree"}, seconds=0.1)
        write_json(tmp_path / f"{name}.json", content.model_dump(mode="json"))
    seen: list[str] = []
    plain = restore.OSEDiff.restore

    def watched(model: Any, images: Any, prompts: list[str], seeds: list[int]) -> Any:
        seen.extend(prompts)
        return plain(model, images, prompts, seeds)

    monkeypatch.setattr(restore.OSEDiff, "restore", watched)
    fixed = ["--input", tmp_path / "LR", "--checkpoint", tmp_path / "checkpoint", "--backbone", backbone_folder]

    def run(*options: Any) -> None:
        line = ["restore", *fixed, "--output", tmp_path / f"SR{len(seen)}", *options]
        monkeypatch.setattr(sys, "argv", [*map(str, line), "--record", str(tmp_path / f"run{len(seen)}.json")])
        restore.main()

    run()
    run("--prompt", "sharp")
    run("--prompts", tmp_path / "p.json", "--prompt", "sharp")
    assert seen == ["", "sharp", "cat, tree, sharp,"]
    records = [read_json(tmp_path / f"run{n}.json") for n in range(3)]
    assert [record["prompts"] for record in records] == ["null", "null", "dape"]
    assert [record["prompt"] for record in records] == ["", "sharp", "sharp"]
    with pytest.raises(InputError, match="extracted at process_size 64, the variant restores at 32"):
        run("--prompts", tmp_path / "other.json")


def test_weights_that_lie_here_are_checked_and_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = {"name": "nowhere", "url": "https://example.invalid/{revision}/{file}", "revision": "1"}
    spec = {
        "title": "T",
        "license": "CC0-1.0",
        "mirrors": [mirror],
        "files": {"a.txt": {"sha256": "0" * 64}, "b.txt": None},
    }
    for name in spec["files"]:
        (tmp_path / "w").mkdir(exist_ok=True)
        (tmp_path / "w" / name).write_text(name)
    file = tmp_path / "spec.yaml"
    file.write_text(dump_yaml(spec), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["weights", "--spec", str(file), "--out", str(tmp_path / "w"), "--offline"])
    with pytest.raises(InputError, match=r"a\.txt: has sha256 .* it is another file than it should be"):
        weights.main()
    spec["files"] = {"a.txt": {"sha256": sha256(tmp_path / "w" / "a.txt")}, "b.txt": None}
    file.write_text(dump_yaml(spec), encoding="utf-8")
    weights.main()
    manifest = read_json(tmp_path / "w" / "manifest.json")
    assert manifest["provided_locally"] and manifest["mirror"] is None and set(manifest["files"]) == {"a.txt", "b.txt"}
    (tmp_path / "w" / "b.txt").unlink()
    with pytest.raises(InputError, match="the run is offline"):
        weights.main()


def test_images_are_read_as_they_are(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4, 3), 51, np.uint8)).save(tmp_path / "a.png")
    (image,) = FolderSet(FolderImages(kind="folder"), tmp_path).read(["a"])
    assert image.shape == (3, 4, 4) and float(image.max()) == pytest.approx(0.2)
