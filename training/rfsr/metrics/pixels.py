"""PSNR and SSIM on luma (BT.601, full range), the field's convention for super-resolution: 4 pixels of border do not count."""

import numpy as np
from scipy.ndimage import correlate1d

BORDER = 4
WINDOW_SIGMA = 1.5
WINDOW_RADIUS = 5
IDENTICAL_DB = 100.0
"""What equal pictures score, and the most any do, so that means over a set stay finite."""


def luma(rgb8: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] to float64 [H, W] in 0…255, without rounding."""
    return rgb8.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def inner(rgb8: np.ndarray) -> np.ndarray:
    """Luma without the border. Throws ValueError where too little is left for SSIM's window."""
    least = 2 * (BORDER + WINDOW_RADIUS) + 1
    if min(rgb8.shape[:2]) < least:
        raise ValueError(f"expected sides of at least {least}, got {rgb8.shape[0]}×{rgb8.shape[1]}")
    return luma(rgb8)[BORDER:-BORDER, BORDER:-BORDER]


def psnr(rgb8: np.ndarray, reference: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 [H, W, 3]."""
    error = np.mean((inner(rgb8) - inner(reference)) ** 2)
    return IDENTICAL_DB if error == 0 else min(IDENTICAL_DB, float(10 * np.log10(255**2 / error)))


def ssim(rgb8: np.ndarray, reference: np.ndarray) -> float:
    """Structural similarity (Wang et al. 2004) of two uint8 [H, W, 3]: 11×11 Gaussian window, whole windows only."""
    x, y = inner(rgb8), inner(reference)
    mean_x, mean_y = window_mean(x), window_mean(y)
    var_x, var_y = window_mean(x * x) - mean_x**2, window_mean(y * y) - mean_y**2
    covariance = window_mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float(np.mean(similarity / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))))


def window_mean(x: np.ndarray) -> np.ndarray:
    """Gaussian-weighted mean of every whole 11×11 window of [H, W]: [H-10, W-10]."""
    axis = np.arange(-WINDOW_RADIUS, WINDOW_RADIUS + 1)
    weights = np.exp(-(axis**2) / (2 * WINDOW_SIGMA**2))
    weights /= weights.sum()
    mean = correlate1d(correlate1d(x, weights, axis=0), weights, axis=1)
    return mean[WINDOW_RADIUS:-WINDOW_RADIUS, WINDOW_RADIUS:-WINDOW_RADIUS]
