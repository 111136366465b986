"""Random stand-ins for the weight files that metrics read: right in shape, of no use for measuring."""

from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import save_file

from rfsr.features.squeezenet import SQUEEZENET
from rfsr.metrics.efficientnet import EFFICIENTNET
from rfsr.metrics.registry import NIQE_PRISTINE
from rfsr.models.rrdb import RRDBConfig, RRDBNet
from rfsr.teach import TEACHER

SQUEEZE_WIDTHS = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48, 8: 64, 9: 64}
"""Of SqueezeNet 1.0 (table 1 of the paper); both expansions are four times as wide."""


def write_networks(folder: Path) -> Path:
    """Writes all files under `folder`, and returns it."""
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
    torch.manual_seed(0)
    (folder / EFFICIENTNET).parent.mkdir(exist_ok=True)
    torch.save(EfficientNet.from_name("efficientnet-lite0").state_dict(), folder / EFFICIENTNET)
    return folder


def save_real_esrgan(folder: Path) -> RRDBNet:
    """Writes Real-ESRGAN's file under `folder`, in half precision as it is kept, and gives the network that was written."""
    torch.manual_seed(0)
    network = RRDBNet(RRDBConfig())
    halves = {key: value.half() for key, value in network.state_dict().items()}
    network.load_state_dict({key: value.float() for key, value in halves.items()})
    (folder / TEACHER).parent.mkdir(parents=True)
    save_file(halves, folder / TEACHER)
    return network
