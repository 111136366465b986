"""VGG19's convolutions (Simonyan & Zisserman, arXiv 1409.1556): the features RFSR takes its Gram matrices of."""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from rfsr.features.network import FeatureNetwork

WIDTHS = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512, 512, 512, 512, "pool", 512, 512, 512, 512)
OUTPUTS = {2: 0.1, 4: 0.1, 8: 1.0, 12: 1.0, 16: 1.0}
"""After which convolution, counted from 1, features are taken (conv1_2, 2_2, 3_4, 4_4, 5_4, before their ReLU), and their weights."""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class VGG19Features(FeatureNetwork):
    """Feature maps of pictures; parameters are named as torchvision names them (`features.0.weight`, …)."""

    weights = tuple(OUTPUTS.values())

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in WIDTHS:
            if isinstance(width, str):
                layers.append(nn.MaxPool2d(2))
                continue
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)

    @staticmethod
    def load(path: Path) -> "VGG19Features":
        """From a safetensors or .pth file of torchvision's VGG19; its classifier is left out."""
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
        network = VGG19Features()
        network.load_state_dict({key: value for key, value in state.items() if key.startswith("features.")})
        return network.eval().requires_grad_(False)

    def maps(self, rgb01: Tensor) -> list[Tensor]:
        """The five maps of [B, 3, H, W] in 0…1, sides at least 32."""
        x, found, count = (rgb01 - self.mean) / self.std, [], 0
        for layer in self.features:
            if isinstance(layer, nn.ReLU):
                x = F.relu(x)  # not in place: what was found stays as it was
                continue
            x = layer(x)
            count += isinstance(layer, nn.Conv2d)
            if isinstance(layer, nn.Conv2d) and count in OUTPUTS:
                found.append(x)
        return found
