"""One level of the orthonormal Haar transform of pictures, differentiable; equal to PyWavelets' "haar", mode "symmetric"."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor


class HaarBands(NamedTuple):
    """Bands [B, C, ⌈H/2⌉, ⌈W/2⌉]: `ll` has twice a picture's values, the others are differences of rows, of columns, of both."""

    ll: Tensor
    lh: Tensor
    hl: Tensor
    hh: Tensor


def haar(x: Tensor) -> HaarBands:
    """Bands of [B, C, H, W]; an odd side is extended by its last row or column."""
    x = F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2), mode="replicate")
    a, b = x[..., ::2, ::2], x[..., ::2, 1::2]
    c, d = x[..., 1::2, ::2], x[..., 1::2, 1::2]
    return HaarBands((a + b + c + d) / 2, (a + b - c - d) / 2, (a - b + c - d) / 2, (a - b - c + d) / 2)
