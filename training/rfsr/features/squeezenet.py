"""SqueezeNet 1.0 (Iandola et al., arXiv 1602.07360) as a frozen source of features and class logits."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rfsr.features.network import FeatureNetwork

SQUEEZENET = Path("squeezenet/squeezenet_v1.0_decoded_fp32.npz")
"""Its weights, in the folder of networks."""
CAFFE_MEAN_BGR = (104.0, 117.0, 123.0)
FEATURE_LAYERS = (3, 5, 9)
POOLED_AFTER = (4, 8)


class SqueezeNetFeatures(FeatureNetwork):
    """Weights from an npz with keys `<layer>.w`, `<layer>.b`, as Caffe trained them (input BGR 0…255 minus its means)."""

    weights = (1.0, 1.0, 1.0, 1.0)

    def __init__(self, path: Path) -> None:
        super().__init__()
        archive = np.load(path)
        for key in archive.files:
            self.register_buffer(key.replace(".", "_"), torch.from_numpy(archive[key]), persistent=False)
        self.register_buffer("mean", torch.tensor(CAFFE_MEAN_BGR)[:, None, None], persistent=False)

    def conv(self, x: Tensor, layer: str, *, stride: int = 1, padding: int = 0) -> Tensor:
        """A convolution of the network and its ReLU."""
        weight, bias = getattr(self, f"{layer}_w"), getattr(self, f"{layer}_b")
        return F.relu(F.conv2d(x, weight, bias, stride=stride, padding=padding))

    def maps(self, rgb01: Tensor) -> list[Tensor]:
        """Feature maps after the ReLUs of conv1, fire3, fire5 and fire9 of pictures [B, 3, H, W] in 0…1, H and W at least 48."""
        x = self.conv(rgb01.flip(1) * 255 - self.mean, "conv1", stride=2)
        found = [x]
        x = F.max_pool2d(x, 3, 2)
        for number in range(2, 10):
            fire = f"fire{number}_conv"
            squeezed = self.conv(x, f"{fire}1x1_1")
            x = torch.cat([self.conv(squeezed, f"{fire}1x1_2"), self.conv(squeezed, f"{fire}3x3_2", padding=1)], dim=1)
            if number in FEATURE_LAYERS:
                found.append(x)
            if number in POOLED_AFTER:
                x = F.max_pool2d(x, 3, 2)
        return found

    def classify(self, rgb01: Tensor) -> tuple[Tensor, Tensor]:
        """fire9's map [B, 512, h, w] and the 1000 class logits [B, 1000] of pictures [B, 3, H, W] in 0…1 (227 is its own side)."""
        last = self.maps(rgb01)[-1]
        # The network's own definition pads its 1×1 classifier by 1, so a rim of biases takes part in the mean.
        return last, self.conv(last, "conv_final", padding=1).mean(dim=(2, 3))
