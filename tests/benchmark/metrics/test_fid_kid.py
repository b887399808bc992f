"""FID and KID of given features: scipy's matrix root, closed forms, and what the definition of KID says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from benchmark.metrics import fid_kid
from tests.benchmark.fixture_types import ImageSets


def by_definition(sr: np.ndarray, hr: np.ndarray) -> float:
    """FID with the matrix root that the definition names."""
    first, second = np.cov(sr, rowvar=False), np.cov(hr, rowvar=False)
    shift = sr.mean(axis=0) - hr.mean(axis=0)
    return float(shift @ shift + np.trace(first + second) - 2 * np.trace(sqrtm(first @ second).real))


@pytest.mark.parametrize(("images", "others"), [(30, 30), (30, 50), (200, 200), (40, 300)])
def test_fid_equals_the_matrix_root(images: int, others: int) -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(60, 60)) / 8
    sr, hr = rng.normal(0.3, 1, (images, 60)) @ mixing, rng.normal(0, 1.2, (others, 60)) @ mixing
    assert fid_kid.fid(sr, hr) == pytest.approx(by_definition(sr, hr), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("images", "dimensions"), [(40, 128), (93, 64)])
def test_fid_and_kid_are_those_of_clean_fid(images: int, dimensions: int) -> None:
    """On features as a network gives them: never negative, correlated, fewer images than dimensions or more."""
    theirs = pytest.importorskip("cleanfid.fid")
    rng = np.random.default_rng(4)
    mixing = rng.normal(size=(50, dimensions)) / 7
    sr, hr = (np.maximum(rng.normal(shift, 1, (images, 50)) @ mixing, 0) for shift in (0.2, 0))
    moments = [moment for x in (sr, hr) for moment in (x.mean(axis=0), np.cov(x, rowvar=False))]
    assert fid_kid.fid(sr, hr) == pytest.approx(theirs.frechet_distance(*moments), abs=1e-3)
    # Up to 1000 images, each of its subsets is all of them.
    assert fid_kid.kid(sr, hr) == pytest.approx(theirs.kernel_distance(sr, hr, num_subsets=1), abs=1e-9)


def test_fid_has_its_closed_forms() -> None:
    rng = np.random.default_rng(1)
    hr = rng.normal(size=(90, 2048))
    assert fid_kid.fid(hr, hr) == pytest.approx(0, abs=1e-8)
    assert fid_kid.fid(hr + 0.5, hr) == pytest.approx(2048 * 0.25)
    # Features stretched around their mean: every standard deviation doubles, so that the trace of S remains.
    stretched = 2 * (hr - hr.mean(axis=0)) + hr.mean(axis=0)
    assert fid_kid.fid(stretched, hr) == pytest.approx(np.trace(np.cov(hr, rowvar=False)))
    # One dimension: squared difference of means and of standard deviations.
    x, y = rng.normal(1, 2, (500, 1)), rng.normal(4, 3, (400, 1))
    expected = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert fid_kid.fid(x, y) == pytest.approx(expected)


def test_kid_is_unbiased_and_by_its_definition() -> None:
    rng = np.random.default_rng(3)
    sr, hr = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / 3 + 1) ** 3)

    def within(x: np.ndarray) -> float:
        return float(np.mean([kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j]))

    across = np.mean([kernel(a, b) for a in sr for b in hr])
    assert fid_kid.kid(sr, hr) == pytest.approx(within(sr) + within(hr) - 2 * across)
    same = [fid_kid.kid(*rng.normal(size=(2, 20, 8))) for _ in range(400)]
    assert abs(np.mean(same)) < 4 * np.std(same) / 20, "of one distribution it is 0 on average"
    assert min(same) < 0


@pytest.mark.slow
def test_kid_equals_pyiqa_on_all_images() -> None:
    fid_arch = pytest.importorskip("pyiqa.archs.fid_arch")
    rng = np.random.default_rng(4)
    sr, hr = rng.normal(size=(50, 64)), rng.normal(0.2, 1, (50, 64))
    theirs = fid_arch.maximum_mean_discrepancy(hr, sr, num_subsets=1)
    assert fid_kid.kid(sr, hr) == pytest.approx(theirs, abs=1e-9)


def test_few_images_are_noted() -> None:
    assert "93 images; with fewer than 1000" in fid_kid.set_note(93)
    assert fid_kid.set_note(3000) == "of 3000 images"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["clean", "legacy_pytorch", "legacy_tensorflow"])
def test_features_are_those_of_pyiqa(inception_file: Path, sets: ImageSets, mode: str) -> None:
    """pyiqa's port of clean-fid measured the paper's numbers."""
    fid_arch = pytest.importorskip("pyiqa.archs.fid_arch")
    theirs = pytest.importorskip("pyiqa.archs.inception")
    with pytest.MonkeyPatch.context() as patch:
        weights = torch.load(inception_file, weights_only=True)
        patch.setattr(theirs, "load_pretrained_network", lambda net, *_, **__: net.load_state_dict(weights))
        network = theirs.InceptionV3(resize_input=False, normalize_input=False).eval()
    arguments = {"num_workers": 0, "batch_size": 8, "device": "cpu", "mode": mode, "verbose": False}
    reference = fid_arch.get_folder_features(str(sets[0][0].parent), network, **arguments)
    ours = fid_kid.compute_features(sets[0], inception_file, mode, "cpu")
    assert reference.std() > 0.01
    assert ours == pytest.approx(reference, abs=1e-5 if mode == "legacy_tensorflow" else 0)


@pytest.mark.slow
def test_distances_share_features_and_do_not_depend_on_processes(
    inception_file: Path, sets: ImageSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    fid = fid_kid.build_distance("fid", inception_file, "clean", "cpu", 1)
    assert fid(sets[1], sets[1]) == pytest.approx(0, abs=1e-3)
    value = fid(*sets)
    assert np.isfinite(value) and value > 0
    assert fid_kid.build_distance("fid", inception_file, "clean", "cpu", 2)(*sets) == value
    monkeypatch.setattr(fid_kid, "compute_features", lambda *_, **__: pytest.fail("computed twice"))
    assert np.isfinite(fid_kid.build_distance("kid", inception_file, "clean", "cpu", 1)(*sets))
