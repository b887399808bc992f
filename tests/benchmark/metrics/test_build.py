"""The metrics against numbers that do not come from this code: the authors' per-image log, and pyiqa."""

import math
import os
import socket
import subprocess
import sys
import time
import urllib.error

import numpy as np
import pytest
import torch

from benchmark.evaluation import runner as scores
from benchmark.metrics import build as metrics
from benchmark.metrics import fid_kid as distribution
from benchmark.metrics.luminance import luma
from benchmark.metrics.protocols import resolve
from benchmark.tables import protocol as protocol_sheet
from osediff.common.errors import InputError
from osediff.common.images import read_rgb, write_png
from tests.helpers import ROOT

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
    used = {key for variant in variants for metric in variant["metrics"].values() for key in metric["weights"]}
    assert used == set(registry["weights"])


def test_absent_weights_are_named_at_once_without_network(registry, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("an absent metric used the network"))
    start = time.monotonic()
    reasons = {name: metrics.absence(name, registry) for name in registry["metrics"]}
    assert time.monotonic() - start < 1
    assert [name for name, reason in reasons.items() if reason is None] == ["psnr", "ssim"]
    files = "alexnet-owt-7be5be79.pth and LPIPS_v0.1_alex-df73285e.pth"
    assert reasons["lpips"] == f"needs {files}: python -m benchmark.metrics.download_weights --only alexnet lpips-alex"
    assert "needs timm/vit_base_patch8_224.augreg2_in21k_ft_in1k/model.safetensors and" in reasons["maniqa"]
    assert str(tmp_path) not in str(reasons), "the reason stands in tables, which must not depend on the machine"


def test_weights_are_found_in_both_caches(registry, tmp_path):
    weight = registry["weights"]["vit-base-patch8"]
    cached = tmp_path / "hub" / f"models--{weight['repo'].replace('/', '--')}"
    for path in (cached / "snapshots/1a2b" / weight["path"], cached / "refs/main"):
        path.parent.mkdir(parents=True)
        path.write_text("1a2b")
    maniqa = tmp_path / "torch" / registry["weights"]["maniqa-pipal"]["path"]
    maniqa.parent.mkdir(parents=True)
    maniqa.touch()
    code = (
        "from pathlib import Path; from benchmark import metrics; r = metrics.load(Path('config/metrics.yaml'));"
        "print(metrics.absence('maniqa', r), '|', metrics.remark('maniqa', r))"
    )
    variables = {"HF_HUB_CACHE": str(tmp_path / "hub"), "TORCH_HOME": str(tmp_path / "torch")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | variables, capture_output=True, text=True
    )
    assert done.stdout.split(" | ")[0] == "None", done.stderr
    assert "other weights than the published: MANIQA_PIPAL-ae6d356b.pth" in done.stdout


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
    with metrics.offline(), pytest.raises(urllib.error.URLError, match="wants to download"):
        torch.hub.download_url_to_file("https://download.pytorch.org/models/x.pth", str(tmp_path / "x.pth"))


@pytest.fixture
def random_weights(monkeypatch):
    """pyiqa's networks with random weights, built without any file: what is tested is our way of calling them."""
    pytest.importorskip("pyiqa")
    import timm
    import torchvision
    from pyiqa.archs import (
        clip_model,
        clipiqa_arch,
        dists_arch,
        inception,
        lpips_arch,
        maniqa_arch,
        musiq_arch,
    )

    torch.manual_seed(0)
    for name in ("alexnet", "vgg16"):
        plain = getattr(torchvision.models, name)
        monkeypatch.setattr(torchvision.models, name, lambda weights=None, plain=plain: plain(weights=None))
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained: create(name, pretrained=False))
    for arch in (lpips_arch, dists_arch, musiq_arch, maniqa_arch, inception):
        monkeypatch.setattr(arch, "load_pretrained_network", lambda *_, **__: None)
    small = clip_model.CLIP(64, 224, (1, 1, 1, 1), 64, None, 77, 49408, 64, 1, 1)
    monkeypatch.setattr(clipiqa_arch, "load", lambda *_: small.eval())


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
    network = distribution.inception("cpu")

    def of_clean_fid(batch: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return network((batch - 128) / 128, False, False)[0].flatten(1)

    for folder in ("sr", "hr"):
        ours = distribution.folder_features(tmp_path / folder, "clean", "cpu", 1)
        arguments = {"num_workers": 0, "batch_size": 8, "device": "cpu", "mode": "clean", "verbose": False}
        assert np.array_equal(ours, theirs.get_folder_features(str(tmp_path / folder), of_clean_fid, **arguments))

    beside = metrics.build("fid", registry, "cpu", 2)
    assert beside(tmp_path / "sr", tmp_path / "hr") == value, "several processes see the same batches"
    monkeypatch.setattr("pyiqa.archs.fid_arch.get_folder_features", lambda *_, **__: pytest.fail("computed twice"))
    assert math.isfinite(kid(tmp_path / "sr", tmp_path / "hr"))
