"""NIQE's parts against second derivations of them, and what it must do as a whole."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.optimize import brentq
from scipy.special import gamma
from scipy.stats import gennorm

from rfsr.metrics import niqe as module
from rfsr.metrics.niqe import PristineModel, niqe
from rfsr.metrics.registry import NIQE_PRISTINE
from tests.metrics.networks import write_networks

GRID = 1e-3
"""Shapes are looked up on a grid this fine."""
FLOAT64 = 1e-9


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return PristineModel.load(write_networks(tmp_path_factory.mktemp("nets")) / NIQE_PRISTINE).window


def natural(height: int, width: int, *, seed: int) -> np.ndarray:
    """Detail at every scale, as in photographs, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    x = sum(gaussian_filter(rng.laplace(size=(height, width)), s) * s**1.1 for s in (0.5, 1, 2, 4, 8, 16))
    grey = np.clip(128 + 30 * np.asarray(x), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def fitted(pictures: list[np.ndarray], window: np.ndarray) -> PristineModel:
    """A model of the blocks of the given pictures."""
    rows = []
    for picture in pictures:
        grey = picture[..., 0].astype(float)
        halves = module.half_size(grey)
        rows.append(np.hstack([module.block_features(grey, 96, window), module.block_features(halves, 48, window)]))
    features = np.concatenate(rows)
    return PristineModel(features.mean(axis=0), np.cov(features, rowvar=False), window)


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0, 3.5])
def test_the_fit_recovers_a_generalised_gaussian(shape: float) -> None:
    values = gennorm.rvs(shape, scale=1.3, size=200_000, random_state=np.random.default_rng(0))
    got, left, right = module.fit_asymmetric(values)
    assert abs(got / shape - 1) < 0.03 and abs(left / 1.3 - 1) < 0.03 and abs(right / 1.3 - 1) < 0.03  # sampling error


def test_the_fit_solves_the_moment_equation_of_the_paper() -> None:
    rng = np.random.default_rng(1)
    values = np.where(rng.random(5000) < 0.4, -2.0, 1.0) * np.abs(rng.laplace(size=5000))
    left, right = (np.sqrt(np.mean(side**2)) for side in (values[values < 0], values[values > 0]))
    ratio, skew = np.mean(np.abs(values)) ** 2 / np.mean(values**2), left / right
    wanted = ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    exact = brentq(lambda a: gamma(2 / a) ** 2 / (gamma(1 / a) * gamma(3 / a)) - wanted, 0.2, 10)
    shape, scale_left, scale_right = module.fit_asymmetric(values)
    assert abs(shape - exact) <= GRID
    assert abs(scale_left / scale_right - skew) < FLOAT64


def test_halving_agrees_with_pillow_away_from_borders_and_mirrors_at_them() -> None:
    grey = np.random.default_rng(2).random((40, 56)) * 255
    mirrored = np.pad(grey, 8, mode="symmetric").astype(np.float32)
    want = np.asarray(Image.fromarray(mirrored).resize((36, 28), Image.Resampling.BICUBIC))[4:-4, 4:-4]
    assert np.abs(module.half_size(grey) - want).max() < 1e-3  # Pillow computes in single precision


def test_features_of_a_block_are_those_of_its_neighbour_products(window: np.ndarray) -> None:
    grey = natural(96, 192, seed=3)[..., 0].astype(float)
    features = module.block_features(grey, 96, window)
    padded = np.pad(grey, 3, mode="edge")
    structure = np.empty_like(grey)
    for row in range(96):
        for column in range(192):
            patch = padded[row : row + 7, column : column + 7]
            mean = (window * patch).sum()
            structure[row, column] = (grey[row, column] - mean) / (np.sqrt(abs((window * patch**2).sum() - mean**2)) + 1)
    for index, block in enumerate((structure[:, :96], structure[:, 96:])):
        down = np.vstack([block[-1:], block[:-1]])
        shape, left, right = module.fit_asymmetric(block * down)
        want = [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
        assert np.allclose(features[index, 6:10], want, atol=1e-7)


def test_is_zero_for_the_statistics_it_was_fitted_on_and_grows_with_noise_and_blur(window: np.ndarray) -> None:
    pictures = [natural(288, 288, seed=seed) for seed in range(5)]
    model = fitted(pictures[:4], window)
    held_out = pictures[4]
    blurred = gaussian_filter(held_out.astype(float), (2, 2, 0)).astype(np.uint8)
    noisy = np.clip(held_out + np.random.default_rng(4).normal(0, 30, held_out.shape), 0, 255).astype(np.uint8)
    clean = niqe(held_out, model)
    assert niqe(blurred, model) > 1.5 * clean and niqe(noisy, model) > 1.5 * clean
    own = fitted([held_out], window)
    assert niqe(held_out, own) < 1e-6


def test_a_flat_block_counts_for_the_mean_of_shapes_alone(window: np.ndarray) -> None:
    shape, left, right = module.fit_asymmetric(np.zeros((8, 8)))
    assert shape == 0.2 and np.isnan(left) and np.isnan(right)
    model = fitted([natural(288, 288, seed=seed) for seed in range(2)], window)
    picture = natural(192, 288, seed=7)
    picture[:120, :120] = 200
    assert 0 < niqe(picture, model) < float("inf")


def test_only_whole_blocks_count(window: np.ndarray) -> None:
    model = fitted([natural(288, 288, seed=seed) for seed in range(2)], window)
    picture = natural(230, 300, seed=6)
    scribbled = picture.copy()
    scribbled[200:], scribbled[:, 295:] = 0, 255
    assert abs(niqe(scribbled, model) - niqe(picture, model)) < FLOAT64


def test_refuses_fewer_than_two_blocks_and_flat_pictures(window: np.ndarray) -> None:
    model = PristineModel(np.zeros(36), np.eye(36), window)
    with pytest.raises(ValueError, match="two blocks of 96"):
        niqe(natural(96, 191, seed=0), model)
    with pytest.raises(ValueError, match="flat"):
        niqe(np.full((192, 192, 3), 128, np.uint8), model)
