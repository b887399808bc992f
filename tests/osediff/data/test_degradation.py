"""Degradation: sizes, seeds, kernels that are filters, and bad input."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.stats import chi2, ks_2samp, poisson
from skimage import data

from osediff.common.errors import InputError
from osediff.common.images import list_images, read_rgb, write_png
from osediff.common.settings import write
from osediff.data.degradation import (
    KERNEL_SIZES,
    add_noise,
    degrade,
    filter_image,
    gaussian_kernel,
    jpeg,
    main,
    poisson_counts,
    random_kernel,
    sinc_kernel,
)
from osediff.data.degradation_recipe import Degradation, DegradationSpec, Noise
from tests.osediff.tiny import DEGRADATION
from tools.official import degradation as beside

PICTURE = (np.indices((64, 48)).sum(0)[..., None] * np.array([1, 2, 3]) % 256).astype(np.uint8)


def test_same_seed_same_image_other_seed_other_image() -> None:
    first, again, other = (degrade(PICTURE, DEGRADATION, 4, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (16, 12, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_kernels_sum_to_one_and_keep_the_center() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        kernel = random_kernel(rng, DEGRADATION.stages[0].blur)
        assert kernel.shape[0] == kernel.shape[1] and kernel.shape[0] in KERNEL_SIZES
        assert kernel.sum() == pytest.approx(1)
        assert np.allclose(kernel, kernel[::-1, ::-1])


def test_gaussian_kernel_has_the_width_it_is_given() -> None:
    kernel = gaussian_kernel(21, (2.0, 1.0), 0.0, "generalized", 1.0)
    axis = np.arange(21) - 10
    assert (kernel.sum(0) * axis**2).sum() == pytest.approx(4.0, rel=1e-3)
    assert (kernel.sum(1) * axis**2).sum() == pytest.approx(1.0, rel=1e-3)


def test_sinc_kernel_passes_low_and_stops_high_frequencies() -> None:
    spectrum = np.abs(np.fft.fft2(sinc_kernel(21, np.pi / 2), (64, 64)))
    assert spectrum[0, 4] == pytest.approx(1, abs=0.1)
    assert spectrum[0, 28] < 0.1


def test_jpeg_loses_more_at_lower_quality() -> None:
    image = np.random.default_rng(0).random((32, 32, 3), np.float32)
    errors = [np.abs(jpeg(image, quality) - image).mean() for quality in (95, 60, 20)]
    assert errors[0] < errors[1] < errors[2]


def test_command_line_pairs_each_image_and_names_a_bad_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_png(tmp_path / "HR" / "a.png", PICTURE)
    write_png(tmp_path / "HR" / "b.png", PICTURE[:32])
    write(tmp_path / "spec.yaml", DegradationSpec(degradation=DEGRADATION))
    folders = ["--input", str(tmp_path / "HR"), "--output", str(tmp_path / "LR")]
    monkeypatch.setattr(sys, "argv", ["degradation", "--spec", str(tmp_path / "spec.yaml"), *folders])
    main()
    images = {stem: read_rgb(path) for stem, path in list_images(tmp_path / "LR").items()}
    assert {stem: image.shape for stem, image in images.items()} == {"a": (16, 12, 3), "b": (8, 12, 3)}
    write_png(tmp_path / "HR" / "c.png", PICTURE[:30])
    with pytest.raises(InputError, match=r"c\.png.*multiple of 4"):
        main()


def test_gray_shot_noise_is_as_strong_as_its_photon_count_says() -> None:
    """Poisson: variance level / photons; photons are the number of gray levels, up to a power of two, 256 at most."""
    rng = np.random.default_rng(0)
    image = rng.random((200, 200, 3), np.float32) * 0.4 + 0.3
    settings = Noise(gaussian_probability=0, poisson_scale=(1, 1), gray_probability=1, sigma=(1, 1))
    noise = add_noise(image, np.random.default_rng(1), settings) - image
    assert np.abs(noise - noise[..., :1]).max() < 1e-5  # the same in all channels
    light = image @ np.array([0.2989, 0.587, 0.114], np.float32)
    photons = 2 ** math.ceil(math.log2(len(np.unique((light * 255).round()))))
    assert photons <= 256
    assert noise[..., 0].std() == pytest.approx(math.sqrt(light.mean() / photons), rel=0.03)


@pytest.mark.parametrize(("level", "photons"), [(0, 256), (1, 256), (100, 256), (255, 256), (255, 2), (128, 8)])
def test_photon_counts_are_poissons(level: int, photons: int) -> None:
    mean = level / 255 * photons
    counts = poisson_counts(np.full(200_000, level, np.uint8), photons, np.random.default_rng(0))
    assert counts.min() >= 0 and counts.mean() == pytest.approx(mean, abs=4 * math.sqrt(mean / 200_000))
    seen = np.bincount(counts, minlength=2 * photons + 64)
    expected = poisson.pmf(np.arange(len(seen)), mean) * 200_000
    often = expected > 20
    chi = ((seen[often] - expected[often]) ** 2 / expected[often]).sum()
    assert chi2.sf(chi, max(1, int(often.sum()) - 1)) > 1e-3
    # Far out, where a table of equal parts alone would have nothing.
    assert seen[~often].sum() == pytest.approx(200_000 - expected[often].sum(), abs=60)


def test_a_product_kernel_filters_as_the_same_kernel_in_two_dimensions() -> None:
    image = np.random.default_rng(0).random((40, 50, 3), np.float32)
    kernel = gaussian_kernel(13, (2.0, 1.0), 0.0, "generalized", 1.0)
    whole = cv2.filter2D(image, -1, kernel.astype(np.float32), borderType=cv2.BORDER_REFLECT_101)
    assert np.abs(filter_image(image, kernel) - whole).max() < 1e-6


# Four statistics of 300 LR images that the official code (cswry/OSEDiff fcc4f09, kernels and noise of BasicSR 8d56e3a)
# made of crops of these photographs: tools/official/degradation.py --crops 300 --crop 128 --save.
OFFICIAL = json.loads((Path(__file__).parent / "fixtures" / "degradation_official.json").read_text())


def p_values(recipe: Degradation) -> list[float]:
    photos = [getattr(data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")]
    values = []
    for n, crop in enumerate(beside.crops(photos, OFFICIAL["crops"], OFFICIAL["side"])):
        lr = degrade(crop, recipe, 4, np.random.default_rng([1, n]))
        values.append(max(beside.statistics(lr, crop), beside.statistics(lr, np.ascontiguousarray(crop[:, ::-1]))))
    mine, theirs = np.array(values), np.array(OFFICIAL["values"])
    return [float(ks_2samp(mine[:, k], theirs[:, k]).pvalue) for k in range(4)]


@pytest.mark.slow
def test_lr_images_are_distributed_as_those_of_the_official_code() -> None:
    assert min(p_values(beside.recipe())) > 0.01
    change = {"sigma": (15.0, 60.0), "poisson_scale": (1.5, 6.0)}
    stages = beside.recipe().stages
    louder = tuple(stage.model_copy(update={"noise": stage.noise.model_copy(update=change)}) for stage in stages)
    loud = beside.recipe().model_copy(update={"stages": louder})
    assert min(p_values(loud)) < 1e-6
