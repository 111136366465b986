"""What a frozen feature network is, and the distance of two pictures in its features."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn


class FeatureNetwork(nn.Module, ABC):
    """Feature maps of pictures. `weights`: one a map, for sums of Gram distances."""

    weights: ClassVar[tuple[float, ...]]

    @abstractmethod
    def maps(self, rgb01: Tensor) -> list[Tensor]:
        """Maps [B, C, h, w] of pictures [B, 3, H, W] in 0…1."""

    def train(self, mode: bool = True) -> "FeatureNetwork":
        """Stays in evaluation mode: it is frozen, whatever holds it."""
        return super().train(False)

    def forward(self, rgb01: Tensor) -> list[Tensor]:
        """The maps, each of unit length at every position, float32."""
        return [unit_length(x.float()) for x in self.maps(rgb01)]


def unit_length(x: Tensor) -> Tensor:
    """[B, C, h, w] with every position's channels as a vector of length 1."""
    return x / (x.square().sum(1, keepdim=True) + 1e-10).sqrt()


def feature_distance(a: list[Tensor], b: list[Tensor]) -> Tensor:
    """Squared difference of unit-length maps, summed over channels, averaged over positions, then over layers: 0 is equal."""
    return torch.stack([(x - y).square().sum(1).mean() for x, y in zip(a, b, strict=True)]).mean()


def shifted(rgb01: Tensor, shift: Tensor, jitter: int) -> Tensor:
    """The window of rgb01 [B, 3, H, W] at `shift` (top and left, 0…jitter): `jitter` pixels smaller each way.

    What a network that judges pushes towards has the periods of its strides. Drawn anew in each step, the shift keeps them from lying alike
    on the judged network's cells.
    """
    top, left = shift.tolist()
    return rgb01[..., top : rgb01.shape[-2] - jitter + top, left : rgb01.shape[-1] - jitter + left]
