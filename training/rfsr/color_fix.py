"""Gives a restored picture its input's colours again (after sd-webui-stablesr's two fixes, which all three families use)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def adain_color_fix(rgb01: Tensor, reference: Tensor) -> Tensor:
    """[1, 3, H, W] with the reference's mean and deviation (unbiased variance + 1e-5) per channel."""

    def moments(x: Tensor) -> tuple[Tensor, Tensor]:
        return x.mean(dim=(2, 3), keepdim=True), (x.var(dim=(2, 3), keepdim=True) + 1e-5).sqrt()

    (mean, std), (wanted_mean, wanted_std) = moments(rgb01), moments(reference)
    return (rgb01 - mean) / std * wanted_std + wanted_mean


def wavelet_color_fix(rgb01: Tensor, reference: Tensor) -> Tensor:
    """[1, 3, H, W]: its own details over the reference's level-5 à-trous low-pass."""
    return rgb01 - low_pass(rgb01) + low_pass(reference)


def low_pass(x: Tensor) -> Tensor:
    """Five [1 2 1]² / 16 passes with dilations 1, 2, 4, 8, 16, replicate padding."""
    row = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = torch.outer(row, row)[None, None].expand(3, 1, 3, 3)
    for dilation in (1, 2, 4, 8, 16):
        x = F.conv2d(F.pad(x, (dilation,) * 4, mode="replicate"), kernel, groups=3, dilation=dilation)
    return x


COLOR_FIXES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "wavelet": wavelet_color_fix,
    "adain": adain_color_fix,
    "none": lambda rgb01, _: rgb01,
}
