"""RRDBNet (Wang et al., arXiv 1809.00219), and the mini first stage made of the same blocks. Names are the published checkpoints'.

Real-ESRGAN x4plus (Wang et al., arXiv 2107.10833) enlarges by 4. The first stage restores a picture that was already enlarged, at constant
size: the picture is unshuffled by 4, so that blocks and tail work at the sizes they were trained at.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
RESIDUAL = 0.2
UNSHUFFLE = 4
"""Sides of the first stage's input are multiples of it; it is also what the tail enlarges by."""


@dataclass(frozen=True)
class RRDBConfig:
    """Widths. The defaults are Real-ESRGAN x4plus.

    `restores`: the input is a picture of the output's size, unshuffled, and a mask decides pixel by pixel how much of it passes as it is.
    """

    channels: int = 64
    growth: int = 32
    blocks: int = 23
    restores: bool = False


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees what came before."""

    def __init__(self, config: RRDBConfig) -> None:
        super().__init__()
        widths = [config.channels + index * config.growth for index in range(5)]
        outs = [config.growth] * 4 + [config.channels]
        self.mode = border_mode(config)
        for index, (width, out) in enumerate(zip(widths, outs, strict=True), start=1):
            setattr(self, f"conv{index}", nn.Conv2d(width, out, 3))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] to the same."""
        seen = [border(x, self.mode)]  # each map is bordered once, not again for every convolution that sees it
        for index in range(1, 5):
            new = F.leaky_relu(getattr(self, f"conv{index}")(torch.cat(seen, dim=1)), SLOPE)
            seen.append(border(new, self.mode))
        return x + RESIDUAL * self.conv5(torch.cat(seen, dim=1))


class RRDB(nn.Module):
    """Three dense blocks, added to the input."""

    def __init__(self, config: RRDBConfig) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (DenseBlock(config) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] to the same."""
        return x + RESIDUAL * self.rdb3(self.rdb2(self.rdb1(x)))


class RRDBNet(nn.Module):
    """Enlarges by 4, or restores at constant size."""

    def __init__(self, config: RRDBConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        self.mode = border_mode(config)
        self.conv_first = nn.Conv2d(3 * UNSHUFFLE**2 if config.restores else 3, channels, 3)
        self.body = nn.Sequential(*(RRDB(config) for _ in range(config.blocks)))
        self.conv_body = nn.Conv2d(channels, channels, 3)
        self.conv_up1, self.conv_up2, self.conv_hr = (nn.Conv2d(channels, channels, 3) for _ in range(3))
        self.conv_last = nn.Conv2d(channels, 3, 3)
        if config.restores:
            self.conv_mask = nn.Conv2d(channels, 1, 3)
            nn.init.zeros_(self.conv_mask.weight)
            nn.init.constant_(self.conv_mask.bias, -4.0)  # at first nothing passes

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of, pixels."""
        return UNSHUFFLE if self.config.restores else 1

    def forward(self, degraded: Tensor) -> Tensor:
        """degraded [B, 3, H, W] in 0…1 to [B, 3, 4H, 4W], or the restored picture [B, 3, H, W], nominally 0…1, not clamped."""
        seen = F.pixel_unshuffle(degraded, UNSHUFFLE) if self.config.restores else degraded
        shallow = self.conv_first(border(seen, self.mode))
        x = shallow + self.conv_body(border(self.body(shallow), self.mode))
        for conv in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(conv(border(F.interpolate(x, scale_factor=2, mode="nearest"), self.mode)), SLOPE)
        x = border(F.leaky_relu(self.conv_hr(border(x, self.mode)), SLOPE), self.mode)
        painted = self.conv_last(x)
        if not self.config.restores:
            return painted
        return painted + self.conv_mask(x).sigmoid() * (degraded - painted)


def border(x: Tensor, mode: str) -> Tensor:
    """One more row and column on every side: what a 3×3 convolution sees past the edge."""
    return F.pad(x, (1, 1, 1, 1), mode=mode)


def border_mode(config: RRDBConfig) -> str:
    """The published network was trained with zeros around pictures, which leaves a frame; the first stage sees their edge go on."""
    return "replicate" if config.restores else "constant"
