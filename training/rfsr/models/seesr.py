"""SeeSR's UNet and ControlNet, and the denoiser that joins them (Wu et al., arXiv 2311.16518; systems as published).

The mini configuration adds preconditioning around the same two networks: they see and predict the residual to the latent of the
upscaled input instead of the latent itself (Karras et al., arXiv 2206.00364, section 5, with the input's latent as the centre).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from torch import Tensor, nn

from rfsr.models.blocks import Encoder, UNetConfig, UpBlock
from rfsr.schedule import alphas_cumprod


class SeeSRUNet(Encoder):
    """Text- and image-conditioned UNet. At full size its state dict equals the published one, key by key."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config)
        channels = config.block_out_channels[0]
        self.up_blocks = nn.ModuleList(UpBlock(config, level) for level in reversed(range(len(config.block_out_channels))))
        self.conv_norm_out = nn.GroupNorm(config.norm_groups, channels, eps=1e-5)
        self.conv_act = nn.SiLU()
        self.conv_out = nn.Conv2d(channels, config.out_channels, 3, padding=1)

    def forward(self, sample: Tensor, timestep: Tensor, text: Tensor, image: Tensor, *, residuals: Sequence[Tensor]) -> Tensor:
        """sample [B, C, h, w], timestep [B], text [B, N, text_dim], image [B, N, image_dim] to [B, out_channels, h, w].

        `residuals`: the ControlNet's, one a skip and one for the middle block; each is added where it belongs.
        """
        time = self.embed_time(timestep, sample.dtype)
        skips, x = self.descend(self.conv_in(sample), time, text, image)
        skips = [skip + residual for skip, residual in zip(skips, residuals[:-1], strict=True)]
        x = x + residuals[-1]
        for block in self.up_blocks:
            count = len(block.resnets)
            own, skips = skips[-count:], skips[:-count]
            side = (skips[-1] if skips else x).shape[2:]
            x = self.run_block(block, x, own, side, time, text, image)
        return self.conv_out(self.conv_act(self.conv_norm_out(x)))


class SeeSRControlNet(Encoder):
    """Copy of the UNet's encoder that also sees the upscaled input, with zero convolutions on every output."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config)
        widths = config.block_out_channels
        self.controlnet_cond_embedding = ControlNetConditioningEmbedding(
            widths[0], block_out_channels=config.condition_channels
        )
        skips = [widths[0]]
        for level, channels in enumerate(widths):
            skips += [channels] * (config.layers_per_block + (level < len(widths) - 1))
        self.controlnet_down_blocks = nn.ModuleList(zero_conv(channels) for channels in skips)
        self.controlnet_mid_block = zero_conv(widths[-1])

    def forward(
        self, sample: Tensor, timestep: Tensor, text: Tensor, image: Tensor, *, condition_embedding: Tensor
    ) -> list[Tensor]:
        """Inputs as the UNet's and `controlnet_cond_embedding` of the condition to the residuals of every skip and the middle block."""
        time = self.embed_time(timestep, sample.dtype)
        x = self.conv_in(sample) + condition_embedding
        skips, x = self.descend(x, time, text, image)
        residuals = [conv(skip) for conv, skip in zip(self.controlnet_down_blocks, skips, strict=True)]
        return [*residuals, self.controlnet_mid_block(x)]


def zero_conv(channels: int) -> nn.Conv2d:
    """A 1×1 convolution that starts at zero."""
    conv = nn.Conv2d(channels, channels, 1)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)
    return conv


@dataclass(frozen=True)
class SeeSRConfig:
    """A denoiser: its networks, and whether they predict a preconditioned residual to the input's latent."""

    unet: UNetConfig = field(default_factory=UNetConfig)
    residual_to_condition: bool = False


FULL = SeeSRConfig()
MINI = SeeSRConfig(
    unet=UNetConfig(
        sample_channels=32,
        out_channels=16,
        block_out_channels=(64, 64, 56),
        attention_levels=(False, False, True),
        heads=(2, 2, 2),
        layers_per_block=1,
        time_embed_dim=128,
        timestep_scale=0.03,  # keeps the sinusoids' arguments below 30: GPU sines err at large ones
        text_dim=64,
        image_dim=64,
        norm_groups=8,
        condition_channels=(8, 8, 16, 32),
    ),
    residual_to_condition=True,
)
# A few thousand parameters: for tests, never trained.
NANO = replace(
    MINI,
    unet=replace(
        MINI.unet,
        block_out_channels=(16, 16),
        attention_levels=(False, True),
        heads=(2, 2),
        time_embed_dim=32,
        text_dim=16,
        image_dim=16,
        norm_groups=4,
        condition_channels=(4, 4, 8, 8),
    ),
)
CONFIGS = {"full": FULL, "mini": MINI, "nano": NANO}


class SeeSRDenoiser(nn.Module):
    """ControlNet and UNet as one predictor of the noise."""

    alphas: Tensor
    residual_std: Tensor

    def __init__(self, config: SeeSRConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = SeeSRUNet(config.unet)
        self.controlnet = SeeSRControlNet(config.unet)
        if config.residual_to_condition:
            self.register_buffer("alphas", alphas_cumprod(), persistent=False)
            self.register_buffer("residual_std", torch.ones(config.unet.out_channels))

    def embed_condition(self, condition: Tensor) -> Tensor:
        """The upscaled input [B, 3, 8h, 8w] in 0…1 as [B, C0, h, w]: the same at every step, so made once a picture."""
        return self.controlnet.controlnet_cond_embedding(condition)

    def predict(self, sample: Tensor, timestep: Tensor, text: Tensor, image: Tensor, condition_embedding: Tensor) -> Tensor:
        """The networks' raw output for inputs shaped as in `forward`."""
        residuals = self.controlnet(sample, timestep, text, image, condition_embedding=condition_embedding)
        return self.unet(sample, timestep, text, image, residuals=residuals)

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor,
        context: Tensor,
        condition_embedding: Tensor,
        image_embeds: Tensor,
        condition_latent: Tensor | None = None,
    ) -> Tensor:
        """The predicted noise eps [B, C, h, w], float32 when preconditioned.

        sample [B, C, h, w]: x_t, scaled. timestep [B] float. context [B, N, text_dim]. condition_embedding
        [B, C0, h, w]: `embed_condition` of the upscaled input. image_embeds [B, N, image_dim]. condition_latent [B, C, h, w]: the scaled mean latent of the upscaled
        input, required exactly when the configuration predicts residuals.
        """
        if not self.config.residual_to_condition:
            return self.predict(sample, timestep, context, image_embeds, condition_embedding)
        if condition_latent is None:
            raise ValueError("expected condition_latent, which a residual denoiser needs")
        scaled, skip_gain, out_gain = self.precondition(sample, timestep, condition_latent)
        inputs = torch.cat([scaled, condition_latent], dim=1)
        raw = self.predict(inputs, timestep, context, image_embeds, condition_embedding)
        return skip_gain * scaled + out_gain * raw.float()

    def precondition(self, sample: Tensor, timestep: Tensor, condition_latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Unit-variance residual r/sqrt(q), and the gains of eps = skip · r/sqrt(q) + out · F, each broadcastable to [B, C, h, w].

        r = x_t - sqrt(abar) z, q = abar sigma² + 1 - abar: eps = sqrt(1-abar)/q · r - sqrt(abar) sigma/sqrt(q) · F.
        """
        abar = self.alphas[timestep.long()][:, None, None, None]
        sigma = self.residual_std[None, :, None, None]
        q_sqrt = (abar * sigma**2 + 1 - abar).sqrt()
        residual = (sample - abar.sqrt() * condition_latent) / q_sqrt
        return residual, (1 - abar).sqrt() / q_sqrt, -(abar.sqrt() * sigma / q_sqrt)

    def target(self, sample: Tensor, timestep: Tensor, condition_latent: Tensor, eps: Tensor) -> Tensor:
        """The value of F [B, C, h, w] for which `forward` returns eps: the unit-variance regression target."""
        scaled, skip_gain, out_gain = self.precondition(sample, timestep, condition_latent)
        return (eps - skip_gain * scaled) / out_gain
