"""Sizes of the published networks that all families share: as published (`full`), and narrower ones of the same make, for checks.

The denoisers' sizes of the same names are in their families' `configs`, the first stage's in `rfsr.models.restorer`.
"""

from dataclasses import dataclass

from rfsr.models.tagger import DapeConfig
from rfsr.models.text import TextConfig
from rfsr.models.vae import StockConfig

LATENT_SCALE = 0.18215
"""Of Stable Diffusion's latents: diffusers' default, which the published configuration files do not repeat."""


@dataclass(frozen=True)
class PublishedSize:
    """`text`: by the base model, Stable Diffusion 2 (OpenCLIP ViT-H without its last layer) or 1.5 (CLIP ViT-L/14)."""

    vae: StockConfig
    text: dict[str, TextConfig]
    tagger: DapeConfig


SIZES = {
    "full": PublishedSize(
        vae=StockConfig(),
        text={
            "sd2": TextConfig(49408, width=1024, layers=23, heads=16, mlp_ratio=4),
            "sd1": TextConfig(49408, width=768, layers=12, heads=12, mlp_ratio=4, activation="quick_gelu"),
        },
        tagger=DapeConfig(),
    ),
    "sixteenth": PublishedSize(
        vae=StockConfig(block_out_channels=(8, 16, 32, 32), norm_groups=4),
        text={
            "sd2": TextConfig(49408, width=64, layers=23, heads=16, mlp_ratio=4),
            "sd1": TextConfig(49408, width=48, layers=12, heads=12, mlp_ratio=4, activation="quick_gelu"),
        },
        tagger=DapeConfig(swin_dim=12, embed_dim=32, query_dim=48),
    ),
    "toy": PublishedSize(
        vae=StockConfig(block_out_channels=(2, 4, 8, 8), layers_per_block=1, norm_groups=2),
        text={
            "sd2": TextConfig(600, width=16, mlp_ratio=4),
            "sd1": TextConfig(600, width=12, mlp_ratio=4, activation="quick_gelu"),
        },
        tagger=DapeConfig(
            side=96,
            swin_dim=8,
            depths=(2, 2, 2, 2),
            heads=(1, 2, 4, 8),
            window=3,
            embed_dim=8,
            tags=17,
            query_dim=8,
            query_heads=2,
        ),
    ),
}
