"""A denoiser that computes in half precision, but for what its range or its digits are too few for."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KEPT_SINGLE = (nn.GroupNorm, nn.LayerNorm)
"""Modules that compute in single precision; so do softmax (`rfsr.export.attention`) and the timestep's sinusoids (`Encoder.embed_time`)."""


class SingleGroupNorm(nn.GroupNorm):
    """Sums over a whole map in single precision, whatever it is given."""

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, …] to the same, of its dtype."""
        return super().forward(input.float()).to(input.dtype)


class SingleLayerNorm(nn.LayerNorm):
    """The same over the last dimension."""

    def forward(self, input: Tensor) -> Tensor:
        """[…, C] to the same, of its dtype."""
        return F.layer_norm(input.float(), self.normalized_shape, self.weight, self.bias, self.eps).to(input.dtype)


def compute_half(network: nn.Module) -> None:
    """Lets a network compute in half precision, in place."""
    network.half()
    for module in network.modules():
        if isinstance(module, KEPT_SINGLE):
            module.float()
            module.__class__ = SingleGroupNorm if isinstance(module, nn.GroupNorm) else SingleLayerNorm


def compute_single(network: nn.Module) -> None:
    """The way back; weights that were rounded to half precision before are what they were."""
    network.to(torch.float32)
    for module in network.modules():
        if isinstance(module, SingleGroupNorm | SingleLayerNorm):
            module.__class__ = nn.GroupNorm if isinstance(module, SingleGroupNorm) else nn.LayerNorm
