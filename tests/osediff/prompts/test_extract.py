"""Prompts as data: extracted once, of folders and of training streams, and what is done with them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from osediff import restore
from osediff.common.errors import InputError
from osediff.common.files import read_json
from osediff.common.images import write_png
from osediff.data.pairs import TrainingPairs
from osediff.prompts import extract as command
from osediff.prompts import read_prompts, weights
from osediff.prompts.llava import Captioner
from osediff.train import train
from osediff.training import checkpoint as checkpoints
from osediff.training import validation
from tests.osediff.tiny import RECIPE

BRIEF = RECIPE | {"steps": 2, "batch": 2}


def brightness(image: Tensor) -> str:
    """An extractor that sees no more than how bright an image is."""
    return f"gray {round(float(image.mean()) * 255)}"


def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *options: Any) -> Path:
    """The command with ``brightness`` in place of RAM; the file that it wrote."""
    monkeypatch.setattr(command, "extractor", lambda *_: brightness)
    for name in ("ram", "ram-tags"):
        for file in command.WEIGHTS["ram"][name]:
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file).write_text(file)
    out = tmp_path / "prompts.json"
    folders = [f"{name}={tmp_path / name}" for name in ("ram", "ram-tags")]
    arguments = ["--extractor", "ram", "--weights", *folders, "--out", out, *options]
    monkeypatch.setattr(sys, "argv", ["prompts", *map(str, arguments)])
    command.main()
    return out


@pytest.fixture
def of_stream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photos: Path) -> Path:
    """Prompts of the HQ crops of the stream of BRIEF with seed 3."""
    options = ["--stream", json.dumps(BRIEF), "--photos", photos, "--seed", 3, "--image", "hq"]
    return given(monkeypatch, tmp_path, *options)


def test_a_folder_s_images_are_enlarged_as_in_restoration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes = []
    for n, side in enumerate((8, 100)):
        write_png(tmp_path / "LR" / f"{n}.png", np.full((side, side, 3), 40 * n, np.uint8))
    monkeypatch.setattr(sys.modules[__name__], "brightness", lambda image: sizes.append(tuple(image.shape)) or "seen")
    options = ["--images", tmp_path / "LR", "--enlarge", 4, "--smallest-side", 128]
    found = read_json(given(monkeypatch, tmp_path, *options))
    assert sizes == [(3, 128, 128), (3, 400, 400)] and found["prompts"] == {"0": "seen", "1": "seen"}
    assert found["made_by"]["extractor"] == "ram" and found["seconds"] >= 0


def test_a_stream_s_prompts_are_those_of_its_crops(of_stream: Path, photos: Path) -> None:
    pairs = TrainingPairs(photos, BRIEF, 3, 4)
    held_out = TrainingPairs(photos, BRIEF, validation.SEED, validation.PAIRS)
    wanted = {str(n): brightness(pairs[n][1] / 2 + 0.5) for n in range(4)}
    wanted |= {f"validation-{n}": brightness(held_out[n][1] / 2 + 0.5) for n in range(validation.PAIRS)}
    assert read_json(of_stream)["prompts"] == wanted


def test_extraction_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    settings, names, out = {"extractor": "test"}, ["a", "b", "c"], tmp_path / "prompts.json"

    def pictures(wanted: list[str]) -> Iterator[Tensor]:
        for name in wanted:
            yield torch.full((3, 1, 1), float(ord(name)))

    def stopped(image: Tensor) -> str:
        if image[0, 0, 0] == ord("c"):
            raise KeyboardInterrupt
        return "first"

    with pytest.raises(KeyboardInterrupt):
        command.extract(out, settings, names, pictures, stopped)
    with (tmp_path / ".prompts.json.partial").open("a") as file:
        file.write('["c", "half a li')
    command.extract(out, settings, names, pictures, lambda _: "second")
    assert read_prompts(out, names) == {"a": "first", "b": "first", "c": "second"}
    assert not (tmp_path / ".prompts.json.partial").exists()
    command.extract(out, settings | {"extractor": "other"}, names, pictures, lambda _: "third")
    assert set(read_prompts(out, names).values()) == {"third"}
    with pytest.raises(InputError, match="no prompt for d"):
        read_prompts(out, ["d"])


@pytest.mark.parametrize("given", [[], ["ram=here", "ram-tags=here"]])
def test_missing_weights_are_named(given: list[str]) -> None:
    with pytest.raises(InputError, match="needs --weights ram=DIR" if not given else r"here: lacks ram_swin_large_14m"):
        command.folders_of("dape", given)


def test_training_sees_its_prompts_and_says_so(
    of_stream: Path, photos: Path, backbone_folder: Path, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    train(BRIEF, photos, backbone_folder, 3, tmp_path / "told", prompts=of_stream)
    train(BRIEF, photos, backbone_folder, 3, tmp_path / "null")
    told, null = (checkpoints.sha256(tmp_path / name / "adapters.safetensors") for name in ("told", "null"))
    assert told != null
    made = read_json(tmp_path / "told" / "provenance.json")["prompts"]
    assert (made["extractor"], made["image"]) == ("ram", "hq")
    assert read_json(tmp_path / "null" / "provenance.json")["prompts"] is None
    empty = read_json(of_stream)
    empty["prompts"] = dict.fromkeys(empty["prompts"], "")
    of_stream.write_text(json.dumps(empty))
    train(BRIEF, photos, backbone_folder, 3, tmp_path / "empty", prompts=of_stream)
    assert checkpoints.sha256(tmp_path / "empty" / "adapters.safetensors") == null


@pytest.mark.parametrize(("change", "seed"), [({}, 4), ({"enlarge_modes": ["area"]}, 3)])
def test_prompts_of_another_stream_are_refused(
    of_stream: Path, photos: Path, backbone_folder: Path, tmp_path: Path, change: dict[str, Any], seed: int
) -> None:
    odd = "enlarge_modes" if change else "seed"
    with pytest.raises(InputError, match=f"another training stream, its {odd} differs"):
        train(BRIEF | change, photos, backbone_folder, seed, tmp_path / "out", prompts=of_stream)


def test_restoration_takes_tags_and_own_words_in_the_released_form(
    photos: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    train(BRIEF, photos, backbone_folder, 3, tmp_path / "checkpoint")
    write_png(tmp_path / "LR" / "a.png", np.full((8, 8, 3), 90, np.uint8))
    (tmp_path / "p.json").write_text(json.dumps({"made_by": {"extractor": "dape"}, "prompts": {"a": "cat, tree"}}))
    seen: list[str] = []
    plain = restore.OSEDiff.restore

    def heard(model: Any, images: Any, prompts: list[str], seeds: list[int]) -> Any:
        seen.extend(prompts)
        return plain(model, images, prompts, seeds)

    monkeypatch.setattr(restore.OSEDiff, "restore", heard)
    fixed = ["--input", tmp_path / "LR", "--checkpoint", tmp_path / "checkpoint", "--backbone", backbone_folder]
    for options in ([], ["--prompt", "sharp"], ["--prompts", tmp_path / "p.json", "--prompt", "sharp"]):
        line = ["restore", *fixed, "--output", tmp_path / f"SR{len(seen)}", *options]
        monkeypatch.setattr(sys, "argv", [*map(str, line), "--record", str(tmp_path / f"run{len(seen)}.json")])
        restore.main()
    assert seen == ["", "sharp", "cat, tree, sharp,"]
    records = [read_json(tmp_path / f"run{n}.json") for n in range(3)]
    assert [record["prompts"] for record in records] == ["null", "null", "dape"]
    assert [record["prompt"] for record in records] == ["", "sharp", "sharp"]


def test_weights_that_lie_here_are_checked_and_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = {"name": "nowhere", "url": "https://example.invalid/{revision}/{file}", "revision": "1"}
    spec = {"title": "T", "license": "CC0-1.0", "mirrors": [mirror], "files": {"a.txt": "0" * 64, "b.txt": None}}
    for name in spec["files"]:
        (tmp_path / "w").mkdir(exist_ok=True)
        (tmp_path / "w" / name).write_text(name)
    line = ["weights", "--spec", json.dumps(spec), "--out", str(tmp_path / "w"), "--offline"]
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(InputError, match=r"a\.txt: another file than expected"):
        weights.main()
    spec["files"] = {"a.txt": checkpoints.sha256(tmp_path / "w" / "a.txt"), "b.txt": None}
    monkeypatch.setattr(sys, "argv", ["weights", "--spec", json.dumps(spec), *line[3:]])
    weights.main()
    manifest = read_json(tmp_path / "w" / "manifest.json")
    assert manifest["mirror"] == "files that lay here" and set(manifest["files"]) == {"a.txt", "b.txt"}
    (tmp_path / "w" / "b.txt").unlink()
    with pytest.raises(InputError, match="the run is offline"):
        weights.main()


@pytest.fixture
def llava(tmp_path: Path) -> Path:
    """A LLaVA of a few thousand random weights, saved as transformers does."""
    words = ["<pad>", "<s>", "</s>", "<image>", "<unk>", "USER:", "ASSISTANT:", "a", "cat", "on", "grass"]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=["<image>"],
    )  # fmt: skip
    images = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    tokens = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    processor = LlavaProcessor(images, fast, **tokens)
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=CLIPVisionConfig(**shape, image_size=28, patch_size=14, projection_dim=16),
            text_config=LlamaConfig(
                **shape, vocab_size=len(words), num_key_value_heads=2, eos_token_id=2, bos_token_id=1
            ),
            image_token_index=3,
        )
    )
    model.save_pretrained(tmp_path / "llava")
    processor.save_pretrained(tmp_path / "llava")
    return tmp_path / "llava"


def test_llava_describes_an_image_the_same_way_twice(llava: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    captioner = Captioner(llava)
    image = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0))
    assert captioner(image) == captioner(image) != ""
    asked: dict[str, Any] = {}

    def answer(**inputs: Any) -> Tensor:
        asked.update(inputs)
        return torch.cat([inputs["input_ids"], torch.tensor([[8, 9, 10, 2]])], dim=1)

    monkeypatch.setattr(captioner.model, "generate", answer)
    assert captioner(image) == "cat on grass"  # without the question
    assert int((asked["input_ids"] == 3).sum()) == 4 and asked["pixel_values"].shape == (1, 3, 28, 28)
    with pytest.raises(InputError, match="no LLaVA model"):
        Captioner(llava / "nothing")


def test_pictures_are_read_as_they_are(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4, 3), 51, np.uint8)).save(tmp_path / "a.png")
    (image,) = command.of_folder({"a": tmp_path / "a.png"}, 1, 512, ["a"])
    assert image.shape == (3, 4, 4) and float(image.max()) == pytest.approx(0.2)
