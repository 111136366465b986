"""A family's denoiser: ControlNet and UNet as one predictor of the noise.

Small configurations add preconditioning around the same two networks: they see and predict the residual to the latent of the
condition instead of the latent itself (Karras et al., arXiv 2206.00364, section 5, with the condition's latent as the centre).
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor, nn

from rfsr.models.blocks import UNetConfig
from rfsr.models.unet import ControlledUNet, ControlNet
from rfsr.schedule import alphas_cumprod


@dataclass(frozen=True)
class DenoiserConfig:
    """The networks' widths, what the ControlNet is conditioned on, and whether a preconditioned residual is predicted.

    `condition`: a picture through a small encoder (SeeSR, PASD), or its latent beside the noisy one (DiffBIR).
    """

    unet: UNetConfig = field(default_factory=UNetConfig)
    condition: Literal["picture", "latent"] = "picture"
    residual_to_condition: bool = False


@dataclass(frozen=True)
class Narrowing:
    """How a published configuration is made narrower. `divisor`: of every width; `heads`: of a network whose levels differ in their number
    (SD 2), `equal_heads` of the others.
    """

    divisor: int
    heads: tuple[int, ...]
    equal_heads: int
    norm_groups: int
    layers_per_block: int = 2

    def of(self, full: DenoiserConfig) -> DenoiserConfig:
        """The same networks, narrower: names and kinds of tensors stay, for as many layers as there are."""
        unet = full.unet
        channels = tuple(width // self.divisor for width in unet.block_out_channels)
        condition = unet.condition_channels
        return replace(
            full,
            unet=replace(
                unet,
                block_out_channels=channels,
                heads=self.heads if len(set(unet.heads)) > 1 else (self.equal_heads,) * len(channels),
                layers_per_block=self.layers_per_block,
                time_embed_dim=unet.time_embed_dim // self.divisor,
                text_dim=unet.text_dim // self.divisor,
                image_dim=None if unet.image_dim is None else unet.image_dim // self.divisor,
                norm_groups=self.norm_groups,
                condition_channels=None if condition is None else tuple(max(1, width // self.divisor) for width in condition),
            ),
        )


SIXTEENTH = Narrowing(16, heads=(5, 10, 20, 20), equal_heads=4, norm_groups=4)
TOY = Narrowing(64, heads=(1, 2, 4, 4), equal_heads=5, norm_groups=5, layers_per_block=1)
"""For checks: the published networks a sixteenth as wide, and as narrow and shallow as they can be."""


class Denoiser(nn.Module):
    """ControlNet and UNet of one family."""

    alphas: Tensor
    residual_std: Tensor

    def __init__(self, config: DenoiserConfig, *, rgb_heads: bool = False) -> None:
        """`rgb_heads`: see `ControlNet`."""
        super().__init__()
        self.config = config
        self.unet = ControlledUNet(config.unet)
        self.controlnet = ControlNet(config.unet, rgb_heads=rgb_heads)
        if config.residual_to_condition:
            self.register_buffer("alphas", alphas_cumprod(), persistent=False)
            self.register_buffer("residual_std", torch.ones(config.unet.out_channels))

    @property
    def reads(self) -> tuple[str, ...]:
        """The inputs of `forward` beside sample, timestep and context that this denoiser needs, in their order."""
        needed = {
            "condition_embedding": self.config.condition == "picture",
            "image_embeds": self.config.unet.image_dim is not None,
            "condition_latent": self.config.residual_to_condition or self.config.condition == "latent",
        }
        return tuple(name for name, read in needed.items() if read)

    def conditions(self, *, picture: Tensor, image_embeds: Tensor | None, condition_latent: Tensor) -> dict[str, Tensor]:
        """The inputs named by `reads`: the same at every step, so made once a picture.

        picture: the condition [B, 3, 8h, 8w] in 0…1. image_embeds: the tagger's [B, N, D], where they are read. condition_latent: the picture's scaled mean latent.
        """
        known = {"image_embeds": image_embeds, "condition_latent": condition_latent}
        if "condition_embedding" in self.reads:
            known["condition_embedding"] = self.embed_condition(picture)
        found = {name: known[name] for name in self.reads}
        return {name: value for name, value in found.items() if value is not None}

    def embed_condition(self, condition: Tensor) -> Tensor:
        """The condition [B, 3, 8h, 8w] in 0…1 as [B, C0, h, w]."""
        return self.controlnet.controlnet_cond_embedding(condition)

    def networks(
        self,
        sample: Tensor,
        timestep: Tensor,
        context: Tensor,
        *,
        condition_embedding: Tensor | None = None,
        image_embeds: Tensor | None = None,
        condition_latent: Tensor | None = None,
    ) -> Tensor:
        """The networks' raw output [B, C, h, w] for inputs shaped as in `forward`: eps, or F of a residual denoiser."""
        seen = control = sample
        if self.config.residual_to_condition:
            assert condition_latent is not None
            seen = control = torch.cat([sample, condition_latent], dim=1)
        elif self.config.condition == "latent":
            assert condition_latent is not None
            control = torch.cat([sample, condition_latent], dim=1)
        residuals = self.controlnet(control, timestep, context, image_embeds, condition_embedding=condition_embedding)
        return self.unet(seen, timestep, context, image_embeds, residuals=residuals)

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor,
        context: Tensor,
        condition_embedding: Tensor | None = None,
        image_embeds: Tensor | None = None,
        condition_latent: Tensor | None = None,
    ) -> Tensor:
        """The predicted noise eps [B, C, h, w], float32 when preconditioned.

        sample [B, C, h, w]: x_t, scaled. timestep [B] float. context [B, N, text_dim]. The rest as `conditions` gives it.
        Throws ValueError for an input that is read and was not given.
        """
        given = {"condition_embedding": condition_embedding, "image_embeds": image_embeds, "condition_latent": condition_latent}
        if missing := [name for name in self.reads if given[name] is None]:
            raise ValueError(f"expected {', '.join(missing)}, which this denoiser reads")
        if not self.config.residual_to_condition:
            return self.networks(sample, timestep, context, **given)
        assert condition_latent is not None
        scaled, skip_gain, out_gain = self.precondition(sample, timestep, condition_latent)
        raw = self.networks(scaled, timestep, context, **given)
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
