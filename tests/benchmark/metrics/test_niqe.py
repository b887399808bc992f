"""Our NIQE against pyiqa's, and the traps of a second implementation. The official log is in test_metrics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from benchmark.metrics import niqe
from osediff.common.images import read_rgb
from tests.benchmark.fixture_types import ImagePair


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.tensor(image.astype(np.float64)).permute(2, 0, 1)[None].float() / 255


@pytest.mark.slow
def test_equals_pyiqa(drealsr: Path, tmp_path: Path) -> None:
    """Every eighth image and IMG_107, which has blocks without a fit. Halfway pixels differ on a CPU: 0.02."""
    pyiqa = pytest.importorskip("pyiqa")
    mean, covariance = niqe.parameters()
    savemat(tmp_path / "natural.mat", {"mu_prisparam": mean[None], "cov_prisparam": covariance})
    file = str(tmp_path / "natural.mat")
    theirs = pyiqa.create_metric("niqe", device=torch.device("cpu"), pretrained_model_path=file)
    paths = sorted((drealsr / "osediff_official").glob("*.png"))
    paths = paths[::8] + [path for path in paths if "IMG_107" in path.name]
    images = [read_rgb(path) for path in paths]
    ours = np.array([niqe.niqe(image, image) for image in images])
    assert np.abs(ours - [float(theirs(tensor(image))) for image in images]).max() < 0.02
    # Gray images have no halfway pixels, so that nothing is left to differ but the arithmetic.
    greys = [np.repeat(image[..., 1:2], 3, axis=2) for image in images]
    ours = np.array([niqe.niqe(image, image) for image in greys])
    difference = np.abs(ours - [float(theirs(tensor(image))) for image in greys])
    assert difference.max() < 5e-3 and np.median(difference) < 1e-5


def test_flat_blocks_and_edges_do_not_break_it(photos: ImagePair) -> None:
    sr, hr = (np.tile(image, (2, 2, 1)) for image in photos)
    flat = sr.copy()
    flat[:96, :96] = 77
    assert np.isfinite(niqe.niqe(flat, hr)) and niqe.niqe(flat, hr) != niqe.niqe(sr, hr)
    beyond = sr.copy()
    beyond[480:], beyond[:, 480:] = 0, 255
    assert niqe.niqe(beyond, hr) == niqe.niqe(sr, hr), "only whole blocks count"
    assert niqe.niqe(sr, sr) == niqe.niqe(sr, hr), "there is no reference"


def test_fit_finds_the_shape_of_a_gaussian_and_of_a_laplacian() -> None:
    rng = np.random.default_rng(0)
    samples = np.stack([rng.normal(0, 3, 400_000), rng.laplace(0, 3, 400_000), np.ones(400_000)])
    shape, left, right = niqe.fit_gaussians(samples)
    assert shape[:2] == pytest.approx([2, 1], rel=0.02)
    assert left[:2] == pytest.approx(right[:2], rel=0.02)
    assert shape[2] == 0.2 and np.isnan(left[2]), "no negative value, no fit"


def test_window_keeps_the_float32_excess() -> None:
    assert np.outer(niqe.window(), niqe.window()).sum() - 1 == pytest.approx(1.1e-8, rel=0.1)


def test_parameters_are_a_gaussian_of_36_features() -> None:
    mean, covariance = niqe.parameters()
    assert mean.shape == (36,) and covariance.shape == (36, 36)
    assert np.array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0
