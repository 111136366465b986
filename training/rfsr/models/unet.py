"""The UNet and the ControlNet of all three families; what a family has is in its `UNetConfig`."""

from collections.abc import Sequence

import torch.nn.functional as F
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from torch import Tensor, nn

from rfsr.models.blocks import Encoder, UNetConfig, UpBlock


class ControlledUNet(Encoder):
    """Text-conditioned UNet that takes a ControlNet's residuals. At full size its state dict equals the published one."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config, sample_channels=config.sample_channels)
        channels = config.block_out_channels[0]
        self.up_blocks = nn.ModuleList(UpBlock(config, level) for level in reversed(range(len(config.block_out_channels))))
        self.conv_norm_out = nn.GroupNorm(config.norm_groups, channels, eps=1e-5)
        self.conv_act = nn.SiLU()
        self.conv_out = nn.Conv2d(channels, config.out_channels, 3, padding=1)

    def forward(
        self, sample: Tensor, timestep: Tensor, text: Tensor, image: Tensor | None, *, residuals: Sequence[Tensor]
    ) -> Tensor:
        """sample [B, C, h, w], timestep [B], text [B, N, text_dim], image [B, N, image_dim] to [B, out_channels, h, w].

        `residuals`: the ControlNet's, one a skip and one for the middle block; each is added where it belongs.
        """
        time = self.embed_time(timestep, sample.dtype)
        skips, x = self.descend(self.conv_in(sample), time, text, image)
        *added, middle = residuals
        x = x + middle
        for block in self.up_blocks:
            count = len(block.resnets)
            own, skips = skips[-count:], skips[:-count]
            mine, added = added[-count:], added[:-count]
            side = (skips[-1] if skips else x).shape[2:]
            x = self.run_block(block, x, own, mine, side, time, text, image)
        return self.conv_out(self.conv_act(self.conv_norm_out(x)))


class ControlNet(Encoder):
    """Copy of the UNet's encoder that also sees the condition, with zero convolutions on every output."""

    def __init__(self, config: UNetConfig, *, rgb_heads: bool = False) -> None:
        """`rgb_heads`: with PASD's heads, which only training needs."""
        super().__init__(config, sample_channels=config.control_channels or config.sample_channels)
        widths = config.block_out_channels
        if config.condition_channels is not None:
            self.controlnet_cond_embedding = ConditionEmbedding(widths[0], config.condition_channels, rgb_heads=rgb_heads)
        skips = [widths[0]]
        for level, channels in enumerate(widths):
            skips += [channels] * (config.layers_per_block + (level < len(widths) - 1))
        self.controlnet_down_blocks = nn.ModuleList(zero_conv(channels) for channels in skips)
        self.controlnet_mid_block = zero_conv(widths[-1])

    def forward(
        self, sample: Tensor, timestep: Tensor, text: Tensor, image: Tensor | None, *, condition_embedding: Tensor | None
    ) -> list[Tensor]:
        """Inputs as the UNet's and `controlnet_cond_embedding` of the condition, where there is one, to the residuals of every skip
        and the middle block."""
        time = self.embed_time(timestep, sample.dtype)
        x = self.conv_in(sample)
        if condition_embedding is not None:
            x = x + condition_embedding
        skips, x = self.descend(x, time, text, image)
        residuals = [conv(skip) for conv, skip in zip(self.controlnet_down_blocks, skips, strict=True)]
        return [*residuals, self.controlnet_mid_block(x)]


class ConditionEmbedding(ControlNetConditioningEmbedding):
    """A picture to the ControlNet's first map; in PASD's training also to smaller pictures, which should be free of degradation."""

    def __init__(self, channels: int, widths: tuple[int, ...], *, rgb_heads: bool) -> None:
        super().__init__(channels, block_out_channels=widths)
        if rgb_heads:
            self.to_rgbs = nn.ModuleList(nn.Conv2d(width, 3, 3, padding=1) for width in widths[1:])

    def rgbs(self, condition: Tensor) -> list[Tensor]:
        """condition [B, 3, H, W] in 0…1 to a picture [B, 3, H/2, W/2] and the same at quarter and eighth size."""
        x, found = F.silu(self.conv_in(condition)), []
        for index, block in enumerate(self.blocks):
            x = F.silu(block(x))
            # every second convolution halves the side
            if index % 2 == 1:
                found.append(self.to_rgbs[index // 2](x))
        return found


def zero_conv(channels: int) -> nn.Conv2d:
    """A 1×1 convolution that starts at zero."""
    conv = nn.Conv2d(channels, channels, 1)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)
    return conv
