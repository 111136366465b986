"""Autoencoders with one interface: `encode` gives posterior moments, `decode` a picture.

Full size is diffusers' stock `AutoencoderKL` (SD's KL-f8). Mini is a lean f8 convolutional autoencoder whose encoder and decoder
each add a learned correction to a linear patch-PCA map, without normalisation layers: its output does not depend on how a
picture is cut into tiles.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn

FACTOR = 8
LOG_STD_RANGE = (-15.0, 5.0)
LEAK = 0.2
"""Slope of the leaky ReLUs: beside a linear skip that is right from the start, plain ones die within minutes (training/LOG.md)."""


class Autoencoder(Protocol):
    """What pipelines and training ask of an autoencoder. Latents here are unscaled."""

    widths: "LeanConfig | StockConfig"

    def encode_moments(self, rgb_pm1: Tensor) -> tuple[Tensor, Tensor]:
        """Picture [B, 3, 8h, 8w] in -1…1 to posterior mean and standard deviation, each [B, C, h, w]."""
        ...

    def decode_latent(self, latent: Tensor) -> Tensor:
        """Latent [B, C, h, w] to picture [B, 3, 8h, 8w], nominally -1…1, not clamped."""
        ...


@dataclass(frozen=True)
class StockConfig:
    """Widths of the stock autoencoder. The defaults are Stable Diffusion's KL-f8: 83.65 M parameters."""

    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    layers_per_block: int = 2
    latent_channels: int = 4
    norm_groups: int = 32


class StockAutoencoder(AutoencoderKL):
    """diffusers' AutoencoderKL (state-dict keys unchanged) behind the `Autoencoder` interface."""

    def __init__(self, widths: StockConfig) -> None:
        levels = len(widths.block_out_channels)
        super().__init__(
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=widths.block_out_channels,
            layers_per_block=widths.layers_per_block,
            latent_channels=widths.latent_channels,
            norm_num_groups=widths.norm_groups,
        )
        self.widths = widths

    def encode_moments(self, rgb_pm1: Tensor) -> tuple[Tensor, Tensor]:
        """See `Autoencoder.encode_moments`."""
        mean, log_variance = self.quant_conv(self.encoder(rgb_pm1)).chunk(2, dim=1)
        # as diffusers' posterior clamps it
        return mean, (0.5 * log_variance.clamp(-30.0, 20.0)).exp()

    def decode_latent(self, latent: Tensor) -> Tensor:
        """See `Autoencoder.decode_latent`."""
        return self.decoder(self.post_quant_conv(latent))


@dataclass(frozen=True)
class LeanConfig:
    """Widths of the lean autoencoder at 1/4 and 1/8 (encoder), 1/8, 1/4, 1/2 and all (decoder) of the picture's side."""

    latent_channels: int = 16
    encoder_channels: tuple[int, int] = (48, 96)
    decoder_channels: tuple[int, int, int] = (112, 56, 32)
    decoder_blocks: tuple[int, int, int] = (2, 2, 1)
    pixel_channels: int = 16


def conv3(inputs: int, outputs: int, *, stride: int = 1) -> nn.Conv2d:
    """A 3×3 convolution that sees the edge go on past itself: zeros there would leave a frame."""
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, padding_mode="replicate")


class ConvBlock(nn.Module):
    """Residual pair of 3×3 convolutions. The second starts at zero, so that a fresh network equals its linear skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3(channels, channels)
        self.conv2 = conv3(channels, channels)
        nn.init.normal_(self.conv2.weight, std=1e-3)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] to the same."""
        return x + self.conv2(F.leaky_relu(self.conv1(F.leaky_relu(x, LEAK)), LEAK))


class LeanAutoencoder(nn.Module):
    """The mini autoencoder: patch-PCA skip plus convolutional correction, f8."""

    def __init__(self, widths: LeanConfig | None = None) -> None:
        super().__init__()
        self.widths = widths or LeanConfig()
        latent = self.widths.latent_channels
        e4, e8 = self.widths.encoder_channels
        d8, d4, d2 = self.widths.decoder_channels
        n8, n4, n2 = self.widths.decoder_blocks
        pixels = self.widths.pixel_channels
        self.pca_in = nn.Conv2d(3 * FACTOR**2, latent, 1)
        self.pca_out = nn.Conv2d(latent, 3 * FACTOR**2, 1)
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            conv3(48, e4),
            ConvBlock(e4),
            conv3(e4, e8, stride=2),
            ConvBlock(e8),
            ConvBlock(e8),
            nn.LeakyReLU(LEAK),
            conv3(e8, 2 * latent),
        )
        self.decoder = nn.Sequential(
            conv3(latent, d8),
            *(ConvBlock(d8) for _ in range(n8)),
            conv3(d8, 4 * d4),
            nn.PixelShuffle(2),
            *(ConvBlock(d4) for _ in range(n4)),
            conv3(d4, 4 * d2),
            nn.PixelShuffle(2),
            *(ConvBlock(d2) for _ in range(n2)),
            nn.LeakyReLU(LEAK),
            conv3(d2, 4 * pixels),
            nn.PixelShuffle(2),
            ConvBlock(pixels),
            conv3(pixels, 3),
        )
        for sequence in (self.encoder, self.decoder):
            last = [m for m in sequence if isinstance(m, nn.Conv2d)][-1]
            nn.init.normal_(last.weight, std=1e-3)
            nn.init.zeros_(last.bias)
        with torch.no_grad():  # a fresh posterior is narrow: std = exp(-3)
            [m for m in self.encoder if isinstance(m, nn.Conv2d)][-1].bias[latent:] = -3.0

    @torch.no_grad()
    def fit_pca(self, rgb_pm1: Tensor) -> None:
        """Sets the linear skips to the first principal components of the 8×8×3 patches of rgb_pm1 [B, 3, H, W]."""
        patches = F.pixel_unshuffle(rgb_pm1.double(), FACTOR).permute(0, 2, 3, 1).reshape(-1, 3 * FACTOR**2)
        mean = patches.mean(0)
        _, vectors = torch.linalg.eigh((patches - mean).T @ (patches - mean))
        basis = vectors.flip(1)[:, : self.widths.latent_channels].T
        self.pca_in.weight.copy_(basis[:, :, None, None].float())
        self.pca_in.bias.copy_(-(basis @ mean).float())
        self.pca_out.weight.copy_(basis.T[:, :, None, None].float())
        self.pca_out.bias.copy_(mean.float())

    def encode_moments(self, rgb_pm1: Tensor) -> tuple[Tensor, Tensor]:
        """See `Autoencoder.encode_moments`."""
        correction, log_std = self.encoder(rgb_pm1).chunk(2, dim=1)
        mean = self.pca_in(F.pixel_unshuffle(rgb_pm1, FACTOR)) + correction
        return mean, log_std.clamp(*LOG_STD_RANGE).exp()

    def decode_latent(self, latent: Tensor) -> Tensor:
        """See `Autoencoder.decode_latent`."""
        return self.decode_linear(latent) + self.decoder(latent)

    def decode_linear(self, latent: Tensor) -> Tensor:
        """The PCA skip alone, nearly free: the preview decoder. Shapes as `decode_latent`."""
        return F.pixel_shuffle(self.pca_out(latent), FACTOR)


def open_autoencoder(widths: LeanConfig | StockConfig) -> LeanAutoencoder | StockAutoencoder:
    """A fresh autoencoder."""
    return StockAutoencoder(widths) if isinstance(widths, StockConfig) else LeanAutoencoder(widths)
