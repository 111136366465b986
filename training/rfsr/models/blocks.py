"""UNet blocks of all three families, named as in the published checkpoints.

An attention location holds up to three complete `Transformer2DModel`s, in this order after a resnet: `attentions.i` reads the text,
`image_attentions.i` the tagger's image embeddings (SeeSR models/unet_2d_blocks.py; skips are stored after it), and in up blocks
`pixel_attentions.i` the ControlNet's residual of the skip that is joined there (PASD pasd/models/pasd/unet_2d_blocks.py).
"""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.resnet import Downsample2D, ResnetBlock2D, Upsample2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


@dataclass(frozen=True)
class UNetConfig:
    """Widths of a UNet and its ControlNet. The defaults are SeeSR at full size (SD 2 base).

    `control_channels`: what the ControlNet's first convolution sees, where that is more than the UNet's. `image_dim`: none without image
    attentions. `pixel_levels`: up blocks with pixel attentions, highest resolution first. `condition_channels`: none where the ControlNet
    is given no picture.
    """

    sample_channels: int = 4
    control_channels: int | None = None
    out_channels: int = 4
    block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    attention_levels: tuple[bool, ...] = (True, True, True, False)
    heads: tuple[int, ...] = (5, 10, 20, 20)
    layers_per_block: int = 2
    time_embed_dim: int = 1280
    timestep_scale: float = 1.0
    text_dim: int = 1024
    image_dim: int | None = 512
    pixel_levels: tuple[bool, ...] = ()
    linear_projection: bool = True
    norm_groups: int = 32
    condition_channels: tuple[int, ...] | None = (16, 32, 96, 256)


def resnet(config: UNetConfig, in_channels: int, out_channels: int) -> ResnetBlock2D:
    """A time-conditioned residual block."""
    return ResnetBlock2D(
        in_channels=in_channels,
        out_channels=out_channels,
        temb_channels=config.time_embed_dim,
        groups=config.norm_groups,
        eps=1e-5,
    )


def transformer(config: UNetConfig, channels: int, heads: int, context_dim: int) -> Transformer2DModel:
    """Self-attention, cross-attention to context_dim tokens and a GEGLU feed-forward."""
    return Transformer2DModel(
        num_attention_heads=heads,
        attention_head_dim=channels // heads,
        in_channels=channels,
        norm_num_groups=config.norm_groups,
        cross_attention_dim=context_dim,
        use_linear_projection=config.linear_projection,
    )


class AttentionBlock(nn.Module):
    """Resnets, each followed by the attentions its level has. Base of the three kinds of block."""

    def __init__(self, config: UNetConfig, resnets: list[ResnetBlock2D], channels: int, heads: int, attended: int) -> None:
        """`attended`: how many resnets are followed by text and image attentions, none or all but the middle block's last."""
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        if attended:
            self.attentions = nn.ModuleList(transformer(config, channels, heads, config.text_dim) for _ in range(attended))
            if config.image_dim is not None:
                self.image_attentions = nn.ModuleList(
                    transformer(config, channels, heads, config.image_dim) for _ in range(attended)
                )
        self.attended, self.sees_image = attended, config.image_dim is not None

    def attend(self, index: int, x: Tensor, text: Tensor, image: Tensor | None) -> Tensor:
        """x [B, C, h, w] through text [B, N, text_dim] and image [B, N, image_dim] attention number `index`, where there are such."""
        if index >= self.attended:
            return x
        x = self.attentions[index](x, encoder_hidden_states=text, return_dict=False)[0]
        if not self.sees_image:
            return x
        return self.image_attentions[index](x, encoder_hidden_states=image, return_dict=False)[0]


class DownBlock(AttentionBlock):
    """One level of the encoder: layers_per_block resnets, then a stride-2 convolution unless it is the last level."""

    def __init__(self, config: UNetConfig, level: int) -> None:
        channels = config.block_out_channels[level]
        before = config.block_out_channels[max(level - 1, 0)]
        layers = config.layers_per_block
        resnets = [resnet(config, before if i == 0 else channels, channels) for i in range(layers)]
        attended = layers if config.attention_levels[level] else 0
        super().__init__(config, resnets, channels, config.heads[level], attended)
        if level < len(config.block_out_channels) - 1:
            self.downsamplers = nn.ModuleList([Downsample2D(channels, use_conv=True, name="op")])
        else:
            self.downsamplers = nn.ModuleList()

    def forward(self, x: Tensor, time: Tensor, text: Tensor, image: Tensor | None) -> list[Tensor]:
        """x [B, C, h, w] to every skip of this level, the last of which goes on."""
        skips = []
        for index, block in enumerate(self.resnets):
            x = self.attend(index, block(x, time), text, image)
            skips.append(x)
        for downsampler in self.downsamplers:
            skips.append(downsampler(x if not skips else skips[-1]))
        return skips


class MidBlock(AttentionBlock):
    """Resnet, attentions, resnet at the lowest resolution."""

    def __init__(self, config: UNetConfig) -> None:
        channels = config.block_out_channels[-1]
        super().__init__(config, [resnet(config, channels, channels) for _ in range(2)], channels, config.heads[-1], 1)

    def forward(self, x: Tensor, time: Tensor, text: Tensor, image: Tensor | None) -> Tensor:
        """[B, C, h, w] to the same."""
        x = self.attend(0, self.resnets[0](x, time), text, image)
        return self.resnets[1](x, time)


class UpBlock(AttentionBlock):
    """One level of the decoder: layers_per_block + 1 resnets, each fed a skip, then nearest ×2 and a convolution."""

    def __init__(self, config: UNetConfig, level: int) -> None:
        """`level` counts as in the encoder: 0 is the highest resolution."""
        widths = config.block_out_channels
        channels, below, before = widths[level], widths[min(level + 1, len(widths) - 1)], widths[max(level - 1, 0)]
        layers = config.layers_per_block + 1
        skips = [channels] * (layers - 1) + [before]
        resnets = [resnet(config, (below if i == 0 else channels) + skip, channels) for i, skip in enumerate(skips)]
        attended = layers if config.attention_levels[level] else 0
        super().__init__(config, resnets, channels, config.heads[level], attended)
        self.sees_pixels = bool(config.pixel_levels) and config.pixel_levels[level]
        if self.sees_pixels:
            self.pixel_attentions = nn.ModuleList(transformer(config, channels, config.heads[level], skip) for skip in skips)
            for attention in self.pixel_attentions:
                # added to a trained network, they start without effect
                nn.init.zeros_(attention.proj_out.weight)
                nn.init.zeros_(attention.proj_out.bias)
        self.upsamplers = nn.ModuleList([Upsample2D(channels, use_conv=True)] if level > 0 else [])

    def forward(
        self,
        x: Tensor,
        skips: list[Tensor],
        residuals: list[Tensor],
        side: torch.Size,
        time: Tensor,
        text: Tensor,
        image: Tensor | None,
    ) -> Tensor:
        """x [B, C, h, w] to [B, C, *side] (h × w at level 0).

        `skips`: this level's, one a resnet, the last used first; `residuals`: what the ControlNet adds to each.
        """
        for index, (block, skip, residual) in enumerate(zip(self.resnets, reversed(skips), reversed(residuals), strict=True)):
            x = block(torch.cat([x, skip + residual], dim=1), time)
            x = self.attend(index, x, text, image)
            if self.sees_pixels:
                pixels = residual.flatten(2).transpose(1, 2)
                x = self.pixel_attentions[index](x, encoder_hidden_states=pixels, return_dict=False)[0]
        for upsampler in self.upsamplers:
            x = upsampler(x, output_size=side)
        return x


class Encoder(nn.Module):
    """What UNet and ControlNet share: time embedding, first convolution, down blocks and middle block."""

    checkpointing = False
    """Whether a pass with gradient keeps only the blocks' inputs and computes the rest again: less memory, more time."""

    def __init__(self, config: UNetConfig, *, sample_channels: int) -> None:
        super().__init__()
        self.config = config
        channels = config.block_out_channels[0]
        self.conv_in = nn.Conv2d(sample_channels, channels, 3, padding=1)
        self.time_proj = Timesteps(channels, flip_sin_to_cos=True, downscale_freq_shift=0, scale=config.timestep_scale)
        self.time_embedding = TimestepEmbedding(channels, config.time_embed_dim)
        self.down_blocks = nn.ModuleList(DownBlock(config, level) for level in range(len(config.block_out_channels)))
        self.mid_block = MidBlock(config)

    def embed_time(self, timestep: Tensor, dtype: torch.dtype) -> Tensor:
        """Timestep [B] to [B, time_embed_dim]."""
        return self.time_embedding(self.time_proj(timestep).to(dtype))

    def descend(self, x: Tensor, time: Tensor, text: Tensor, image: Tensor | None) -> tuple[list[Tensor], Tensor]:
        """x [B, C, h, w], just after the first convolution, to all skips (x first) and the middle block's output."""
        skips = [x]
        for block in self.down_blocks:
            skips += self.run_block(block, skips[-1], time, text, image)
        return skips, self.run_block(self.mid_block, skips[-1], time, text, image)

    def run_block(self, block: nn.Module, *inputs: Any) -> Any:
        """A block's output, checkpointed where that is asked for."""
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(block, *inputs, use_reentrant=False)
        return block(*inputs)
