"""What full-reference averages hide: a pattern with the period of a latent cell, missing or invented detail, noise taken for sharpness."""

import numpy as np
from scipy.ndimage import uniform_filter

from rfsr.metrics.pixels import luma

CELL = 8
"""Pixels of a latent cell's side."""
CELL_CLIP = 12.0
"""Levels beyond which a pixel is an edge of the picture, not of a pattern."""
LEAST_CELLS = 4
GRADIENT_CONSTANT = 26.0
"""Keeps the similarity of gradients below a few levels, which nobody sees, near 1."""


def cell_pattern(rgb8: np.ndarray) -> float:
    """How far the 64 phases of an 8×8 grid differ over a whole picture uint8 [H, W, 3], levels: 0 is no pattern, photographs have about 0.2.

    The deviation of the phases' means of the high-passed luma (luma minus its mean over 8×8, clipped), without 8 pixels at every border.
    Throws ValueError for a picture of fewer than 4×4 cells within.
    """
    height, width = (side // CELL - 2 for side in rgb8.shape[:2])
    if min(height, width) < LEAST_CELLS:
        least = (LEAST_CELLS + 2) * CELL
        raise ValueError(f"expected sides of at least {least}, got {rgb8.shape[0]}×{rgb8.shape[1]}")
    y = luma(rgb8)
    high = np.clip(y - uniform_filter(y, CELL), -CELL_CLIP, CELL_CLIP)
    cells = high[CELL : CELL * (height + 1), CELL : CELL * (width + 1)].reshape(height, CELL, width, CELL)
    return float(cells.mean(axis=(0, 2)).std())


def high_band_energy(rgb8: np.ndarray, reference: np.ndarray) -> float:
    """Energy of the three one-level Haar detail bands of luma over the reference's, both uint8 [H, W, 3]: below 1 detail is missing, above 1 it is
    noise or ringing. Throws ValueError for a reference that has none.
    """
    wanted = detail_energy(reference)
    if wanted == 0:
        raise ValueError("expected a reference with detail, got a flat one")
    return detail_energy(rgb8) / wanted


def detail_energy(rgb8: np.ndarray) -> float:
    """Sum of the mean squares of the orthonormal Haar details of luma; an odd last row or column does not count."""
    y = luma(rgb8)
    y = y[: y.shape[0] // 2 * 2, : y.shape[1] // 2 * 2]
    a, b, c, d = y[::2, ::2], y[::2, 1::2], y[1::2, ::2], y[1::2, 1::2]
    return float(sum(np.mean((band / 2) ** 2) for band in (a - b + c - d, a + b - c - d, a - b - c + d)))


def gradient_similarity(rgb8: np.ndarray, reference: np.ndarray) -> float:
    """Sharpness without noise, 0…1 of two uint8 [H, W, 3]: similarity of the gradient magnitudes of luma (as in Xue et al., arXiv 1308.3052, there
    with Prewitt's filter and a deviation for the mean). Blur lacks gradients, noise has them where the reference has none: both lower it.
    """
    a, b = gradient_magnitude(rgb8), gradient_magnitude(reference)
    return float(np.mean((2 * a * b + GRADIENT_CONSTANT) / (a**2 + b**2 + GRADIENT_CONSTANT)))


def gradient_magnitude(rgb8: np.ndarray) -> np.ndarray:
    """Of luma by central differences, [H-2, W-2], levels a pixel. Throws ValueError for a side below 3."""
    if min(rgb8.shape[:2]) < 3:
        raise ValueError(f"expected sides of at least 3, got {rgb8.shape[0]}×{rgb8.shape[1]}")
    y = luma(rgb8)
    return np.hypot(y[1:-1, 2:] - y[1:-1, :-2], y[2:, 1:-1] - y[:-2, 1:-1]) / 2


def seed_spread(results: list[np.ndarray], reference: np.ndarray) -> float:
    """Deviation of luma over results of several seeds over their error, root mean squares, all uint8 [H, W, 3].

    0: noise is ignored, and the model answers with one mean picture; towards 1, of many seeds: their errors have nothing in common. Throws ValueError for one result alone, and where all equal the reference.
    """
    if len(results) < 2:
        raise ValueError(f"expected results of at least two seeds, got {len(results)}")
    lumas = np.stack([luma(rgb8) for rgb8 in results])
    error = np.mean((lumas - luma(reference)) ** 2)
    if error == 0:
        raise ValueError("expected results that differ from the reference, got none")
    return float(np.sqrt(np.mean(lumas.var(axis=0)) / error))
