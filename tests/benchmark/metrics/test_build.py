"""The metrics against numbers that do not come from this code: the authors' per-image log, and pyiqa."""

import hashlib
import math
import os
import re
import socket
import urllib.error

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmark.evaluation import runner as scores
from benchmark.metrics import build as metrics
from benchmark.metrics import fid_kid as distribution
from benchmark.metrics import weights
from benchmark.metrics.luminance import luma
from benchmark.metrics.protocols import resolve
from benchmark.tables import protocol as protocol_sheet
from osediff.common import pyiqa_networks
from osediff.common.artifacts.model import parse
from osediff.common.errors import InputError
from osediff.common.images import read_rgb, write_png
from osediff.common.weights import LPIPS_VGG, LPIPS_VGG_SHA256

COLUMN_ORDER = ["psnr", "ssim", "lpips", "dists", "fid", "kid", "niqe", "musiq", "maniqa", "clipiqa"]


@pytest.mark.parametrize(
    ("name", "each", "average", "within", "printed"),
    [
        ("psnr", 1e-5, 27.92428, 1e-5, "27.92"),
        ("ssim", 1e-5, 0.783465, 1e-5, "0.7835"),
        ("lpips", 5e-4, 0.2968, 5e-5, "0.2968"),
        ("niqe", 0.005, 6.4902, 5e-5, "6.4902"),
    ],
)
def test_every_image_equals_the_authors_log(registry, authors_log, measured, name, each, average, within, printed):
    ours, theirs = measured.of(name, authors_log), np.array([row[name] for row in authors_log.values()])
    assert np.abs(ours - theirs).max() < each
    assert abs(ours.mean() - average) < within
    assert f"{ours.mean():.{registry['metrics'][name]['decimals']}f}" == printed, "the published row, to its last digit"


def test_dists_equals_the_authors_log_on_every_sixteenth_image(registry, drealsr, authors_log):
    if reason := metrics.absence("dists", registry):
        pytest.skip(reason)
    score, images = metrics.build("dists", registry), list(authors_log)[::16]
    folders = drealsr / "osediff_official", drealsr / "HR"
    ours = [score(*(read_rgb(folder / f"{image}.png") for folder in folders)) for image in images]
    theirs = [authors_log[image]["dists"] for image in images]
    assert ours == pytest.approx(theirs, abs=5e-5)


@pytest.mark.parametrize(("protocol", "average"), [("yiq", 27.9243 - 1.3219), ("crop4", 28.0174)])
def test_protocol_variants_differ_as_known(registry, drealsr, authors_log, protocol, average):
    """The two habits that most often make a PSNR disagree, as measured by others on these images."""
    variant = resolve(registry, protocol, "")
    score = metrics.build("psnr", variant)
    folders = drealsr / "osediff_official", drealsr / "HR"
    ours = [score(*(read_rgb(folder / f"{image}.png") for folder in folders)) for image in authors_log]
    assert abs(np.mean(ours) - average) < 1e-4
    assert metrics.protocol(variant, "psnr") == f"{protocol}/1"
    assert metrics.protocol(variant, "lpips") == "osediff/2", "what a protocol leaves alone is measured as ever"
    assert metrics.protocol(registry, "psnr") == "osediff/2", "the base is left as it was"


def test_protocols_name_what_is_known(registry):
    with pytest.raises(InputError, match="unknown protocol 'crop', did you mean crop4"):
        resolve(registry, "crop", "metrics.yaml")
    wrong = registry | {"protocols": {"x": {"version": 1, "about": "", "metrics": {"pnsr": {"options": {}}}}}}
    with pytest.raises(InputError, match="x: unknown metric 'pnsr'"):
        resolve(wrong, "x", "metrics.yaml")


def test_random_crops_follow_the_image_and_nothing_else(registry, random_weights, photos):
    windows = metrics.crop_windows(photos[0], 20, 224)
    assert windows == metrics.crop_windows(photos[0].copy(), 20, 224) != metrics.crop_windows(photos[1], 20, 224)
    assert all(
        top >= 0 and bottom <= 256 and bottom - top == right - left == 224 for top, bottom, left, right in windows
    )
    variant = resolve(registry, "osediff-random-crops", "")
    maniqa = variant["metrics"]["maniqa"] | {"random_crops": 2}  # of twenty, for its time
    score = metrics.build("maniqa", variant | {"metrics": {"maniqa": maniqa}})
    value = score(*photos)
    assert math.isfinite(value) and score(*photos) == value


@pytest.mark.parametrize("name", ["psnr", "ssim"])
@pytest.mark.parametrize("options", [{"color_space": "ycbcr"}, {"color_space": "ycbcr", "crop_border": 4}])
def test_own_metrics_equal_pyiqa(photos, name, options):
    pyiqa = pytest.importorskip("pyiqa")
    theirs = pyiqa.create_metric(name, test_y_channel=True, device=torch.device("cpu"), **options)
    sr, hr = (torch.tensor(image).permute(2, 0, 1)[None] / 255 for image in photos)
    assert metrics.OWN[name](*photos, **options) == pytest.approx(float(theirs(sr, hr)), abs=1e-5)


def test_equal_images_are_perfect_and_luma_is_limited_range(photos):
    _, hr = photos
    assert metrics.psnr(hr, hr) == pytest.approx(80)
    assert metrics.ssim(hr, hr) == pytest.approx(1)
    black, white = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)
    assert luma(black).item() == 16
    assert luma(white).item() == pytest.approx(235)


def test_registry_is_in_the_papers_order_and_uses_every_file(registry):
    assert list(registry["metrics"]) == COLUMN_ORDER
    variants = [resolve(registry, name, "") for name in ("osediff", *registry["protocols"])]
    metrics_of_all = [metric for variant in variants for metric in variant["metrics"].values()]
    used = {key for metric in metrics_of_all for choice in weights.choices(metric) for key in choice}
    assert used | {"lpips-vgg"} == set(registry["weights"])
    entry = parse(registry["weights"]["lpips-vgg"], "config/metrics.yaml").contents[LPIPS_VGG]
    assert entry.sha256 == LPIPS_VGG_SHA256, "training and measuring take the same file"


def test_absent_weights_are_named_at_once_without_network(registry, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("an absent metric used the network"))
    reasons = {name: metrics.absence(name, registry) for name in registry["metrics"]}
    assert [name for name, reason in reasons.items() if reason is None] == ["psnr", "ssim", "niqe"]
    command = "python -m osediff.common.artifacts fetch metric-weights --only"
    assert reasons["lpips"] == f"needs lpips-alex.safetensors: {command} lpips-alex"
    assert reasons["dists"] == (
        f"needs lpips-vgg.safetensors and DISTS_weights-f5e65c96.pth: {command} lpips-vgg dists"
    )
    assert str(tmp_path) not in str(reasons), "the reason stands in tables, which must not depend on the machine"


def put(folder, registry, *keys):
    """Files with the names of the registry's weights ``keys``, of other bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for key in keys:
        (folder / weights.file_name(registry["weights"][key])).write_bytes(key.encode())


def test_weights_are_found_in_both_folders_and_the_suites_comes_first(registry, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path / "suite"))
    put(tmp_path / "torch/hub/checkpoints", registry, "alexnet")
    assert weights.available("lpips", registry) is None, "the heads are missing"
    put(tmp_path / "torch/hub/pyiqa", registry, "lpips-alex-heads", "maniqa-pipal")
    assert [file.key for file in weights.available("lpips", registry)] == ["alexnet", "lpips-alex-heads"]
    assert [file.key for file in weights.available("maniqa", registry)] == ["maniqa-pipal"]
    put(tmp_path / "suite", registry, "lpips-alex")
    assert [file.key for file in weights.available("lpips", registry)] == ["lpips-alex"]


def test_a_file_of_other_bytes_is_named_with_its_sha256(registry, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path / "suite"))
    put(tmp_path / "suite", registry, "maniqa-pipal", "clip-rn50", "musiq-koniq")
    name = weights.file_name(registry["weights"]["maniqa-pipal"])
    digest = hashlib.sha256(b"maniqa-pipal").hexdigest()
    remark = f"measured with other weights than the published: {name} (sha256 {digest[:12]})"
    assert metrics.remark("maniqa", registry) == remark
    # Bytes of the same number are other bytes too, and are seen although the digest is remembered.
    known = registry["weights"]["maniqa-pipal"] | {"files": {name: {"sha256": digest}}}
    right = registry | {"weights": registry["weights"] | {"maniqa-pipal": known}}
    assert metrics.remark("maniqa", right) == ""
    (tmp_path / "suite" / name).write_bytes(b"maniqa-xxxxx")
    assert "other weights than the published" in metrics.remark("maniqa", right)
    with pytest.raises(InputError, match=r"RN50\.pt: is another file than config/metrics\.yaml says"):
        metrics.build("clipiqa", registry)


def test_a_row_says_which_of_two_files_it_was_measured_with(registry, monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path))
    put(tmp_path, registry, "lpips-alex")
    name = weights.file_name(registry["weights"]["lpips-alex"])
    known = registry["weights"]["lpips-alex"] | {"files": {name: {"sha256": hashlib.sha256(b"lpips-alex").hexdigest()}}}
    right = registry | {"weights": registry["weights"] | {"lpips-alex": known}}
    assert metrics.remark("lpips", right) == "measured with lpips-alex.safetensors"


class Trap:
    """Unpickling this writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    ("name", "key"), [("musiq", "musiq-koniq"), ("maniqa", "maniqa-pipal"), ("fid", "inception"), ("dists", "dists")]
)
def test_no_pickle_runs_in_place_of_weights(registry, monkeypatch, tmp_path, name, key):
    pytest.importorskip("pyiqa")
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path))
    file = weights.file_name(registry["weights"][key])
    torch.save({"weight": Trap(str(tmp_path / "it-ran"))}, tmp_path / file)
    if name == "dists":
        save_file({"x": torch.zeros(1)}, tmp_path / "lpips-vgg.safetensors")
    with pytest.raises(InputError, match=f"its weights cannot be loaded .*get anew .*{re.escape(file)}") as error:
        metrics.build(name, registry)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize("damage", ["empty", "cut", "another network", "noise"])
def test_damaged_weights_are_one_line(registry, monkeypatch, tmp_path, damage):
    pytest.importorskip("pyiqa")
    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path))
    path = tmp_path / "lpips-alex.safetensors"
    save_file({"features.0.weight": torch.zeros(64, 3, 11, 11)}, path)
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "noise":
        path.write_bytes(bytes(range(256)) * 40)
    with pytest.raises(InputError, match=r"lpips: its weights cannot be loaded .*get anew .*lpips-alex"):
        metrics.build("lpips", registry)


def test_another_version_of_the_library_is_told(registry, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"pyiqa": "0.1.10"}[name])
    assert metrics.remark("musiq", registry) == "measured with pyiqa 0.1.10, not 0.1.16"
    assert metrics.remark("psnr", registry) == ""


def test_the_sheet_names_what_two_people_must_agree_on(registry):
    lines = protocol_sheet.sheet(resolve(registry, "crop4", "")).splitlines()
    (psnr,) = (line for line in lines if line.startswith("| PSNR"))
    assert "| higher | 0 to 80 | dB |" in psnr and "crop_border 4" in psnr and psnr.endswith("| crop4/1 |")
    (maniqa,) = (line for line in lines if line.startswith("| MANIQA"))
    assert "pyiqa 0.1.16: maniqa-pipal" in maniqa and "MANIQA_PIPAL-ae6d356b.pth (ae6d356b)" in maniqa
    assert maniqa.endswith("| osediff/2 |")
    assert any(line.startswith("- `osediff-random-crops/1` (MANIQA)") for line in lines)


def test_evaluation_cannot_download(tmp_path):
    with pyiqa_networks.offline(), pytest.raises(urllib.error.URLError, match="wants to download"):
        torch.hub.download_url_to_file("https://download.pytorch.org/models/x.pth", str(tmp_path / "x.pth"))


@pytest.fixture
def random_weights(registry, monkeypatch, tmp_path):
    """pyiqa's networks with random weights: what is tested is our way of calling them."""
    pytest.importorskip("pyiqa")
    from pyiqa.archs import clip_model

    def randomize(net, paths):
        if type(net).__name__ in ("LPIPS", "DISTS"):  # the others have values of the library's
            for value in net.parameters():
                torch.nn.init.uniform_(value, 0, 2 / value[0].numel())

    monkeypatch.setenv("BENCHMARK_WEIGHTS", str(tmp_path / "weights"))
    put(tmp_path / "weights", registry, *registry["weights"])
    monkeypatch.setattr(pyiqa_networks, "fill", randomize)
    torch.manual_seed(0)
    small = clip_model.CLIP(64, 224, (1, 1, 1, 1), 64, None, 77, 49408, 64, 1, 1)
    monkeypatch.setattr(clip_model, "load", lambda *_: small.eval())
    monkeypatch.setattr(weights.Weights, "official", True)


@pytest.mark.parametrize("name", ["lpips", "dists", "musiq", "clipiqa"])  # and maniqa above, for its time
def test_learned_metrics_of_images_run(registry, random_weights, photos, name):
    score = metrics.build(name, registry)
    sr, hr = photos
    value = score(sr, hr)
    assert isinstance(value, float) and math.isfinite(value)
    assert score(sr, hr) == value
    if name in ("lpips", "dists"):  # the reference counts, and equal images have no distance
        assert value > 0
        assert score(hr, hr) == pytest.approx(0, abs=1e-5)
    else:
        assert score(sr, sr) == value


@pytest.mark.parametrize("name", ["lpips", "musiq", "clipiqa"])
def test_batches_of_one_size_give_the_values_of_single_pairs(registry, random_weights, photos, tmp_path, name):
    """The way of a GPU, on a CPU: two sizes, batches that are not full, threads that decode."""
    tasks = []
    for index, side in enumerate((256, 192, 256, 256, 192)):
        for folder, image in zip(("sr", "hr"), photos, strict=True):
            write_png(tmp_path / folder / f"{index}.png", np.roll(image, 9 * index, axis=1)[:, :side])
        pair = scores.inspected(str(index), tmp_path / f"sr/{index}.png", tmp_path / f"hr/{index}.png")
        tasks.append((pair, (name,)))
    several = metrics.build_batched(name, registry, "cpu")
    found = {pair.stem: of[name] for pair, of in scores.batched(tasks, registry, {name: several}, 2, 2)}
    for pair, _ in tasks:
        assert found[pair.stem] == pytest.approx(several([read_rgb(pair.sr)], [read_rgb(pair.hr)])[0], abs=1e-5)
    assert len(set(found.values())) == 5


def test_distances_run_on_folders_and_share_features(registry, random_weights, photos, tmp_path, monkeypatch):
    for folder, image in zip(("sr", "hr"), photos, strict=True):
        for index in range(3):
            write_png(tmp_path / folder / f"{index}.png", np.roll(image, 40 * index, axis=0))
    fid, kid = metrics.build("fid", registry), metrics.build("kid", registry)
    assert fid(tmp_path / "hr", tmp_path / "hr") == pytest.approx(0, abs=1e-3)
    value = fid(tmp_path / "sr", tmp_path / "hr")
    assert math.isfinite(value) and value > 0

    theirs = pytest.importorskip("cleanfid.fid")
    (inception,) = metrics.weight_paths("fid", registry)
    network = distribution.inception(inception, "cpu")

    def of_clean_fid(batch: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return network((batch - 128) / 128, False, False)[0].flatten(1)

    for folder in ("sr", "hr"):
        ours = distribution.folder_features(tmp_path / folder, "clean", inception, "cpu", 1)
        arguments = {"num_workers": 0, "batch_size": 8, "device": "cpu", "mode": "clean", "verbose": False}
        assert np.array_equal(ours, theirs.get_folder_features(str(tmp_path / folder), of_clean_fid, **arguments))

    beside = metrics.build("fid", registry, "cpu", 2)
    assert beside(tmp_path / "sr", tmp_path / "hr") == value, "several processes see the same batches"
    monkeypatch.setattr("pyiqa.archs.fid_arch.get_folder_features", lambda *_, **__: pytest.fail("computed twice"))
    assert math.isfinite(kid(tmp_path / "sr", tmp_path / "hr"))
