"""The small convolutional network behind the mini rewards."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2


class Critic(nn.Module):
    """Pictures of any size to one number each: strided convolutions, then mean and deviation of every channel over positions.

    No normalisation: how strong a detail is, is what it judges.
    """

    def __init__(self, channels: tuple[int, ...] = (32, 64, 96, 128)) -> None:
        super().__init__()
        first, *others = channels
        layers = [nn.Conv2d(3, first, 5, stride=2, padding=2)]
        before = first
        for index, width in enumerate(others):
            layers.append(nn.Conv2d(before, width, 3, stride=2 if index < len(others) - 1 else 1, padding=1))
            before = width
        self.convs = nn.ModuleList(layers)
        self.head = nn.Sequential(nn.Linear(2 * before, 64), nn.LeakyReLU(LEAK), nn.Linear(64, 1))

    def forward(self, rgb01: Tensor) -> Tensor:
        """[B, 3, H, W] in 0…1, sides at least 16, to [B]."""
        x = rgb01 * 2 - 1
        for conv in self.convs:
            x = F.leaky_relu(conv(x), LEAK)
        x = x.float()
        pooled = torch.cat([x.mean(dim=(2, 3)), x.std(dim=(2, 3))], dim=1)
        return self.head(pooled)[:, 0].float()
