"""The mini tagger, in DAPE's role: a small network that looks at the degraded picture and answers what it shows.

It learns from a frozen classifier that sees the clean picture: its spatial features become the image embeddings, its class
probabilities, gathered into everyday words, the tags (degradation-aware prompt extraction, SeeSR arXiv 2311.16518, section 3.2).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rfsr.models.vae import LEAK, ConvBlock

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class TaggerConfig:
    """Input side in pixels (a multiple of 16), widths at 1/4, 1/8 and 1/16 of it, embedding width, and number of tags."""

    side: int = 192
    channels: tuple[int, int, int] = (32, 48, 80)
    embed_dim: int = 64
    tags: int = 1


class MiniTagger(nn.Module):
    """Picture to image embeddings and tag logits."""

    def __init__(self, config: TaggerConfig) -> None:
        super().__init__()
        self.config = config
        c4, c8, c16 = config.channels
        self.features = nn.Sequential(
            nn.Conv2d(3, c4, 4, stride=4),
            ConvBlock(c4),
            nn.Conv2d(c4, c8, 3, stride=2, padding=1),
            ConvBlock(c8),
            nn.Conv2d(c8, c16, 3, stride=2, padding=1),
            ConvBlock(c16),
            ConvBlock(c16),
            nn.LeakyReLU(LEAK),
        )
        self.image_proj = nn.Linear(c16, config.embed_dim)
        self.norm = nn.LayerNorm(config.embed_dim)
        self.tagging_head = nn.Linear(c16, config.tags)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [B, 3, side, side], ImageNet-normalised, to embeddings [B, 1 + N, embed_dim] and tag logits [B, tags].

        Token 0 is the mean over the N = (side/16)² spatial tokens, which follow row by row, as in DAPE.
        """
        features = self.features(image).flatten(2).transpose(1, 2)
        pooled = features.mean(dim=1, keepdim=True)
        tokens = torch.cat([pooled, features], dim=1)
        return self.norm(self.image_proj(tokens)), self.tagging_head(pooled[:, 0])


def normalise_image(rgb01: Tensor, *, side: int) -> Tensor:
    """rgb01 [B, 3, H, W] to [B, 3, side, side], bilinear with antialias, aspect ratio not preserved, ImageNet mean and deviation."""
    resized = F.interpolate(rgb01, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    mean = torch.tensor(IMAGE_MEAN, device=rgb01.device)[:, None, None]
    std = torch.tensor(IMAGE_STD, device=rgb01.device)[:, None, None]
    return (resized.clamp(0, 1) - mean) / std
