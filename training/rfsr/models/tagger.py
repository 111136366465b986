"""The taggers: networks that look at the degraded picture and answer what it shows, as image embeddings and tag logits.

Full: DAPE (SeeSR arXiv 2311.16518, section 3.2), a Recognize Anything model (arXiv 2306.03514) whose LoRA is merged.
Mini: a small network that learns the same way, from a frozen classifier that sees the clean picture: its spatial features become
the image embeddings, its class probabilities, gathered into everyday words, the tags.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import SwinConfig, SwinModel

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

    @property
    def tokens(self) -> int:
        """Image embeddings of a picture: their mean and one every 16 pixels a side."""
        return (self.side // 16) ** 2 + 1


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


@dataclass(frozen=True)
class DapeConfig:
    """The published sizes: Swin-L at 384 pixels, 4585 tags whose queries read 512 wide image embeddings in two layers."""

    side: int = 384
    patch: int = 4
    swin_dim: int = 192
    depths: tuple[int, ...] = (2, 2, 18, 2)
    heads: tuple[int, ...] = (6, 12, 24, 48)
    window: int = 12
    embed_dim: int = 512
    tags: int = 4585
    query_dim: int = 768
    query_heads: int = 4
    query_layers: int = 2

    @property
    def tokens(self) -> int:
        """Image embeddings of a picture: their mean and one a cell of the last stage."""
        return (self.side // (self.patch * 2 ** (len(self.depths) - 1))) ** 2 + 1


class TagQueryLayer(nn.Module):
    """A BERT layer without self-attention: the tag queries read the image embeddings, then a feed-forward; normalised after each."""

    def __init__(self, config: DapeConfig) -> None:
        super().__init__()
        width = config.query_dim
        self.heads = config.query_heads
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.key, self.value = nn.Linear(config.embed_dim, width), nn.Linear(config.embed_dim, width)
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.feed_forward_norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, queries: Tensor, image_embeds: Tensor) -> Tensor:
        """queries [B, tags, query_dim] and image_embeds [B, 1 + N, embed_dim] to queries of the same shape."""
        q, k, v = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(queries), self.key(image_embeds), self.value(image_embeds))
        )
        read = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        queries = self.attention_norm(queries + self.out(read))
        return self.feed_forward_norm(queries + self.feed_forward(queries))


class DapeTagger(nn.Module):
    """DAPE at its published size; same call as `MiniTagger`."""

    def __init__(self, config: DapeConfig) -> None:
        super().__init__()
        self.config = config
        swin = SwinConfig(
            image_size=config.side, patch_size=config.patch, embed_dim=config.swin_dim, depths=list(config.depths),
            num_heads=list(config.heads), window_size=config.window,
        )  # fmt: skip
        # decomposed attention, as in the text encoder
        swin._attn_implementation = "eager"
        self.visual_encoder = SwinModel(swin, add_pooling_layer=False)
        self.image_proj = nn.Linear(swin.hidden_size, config.embed_dim)
        self.label_embed = nn.Parameter(torch.zeros(config.tags, config.embed_dim))
        self.wordvec_proj = nn.Linear(config.embed_dim, config.query_dim)
        self.tagging_head = nn.ModuleList(TagQueryLayer(config) for _ in range(config.query_layers))
        self.fc = nn.Linear(config.query_dim, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [B, 3, side, side], ImageNet-normalised, to embeddings [B, 1 + N, embed_dim] and tag logits [B, tags].

        Token 0 is the mean over the N = (side/32)² spatial tokens, which follow row by row.
        """
        features = self.visual_encoder(image).last_hidden_state
        embeds = self.image_proj(torch.cat([features.mean(dim=1, keepdim=True), features], dim=1))
        queries = F.relu(self.wordvec_proj(self.label_embed)).expand(len(image), -1, -1)
        for layer in self.tagging_head:
            queries = layer(queries, embeds)
        return embeds, self.fc(queries).squeeze(-1)


Tagger = MiniTagger | DapeTagger


def open_tagger(config: TaggerConfig | DapeConfig) -> Tagger:
    """A fresh tagger."""
    return DapeTagger(config) if isinstance(config, DapeConfig) else MiniTagger(config)


def tags_said(logits: Tensor, tags: list[str], thresholds: Tensor) -> list[list[str]]:
    """Of logits [B, T], the tags of each picture whose probability passes its threshold [T], in list order."""
    said = logits.float().sigmoid().cpu() > thresholds
    return [[tags[i] for i in row.nonzero()[:, 0].tolist()] for row in said]


def normalise_image(rgb01: Tensor, *, side: int) -> Tensor:
    """rgb01 [B, 3, H, W] to [B, 3, side, side], bilinear with antialias, aspect ratio not preserved, ImageNet mean and deviation."""
    resized = F.interpolate(rgb01, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    mean = torch.tensor(IMAGE_MEAN, device=rgb01.device)[:, None, None]
    std = torch.tensor(IMAGE_STD, device=rgb01.device)[:, None, None]
    return (resized.clamp(0, 1) - mean) / std
