"""Which files a metric is measured with, and what the rows say of them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from benchmark.metrics.build import build_pair_metric, build_set_metric, metric_note, unavailable_reason
from benchmark.metrics.registry import MetricRegistry
from benchmark.metrics.weights import file_name, find_weights
from osediff.common.artifacts.model import File
from osediff.common.artifacts.record import Entry, write_record
from osediff.common.errors import InputError
from osediff.common.weights import LPIPS_VGG, LPIPS_VGG_SHA256
from tests.benchmark.fixture_types import PutWeights

pytestmark = pytest.mark.usefixtures("empty_weight_folders")


def with_sha256(registry: MetricRegistry, key: str, digest: str | None) -> MetricRegistry:
    """The registry, with ``digest`` as the published sha256 of the weights ``key``."""
    artifact = registry.weights[key]
    known = artifact.model_copy(update={"files": {file_name(artifact): File(sha256=digest)}})
    known.__dict__.pop("contents", None)  # computed once, and copied with the rest
    return registry.model_copy(update={"weights": {**registry.weights, key: known}})


def test_training_and_measuring_take_the_same_file(metric_registry: MetricRegistry) -> None:
    assert metric_registry.weights["lpips-vgg"].contents[LPIPS_VGG].sha256 == LPIPS_VGG_SHA256


def test_weights_are_found_in_both_folders_and_the_suites_comes_first(
    metric_registry: MetricRegistry, put_weights: PutWeights, tmp_path: Path
) -> None:
    def keys(name: str) -> list[str]:
        return [file.key for file in find_weights(name, metric_registry) or []]

    put_weights(tmp_path / "torch/hub/checkpoints", "alexnet")
    assert keys("lpips") == [], "the heads are missing"
    put_weights(tmp_path / "torch/hub/pyiqa", "lpips-alex-heads", "maniqa-pipal")
    assert keys("lpips") == ["alexnet", "lpips-alex-heads"]
    assert keys("maniqa") == ["maniqa-pipal"]
    put_weights(tmp_path / "suite", "lpips-alex")
    assert keys("lpips") == ["lpips-alex"]


def test_a_file_of_other_bytes_is_named_with_its_sha256(
    metric_registry: MetricRegistry, put_weights: PutWeights, tmp_path: Path
) -> None:
    put_weights(tmp_path / "suite", "maniqa-pipal", "clip-rn50", "musiq-koniq")
    name = file_name(metric_registry.weights["maniqa-pipal"])
    digest = hashlib.sha256(b"maniqa-pipal").hexdigest()
    other = f"measured with other weights than the published: {name} (sha256 {digest[:12]})"
    assert metric_note("maniqa", metric_registry) == other
    # Bytes of the same number are other bytes too, and are seen although the digest is remembered.
    right = with_sha256(metric_registry, "maniqa-pipal", digest)
    assert metric_note("maniqa", right) == ""
    (tmp_path / "suite" / name).write_bytes(b"maniqa-xxxxx")
    assert "other weights than the published" in metric_note("maniqa", right)
    with pytest.raises(InputError, match=r"RN50\.pt: is another file than config/metrics\.yaml says"):
        build_pair_metric("clipiqa", metric_registry.select(["clipiqa"]))


def test_a_row_says_which_of_two_files_it_was_measured_with(
    metric_registry: MetricRegistry, put_weights: PutWeights, tmp_path: Path
) -> None:
    put_weights(tmp_path / "suite", "lpips-alex")
    right = with_sha256(metric_registry, "lpips-alex", hashlib.sha256(b"lpips-alex").hexdigest())
    assert metric_note("lpips", right) == "measured with lpips-alex.safetensors"
    assert unavailable_reason("lpips", right) == ""


class Trap:
    """Unpickling this makes a folder."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self.path,)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "key"), [("musiq", "musiq-koniq"), ("maniqa", "maniqa-pipal"), ("fid", "inception"), ("dists", "dists")]
)
def test_no_pickle_runs_in_place_of_weights(
    metric_registry: MetricRegistry, tmp_path: Path, name: str, key: str
) -> None:
    pytest.importorskip("pyiqa")
    file = file_name(metric_registry.weights[key])
    torch.save({"weight": Trap(str(tmp_path / "it-ran"))}, tmp_path / "suite" / file)
    if name == "dists":
        save_file({"x": torch.zeros(1)}, tmp_path / "suite" / "lpips-vgg.safetensors")
    build = build_set_metric if name == "fid" else build_pair_metric
    with pytest.raises(InputError, match=r"which is not executed\); get it anew") as error:
        build(name, metric_registry.select([name]))
    assert file in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["empty", "cut", "another network", "noise"])
def test_damaged_weights_are_one_line(metric_registry: MetricRegistry, tmp_path: Path, damage: str) -> None:
    pytest.importorskip("pyiqa")
    path = tmp_path / "suite" / "lpips-alex.safetensors"
    save_file({"features.0.weight": torch.zeros(64, 3, 11, 11)}, path)
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "noise":
        path.write_bytes(bytes(range(256)) * 40)
    line = r"lpips-alex\.safetensors: not a readable file .*; get it anew|weights cannot be loaded .*get anew"
    with pytest.raises(InputError, match=line):
        build_pair_metric("lpips", metric_registry.select(["lpips"]))


@pytest.mark.parametrize("published", ["", "8 digits"])
def test_the_first_download_is_demanded_where_no_whole_sha256_is_published(
    published: str, metric_registry: MetricRegistry, put_weights: PutWeights, tmp_path: Path
) -> None:
    put_weights(tmp_path / "suite", "maniqa-pipal")
    name, digest = file_name(metric_registry.weights["maniqa-pipal"]), hashlib.sha256(b"maniqa-pipal").hexdigest()
    registry = with_sha256(metric_registry, "maniqa-pipal", digest[:8] if published else None)
    write_record(tmp_path / "suite", {name: Entry(size=12, sha256=digest)})
    assert metric_note("maniqa", registry) == ""
    # Another first download: it has the same beginning, as far as one is published.
    write_record(tmp_path / "suite", {name: Entry(size=12, sha256=digest[:8] + "0" * 56)})
    assert "other weights than the published" in metric_note("maniqa", registry)
