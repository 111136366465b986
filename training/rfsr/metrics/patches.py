"""Sliced Wasserstein distance of Laplacian patches (Karras et al., arXiv 1710.10196, section 5): whether the textures are of the same kind.

Of two pictures rather than of two sets of them, and so: luma alone, the three finest levels, patches from the same places of both, and a
level's patches divided by the reference's deviation in place of each set's own, which would hide that one has less texture.
"""

import numpy as np
from scipy.ndimage import correlate1d

from rfsr.metrics.pixels import luma

PATCH = 7
LEVELS = 3
PATCHES = 2048
PROJECTIONS = 256
LEAST_SIDE = 64
PYRAMID = np.array([1, 4, 6, 4, 1]) / 16
NEGLIGIBLE = 0.5
"""Levels added to the deviation, so that what rounding makes of a flat picture is no texture."""


def sliced_wasserstein(rgb8: np.ndarray, reference: np.ndarray) -> float:
    """Of two uint8 [H, W, 3]: 0 for equal pictures; a mean over levels, in deviations of the reference. Throws ValueError for sides below 64."""
    if min(rgb8.shape[:2]) < LEAST_SIDE:
        raise ValueError(f"expected sides of at least {LEAST_SIDE}, got {rgb8.shape[0]}×{rgb8.shape[1]}")
    rng = np.random.default_rng(0)
    distances = []
    for ours, theirs in zip(laplacian(luma(rgb8)), laplacian(luma(reference)), strict=True):
        rows, columns = (rng.integers(side - PATCH + 1, size=PATCHES) for side in ours.shape)
        directions = rng.normal(size=(PATCH**2, PROJECTIONS))
        directions /= np.linalg.norm(directions, axis=0)
        a, b = (np.sort(patches(level, rows, columns) @ directions, axis=0) for level in (ours, theirs))
        distances.append(np.abs(a - b).mean() / (theirs.std() + NEGLIGIBLE))
    return float(np.mean(distances))


def patches(level: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The 7×7 patches whose upper left corners are given, [N, 49]."""
    windows = np.lib.stride_tricks.sliding_window_view(level, (PATCH, PATCH))
    return windows[rows, columns].reshape(len(rows), PATCH**2)


def laplacian(grey: np.ndarray) -> list[np.ndarray]:
    """The finest levels of a Laplacian pyramid (Burt and Adelson 1983) of [H, W], finest first."""
    found = []
    for _ in range(LEVELS):
        smaller = smoothed(grey)[::2, ::2]
        # Enlarged by zeros between the pixels, which the filter spreads: four times its weight.
        spread = np.zeros_like(grey)
        spread[::2, ::2] = 4 * smaller
        found.append(grey - smoothed(spread))
        grey = smaller
    return found


def smoothed(grey: np.ndarray) -> np.ndarray:
    """[H, W] filtered with the binomial of five taps, mirrored at borders."""
    return correlate1d(correlate1d(grey, PYRAMID, axis=0, mode="mirror"), PYRAMID, axis=1, mode="mirror")
