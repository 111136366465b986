"""Random stand-ins for the weight files that metrics read: right in shape, of no use for measuring."""

from pathlib import Path

import numpy as np

from rfsr.features.squeezenet import SQUEEZENET
from rfsr.metrics.registry import NIQE_PRISTINE

SQUEEZE_WIDTHS = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48, 8: 64, 9: 64}
"""Of SqueezeNet 1.0 (table 1 of the paper); both expansions are four times as wide."""


def write_networks(folder: Path) -> Path:
    """Writes both files under `folder`, and returns it."""
    rng = np.random.default_rng(0)
    shapes = {"conv1": (96, 3, 7, 7), "conv_final": (1000, 512, 1, 1)}
    channels = 96
    for number, width in SQUEEZE_WIDTHS.items():
        shapes[f"fire{number}_conv1x1_1"] = (width, channels, 1, 1)
        shapes[f"fire{number}_conv1x1_2"] = (4 * width, width, 1, 1)
        shapes[f"fire{number}_conv3x3_2"] = (4 * width, width, 3, 3)
        channels = 8 * width
    arrays = {}
    for name, shape in shapes.items():
        arrays[f"{name}.w"] = rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)
        arrays[f"{name}.b"] = rng.normal(0, 0.1, shape[0]).astype(np.float32)
    spread = rng.normal(0, 0.1, (36, 36))
    axis = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    pristine = {
        "mu_pris_param": rng.uniform(0.5, 2.5, (1, 36)),
        "cov_pris_param": spread @ spread.T + 0.05 * np.eye(36),
        "gaussian_window": np.outer(axis, axis) / axis.sum() ** 2,
    }
    for path, contents in ((SQUEEZENET, arrays), (NIQE_PRISTINE, pristine)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        np.savez(folder / path, **contents)
    return folder
