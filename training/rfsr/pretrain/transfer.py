"""Stages named like a family: its denoiser learns from the prior family's, on its own sampling.

Autoencoder, text encoder and tagger stay as they are, so that bundles of all families share their graphs.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from rfsr.checkpoint import load_prior
from rfsr.data import PackedCrops
from rfsr.families import FAMILIES
from rfsr.features.squeezenet import SqueezeNetFeatures
from rfsr.pretrain.denoiser import DenoiserStageConfig
from rfsr.pretrain.latents import FrozenParts, LatentCrops
from rfsr.pretrain.trajectory import TrajectoryConfig, TrajectoryStage

NEW_PARTS = ("pixel_attentions", "to_rgbs")
"""What the prior's denoiser has no weights for."""


@dataclass(frozen=True)
class TransferConfig(TrajectoryConfig):
    """`rgb`: weight of PASD's loss of its degradation-free small pictures."""

    rgb: float = 1.0


class TransferStage(TrajectoryStage):
    """On-trajectory training of a denoiser of another family."""

    def __init__(
        self,
        config: TransferConfig,
        base: DenoiserStageConfig,
        crops: PackedCrops,
        latents: LatentCrops,
        parts: FrozenParts,
        features: SqueezeNetFeatures,
    ) -> None:
        self.name = base.family
        self.rgb_heads = FAMILIES[base.family].rgb_heads
        super().__init__(config, base, crops, latents, parts, features)
        self.rgb_weight = config.rgb
        self.text_encoder.requires_grad_(False)

    def start_from(self, state: dict[str, Tensor]) -> None:
        """Copies what a run's denoiser has in common with this one, and its text encoder. Throws KeyError where that is too little."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}

        load_prior(self.denoiser, part("denoiser."), new=NEW_PARTS)
        self.text_encoder.load_state_dict(part("text_encoder."))
        self.measure_residual()

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """See `Stage.forward`."""
        losses = super().forward(batch, seed, progress01)
        if self.rgb_heads:
            losses["rgb"] = self.rgb_loss(batch)
            losses["loss"] = losses["loss"] + self.rgb_weight * losses["rgb"]
        return losses

    def rgb_loss(self, batch: dict[str, Tensor]) -> Tensor:
        """L1 between the ControlNet's small pictures and the clean one at their sizes (PASD, section 3.1)."""
        clean = batch["clean"]
        found = self.denoiser.controlnet.controlnet_cond_embedding.rgbs(batch["degraded"])
        wanted = [F.interpolate(clean, size=x.shape[2:], mode="bicubic", antialias=True, align_corners=False) for x in found]
        losses = [(ours.float() - truth).abs().mean() for ours, truth in zip(found, wanted, strict=True)]
        return sum(losses[1:], losses[0])
