"""NIQE (Mittal, Soundararajan and Bovik 2013): how far a picture's natural-scene statistics are from those of pristine pictures.

Follows the authors' MATLAB release: rounded grey values, blocks of 96 at full and 48 at half size, MATLAB's bicubic reduction with
mirrored borders, moment-matched asymmetric generalised Gaussians, pairs of neighbours wrapping round within a block.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import correlate, correlate1d
from scipy.special import gamma

BLOCK = 96
MATLAB_GREY = (0.2989360212937753, 0.5870430744511212, 0.1140209042551034)
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
SHAPES = np.arange(200, 10001) / 1000
# The squared mean magnitude over the mean square of a generalised Gaussian of each shape.
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))


@dataclass(frozen=True)
class PristineModel:
    """Mean [36] and covariance [36, 36] of the features of pristine blocks, and the local window [7, 7], summing to one."""

    mean: np.ndarray
    covariance: np.ndarray
    window: np.ndarray

    @staticmethod
    def load(path: Path) -> "PristineModel":
        """From an npz with mu_pris_param, cov_pris_param and gaussian_window."""
        archive = np.load(path)
        return PristineModel(archive["mu_pris_param"].ravel(), archive["cov_pris_param"], archive["gaussian_window"])


def niqe(rgb8: np.ndarray, model: PristineModel) -> float:
    """Distance of a picture uint8 [H, W, 3] from the pristine model, 0 or more, lower is better.

    Only whole blocks of 96 count, from the top left. Throws ValueError for a picture with fewer than two of them.
    """
    grey = np.floor(rgb8.astype(np.float64) @ np.array(MATLAB_GREY) + 0.5)
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    if rows * columns < 2:
        raise ValueError(f"expected at least two blocks of {BLOCK}×{BLOCK}, got {grey.shape[0]}×{grey.shape[1]} pixels")
    grey = grey[: rows * BLOCK, : columns * BLOCK]
    features = np.concatenate(
        [block_features(grey, BLOCK, model.window), block_features(half_size(grey), BLOCK // 2, model.window)], axis=1
    )
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < 2:
        raise ValueError("expected at least two blocks with texture, got a flat picture")
    pooled = (model.covariance + np.cov(whole, rowvar=False)) / 2
    # A flat block counts for the means of what it has, but not for the covariance: MATLAB's nanmean and nancov.
    difference = model.mean - np.nanmean(features, axis=0)
    return float(np.sqrt(difference @ np.linalg.pinv(pooled) @ difference))


def block_features(grey: np.ndarray, side: int, window: np.ndarray) -> np.ndarray:
    """Grey [R·side, C·side] to 18 features of every block, [R·C, 18]."""
    mean = correlate(grey, window, mode="nearest")
    deviation = np.sqrt(np.abs(correlate(grey**2, window, mode="nearest") - mean**2))
    structure = (grey - mean) / (deviation + 1)
    rows, columns = grey.shape[0] // side, grey.shape[1] // side
    blocks = structure.reshape(rows, side, columns, side).transpose(0, 2, 1, 3).reshape(-1, side, side)
    return np.array([features_of(block) for block in blocks])


def features_of(block: np.ndarray) -> list[float]:
    """Shape and scale of a normalised block, then shape, mean and both scales of its products with four neighbours: 18 numbers."""
    shape, left, right = fit_asymmetric(block)
    features = [shape, (left + right) / 2]
    for shift in SHIFTS:
        shape, left, right = fit_asymmetric(block * np.roll(block, shift, axis=(0, 1)))
        features += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return features


def fit_asymmetric(values: np.ndarray) -> tuple[float, float, float]:
    """Shape, left and right scale of an asymmetric generalised Gaussian, by moments.

    A side without values (a flat block) has the scale NaN, and the shape is then the first of the grid, as in MATLAB, whose minimum
    of NaNs is the first.
    """
    left, right = root_mean_square(values[values < 0]), root_mean_square(values[values > 0])
    if np.isnan(left) or np.isnan(right):
        shape = SHAPES[0]
    else:
        skew = left / right
        ratio = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
        shape = SHAPES[np.argmin((RATIOS - ratio) ** 2)]
    to_scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return float(shape), float(left * to_scale), float(right * to_scale)


def root_mean_square(values: np.ndarray) -> float:
    """NaN of nothing."""
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


def half_size(grey: np.ndarray) -> np.ndarray:
    """[H, W], even, to [H/2, W/2] as MATLAB's imresize does: the bicubic kernel (a = -0.5) stretched over eight taps, mirrored borders."""
    distance = np.abs(np.arange(8) - 3.5) / 2
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    taps = np.where(distance <= 1, near, far) / 2
    for axis in (0, 1):
        # An even kernel's centre is its fifth tap; one to the left puts four taps on either side of each pair of pixels.
        grey = correlate1d(grey, taps, axis=axis, mode="reflect", origin=-1)
        grey = grey[::2] if axis == 0 else grey[:, ::2]
    return grey
