"""First stages. Full size is DiffBIR's: SwinIR on pictures unshuffled by 8 (Liang et al., arXiv 2108.10257; settings of DiffBIR v1). Mini is
`rfsr.models.rrdb`, of which every mini has one.

Names are the published checkpoint's; its index and mask buffers are computed here instead, so that any size can be run.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rfsr.models.rrdb import RRDBConfig, RRDBNet

UNSHUFFLE = 8
RGB_MEAN = (0.4488, 0.4371, 0.4040)
MASKED = -100.0
"""Added to the scores of positions a shifted window must not join."""


@dataclass(frozen=True)
class SwinIRConfig:
    """Widths. The defaults are DiffBIR's full size."""

    channels: int = 180
    depths: tuple[int, ...] = (6,) * 8
    heads: int = 6
    window: int = 8
    mlp_ratio: int = 2
    pixel_channels: int = 64


RestorerConfig = SwinIRConfig | RRDBConfig
CONFIGS: dict[str, RestorerConfig] = {
    "full": SwinIRConfig(),
    # narrower ones of the same make, for checks
    "sixteenth": SwinIRConfig(channels=12, pixel_channels=4),
    "toy": SwinIRConfig(channels=6, depths=(2, 2), heads=2, pixel_channels=2),
    "mini": RRDBConfig(blocks=5, restores=True),
    # a few thousand parameters: for tests, never trained
    "nano": RRDBConfig(channels=8, growth=4, blocks=1, restores=True),
    "nano-swin": SwinIRConfig(channels=8, depths=(2,), heads=2, pixel_channels=4),
}


class PatchEmbed(nn.Module):
    """A layer norm over the cells of a map, under the name the checkpoint has it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] to [B, h, w, C]."""
        return self.norm(x.permute(0, 2, 3, 1))


class WindowAttention(nn.Module):
    """Self-attention within windows, with a learnt bias a relative position."""

    relative_position_index: Tensor

    def __init__(self, config: SwinIRConfig) -> None:
        super().__init__()
        self.heads, self.window = config.heads, config.window
        side = 2 * config.window - 1
        self.relative_position_bias_table = nn.Parameter(torch.zeros(side * side, config.heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        rows, columns = torch.meshgrid(torch.arange(config.window), torch.arange(config.window), indexing="ij")
        cells = torch.stack([rows.flatten(), columns.flatten()])
        apart = cells[:, :, None] - cells[:, None] + config.window - 1
        self.register_buffer("relative_position_index", apart[0] * side + apart[1], persistent=False)
        self.qkv = nn.Linear(config.channels, 3 * config.channels)
        self.proj = nn.Linear(config.channels, config.channels)

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """windows [B, K, N, C], mask [K, N, N] or none, to [B, K, N, C]."""
        batch, count, tokens, channels = windows.shape
        split = self.qkv(windows).reshape(batch, count, tokens, 3, self.heads, channels // self.heads)
        q, k, v = split.permute(3, 0, 1, 4, 2, 5)
        scores = (q * (channels // self.heads) ** -0.5) @ k.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.relative_position_index.flatten()]
        scores = scores + bias.reshape(tokens, tokens, self.heads).permute(2, 0, 1)
        if mask is not None:
            scores = scores + mask[:, None]
        mixed = scores.softmax(dim=-1) @ v
        return self.proj(mixed.transpose(2, 3).reshape(batch, count, tokens, channels))


class Mlp(nn.Module):
    """Two linear layers with GELU between."""

    def __init__(self, config: SwinIRConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.channels, config.mlp_ratio * config.channels)
        self.fc2 = nn.Linear(config.mlp_ratio * config.channels, config.channels)

    def forward(self, x: Tensor) -> Tensor:
        """[…, C] to the same."""
        return self.fc2(F.gelu(self.fc1(x)))


class SwinLayer(nn.Module):
    """Window attention and MLP, each after a norm and added to its input; every other layer's windows are shifted by half."""

    def __init__(self, config: SwinIRConfig, *, shifted: bool) -> None:
        super().__init__()
        self.window, self.shift = config.window, config.window // 2 if shifted else 0
        self.norm1, self.attn = nn.LayerNorm(config.channels), WindowAttention(config)
        self.norm2, self.mlp = nn.LayerNorm(config.channels), Mlp(config)

    def forward(self, x: Tensor) -> Tensor:
        """[B, h, w, C], h and w multiples of the window, to the same."""
        shift = self.shift
        _, height, width, _ = x.shape
        moved = torch.roll(self.norm1(x), (-shift, -shift), dims=(1, 2)) if shift else self.norm1(x)
        mask = shift_mask(height, width, self.window, shift, moved) if shift else None
        mixed = from_windows(self.attn(to_windows(moved, self.window), mask), height, width, self.window)
        x = x + (torch.roll(mixed, (shift, shift), dims=(1, 2)) if shift else mixed)
        return x + self.mlp(self.norm2(x))


def to_windows(x: Tensor, window: int) -> Tensor:
    """[B, h, w, C] to [B, K, window², C], windows in row-major order."""
    batch, height, width, channels = x.shape
    cells = x.reshape(batch, height // window, window, width // window, window, channels)
    return cells.transpose(2, 3).reshape(batch, -1, window * window, channels)


def from_windows(windows: Tensor, height: int, width: int, window: int) -> Tensor:
    """The inverse of `to_windows`."""
    batch, _, _, channels = windows.shape
    cells = windows.reshape(batch, height // window, width // window, window, window, channels)
    return cells.transpose(2, 3).reshape(batch, height, width, channels)


def shift_mask(height: int, width: int, window: int, shift: int, like: Tensor) -> Tensor:
    """[K, window², window²] of `like`'s dtype: MASKED between cells that only the roll made neighbours, else 0."""

    def parts(side: int) -> Tensor:
        index = torch.arange(side, device=like.device)
        return (index >= side - window).to(like.dtype) + (index >= side - shift).to(like.dtype)

    regions = 3 * parts(height)[:, None] + parts(width)[None]
    flat = to_windows(regions[None, :, :, None], window)[0, :, :, 0]
    return MASKED * (flat[:, None] != flat[:, :, None]).to(like.dtype)


class ResidualGroup(nn.Module):
    """Swin layers one after another."""

    def __init__(self, config: SwinIRConfig, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(SwinLayer(config, shifted=index % 2 == 1) for index in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """[B, h, w, C] to the same."""
        for block in self.blocks:
            x = block(x)
        return x


class ResidualSwinBlock(nn.Module):
    """A group of layers and a convolution, added to the input ("RSTB")."""

    def __init__(self, config: SwinIRConfig, depth: int) -> None:
        super().__init__()
        self.residual_group = ResidualGroup(config, depth)
        self.conv = nn.Conv2d(config.channels, config.channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, h, w, C] to the same."""
        return x + self.conv(self.residual_group(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class SwinIR(nn.Module):
    """Removes degradation at constant size."""

    rgb_mean: Tensor

    def __init__(self, config: SwinIRConfig) -> None:
        super().__init__()
        self.config = config
        channels, pixels = config.channels, config.pixel_channels
        self.register_buffer("rgb_mean", torch.tensor(RGB_MEAN)[:, None, None], persistent=False)
        self.conv_first = nn.Sequential(nn.PixelUnshuffle(UNSHUFFLE), nn.Conv2d(3 * UNSHUFFLE**2, channels, 3, padding=1))
        self.patch_embed = PatchEmbed(channels)
        self.layers = nn.ModuleList(ResidualSwinBlock(config, depth) for depth in config.depths)
        self.norm = nn.LayerNorm(channels)
        self.conv_after_body = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_before_upsample = nn.Sequential(nn.Conv2d(channels, pixels, 3, padding=1), nn.LeakyReLU())
        self.conv_up1, self.conv_up2, self.conv_up3 = (nn.Conv2d(pixels, pixels, 3, padding=1) for _ in range(3))
        self.conv_hr = nn.Conv2d(pixels, pixels, 3, padding=1)
        self.conv_last = nn.Conv2d(pixels, 3, 3, padding=1)

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of, pixels."""
        return UNSHUFFLE * self.config.window

    def forward(self, degraded: Tensor) -> Tensor:
        """degraded [B, 3, H, W] in 0…1, sides multiples of `multiple`, to the restored picture of the same shape, not clamped."""
        centred = degraded - self.rgb_mean
        shallow = self.conv_first(centred)
        x = self.patch_embed(shallow)
        for layer in self.layers:
            x = layer(x)
        x = shallow + self.conv_after_body(self.norm(x).permute(0, 3, 1, 2))
        x = self.conv_before_upsample(x)
        for conv in (self.conv_up1, self.conv_up2, self.conv_up3):
            x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2)) + self.rgb_mean


Restorer = SwinIR | RRDBNet


def open_restorer(config: RestorerConfig) -> Restorer:
    """A fresh first stage."""
    return SwinIR(config) if isinstance(config, SwinIRConfig) else RRDBNet(config)
