"""The file of prompts: a training takes those of its own stream, and a test set those of its own size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from osediff.common.errors import InputError
from osediff.common.files import read_json, sha256, write_json
from osediff.prompts.prompt_file import (
    PromptFile,
    read_folder_prompts,
    read_prompt_file,
)
from tests.osediff.prompts.extraction import BRIEF, prompt_source
from tests.osediff.tiny import edit, run_training


@pytest.mark.slow
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


def test_prompts_of_a_folder_are_those_of_its_images_at_the_variants_size(tmp_path: Path) -> None:
    def write_prompts(prompts: dict[str, str], **change: Any) -> Path:
        content = PromptFile(made_by=prompt_source(**change), prompts=prompts, seconds=0.1)
        write_json(tmp_path / "p.json", content.model_dump(mode="json"))
        return tmp_path / "p.json"

    prompts, source = read_folder_prompts(write_prompts({"a": "cat", "b": "tree"}), ["a", "b"], BRIEF)
    assert prompts == {"a": "cat", "b": "tree"} and source.extractor == "dape"
    with pytest.raises(InputError, match="extracted at process_size 64, the variant restores at 32"):
        read_folder_prompts(write_prompts({"a": "cat"}, process_size=64), ["a"], BRIEF)
    with pytest.raises(InputError, match="b"):
        read_folder_prompts(write_prompts({"a": "cat"}), ["a", "b"], BRIEF)
    (tmp_path / "p.json").write_text("{}")
    with pytest.raises(InputError, match=r"p\.json"):
        read_prompt_file(tmp_path / "p.json")
