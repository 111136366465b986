"""The losses of reward feedback learning for super-resolution (RFSR, arXiv 2412.03268, section 3)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rfsr.dwt import haar


def low_band_loss(rgb01: Tensor, truth01: Tensor) -> Tensor:
    """L_dwt: mean absolute difference of the LL bands of two [B, 3, H, W]."""
    return (haar(rgb01).ll - haar(truth01).ll).abs().mean()


def gram(features: Tensor) -> Tensor:
    """[B, C, h, w] to [B, C, C]: products of channels over positions, of maps normalised to mean 0 and deviation 1, divided by C·h·w.

    In float32 whatever the input: differences of Gram matrices vanish in half precision.
    """
    with torch.autocast(features.device.type, enabled=False):
        flat = features.float().flatten(2)
        flat = (flat - flat.mean(dim=(1, 2), keepdim=True)) / (flat.std(dim=(1, 2), keepdim=True) + 1e-6)
        return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def gram_distance(ours: Sequence[Tensor], theirs: Sequence[Tensor], weights: Sequence[float] | None = None) -> Tensor:
    """L_gram-kl: squared Frobenius distance of the Gram matrices of two lists of maps, summed over (weighted) layers, mean over B.

    With `theirs` from the pretrained super-resolver on the same latent this holds the style where rewards would drift it
    ("stylization").
    """
    weights = [1.0] * len(ours) if weights is None else weights
    distances = [(gram(a) - gram(b)).square().sum(dim=(1, 2)).mean() for a, b in zip(ours, theirs, strict=True)]
    return torch.stack([weight * distance for weight, distance in zip(weights, distances, strict=True)]).sum()
