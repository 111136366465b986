"""`ed`: the distance of two pictures in the features of EfficientNet-Lite0 (Tan and Le, arXiv 1905.11946).

Kept for judging. It takes finished 8-bit pictures, through which no gradient passes, and no loss, discriminator, reward or choice of a
checkpoint may read it: what a network was trained on says little about how good its pictures are.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rfsr.features.network import feature_distance, unit_length

EFFICIENTNET = Path("efficientnet_lite0/efficientnet-lite0-57934424.pth")
"""Its weights, in the folder of networks."""
PACKAGE = "efficientnet-lite-pytorch"
"""What has the network's definition."""
LEAST_SIDE = 32


def open_efficientnet_distance(path: Path) -> Callable[[np.ndarray, np.ndarray], float]:
    """The measure of two uint8 [H, W, 3], which throws ValueError for sides below 32. Throws ImportError without the package."""
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(path, weights_only=True))
    network.eval().requires_grad_(False)

    @torch.no_grad()
    def measure(rgb8: np.ndarray, reference: np.ndarray) -> float:
        if min(rgb8.shape[:2]) < LEAST_SIDE:
            raise ValueError(f"expected sides of at least {LEAST_SIDE}, got {rgb8.shape[0]}×{rgb8.shape[1]}")
        ours, theirs = ([unit_length(x) for x in maps(network, normalised(picture))] for picture in (rgb8, reference))
        return feature_distance(ours, theirs).item()

    return measure


def normalised(rgb8: np.ndarray) -> Tensor:
    """uint8 [H, W, 3] to [1, 3, H, W], about −1…1, as the network was trained on."""
    return (torch.from_numpy(np.array(rgb8)).permute(2, 0, 1)[None].float() - 127) / 128


def maps(network: nn.Module, rgb: Tensor) -> list[Tensor]:
    """The stem's output and what enters each block that halves the size, of normalised [B, 3, H, W]: sides 1/2, 1/2, 1/4, 1/8, 1/16."""
    x = network._swish(network._bn0(network._conv_stem(rgb)))
    found = [x]
    for block in network._blocks:
        if block._depthwise_conv.stride[0] == 2:
            found.append(x)
        x = block(x)
    return found
