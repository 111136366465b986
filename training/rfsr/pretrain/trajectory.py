"""Stage `trajectory`: the denoiser learns on the states its own sampling visits.

Reward feedback learning's rollout with a full-reference reward: the step with gradient is compared with the truth by feature
distance and L1. The autoencoder stays as it is.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfsr.data import PackedCrops
from rfsr.features.network import feature_distance, shifted
from rfsr.features.squeezenet import SqueezeNetFeatures
from rfsr.pretrain.denoiser import DenoiserStageConfig
from rfsr.pretrain.latents import FrozenParts, LatentCrops
from rfsr.rollout import Plan, RolloutConfig, RolloutStage, plan_of


@dataclass(frozen=True)
class TrajectoryConfig(RolloutConfig):
    """Rollout lengths and loss weights (on RGB in 0…1).

    A rollout has `steps[0]`…`steps[1]` steps, drawn log-uniformly. Fewer than 4 cannot be learnt: at SeeSR's spacing their first
    timestep is far below the 999 at which the start latent is noised.
    The step with gradient is its last with probability `last`, else any of its steps.
    `tile`: weight of what the prediction's error has in common over all cells. `denoise`: weight of the denoiser stage's own loss, which keeps prompts and all timesteps alive.
    `jitter`: pictures are compared in a window shifted by up to this many pixels. Latent cells and the feature network's strides
    would otherwise always fall together, and the denoiser would learn a grain of that period which the network cannot see.
    """

    steps: tuple[int, int] = (4, 20)
    last: float = 0.5
    l1: float = 10.0
    feature: float = 1.0
    tile: float = 0.0
    denoise: float = 0.1
    jitter: int = 8


class TrajectoryStage(RolloutStage):
    """On-trajectory training of a pre-trained denoiser."""

    name = "trajectory"

    def __init__(
        self,
        config: TrajectoryConfig,
        base: DenoiserStageConfig,
        crops: PackedCrops,
        latents: LatentCrops,
        parts: FrozenParts,
        features: SqueezeNetFeatures,
    ) -> None:
        super().__init__(config, base, crops, latents, parts)
        self.trajectory = config
        self.started_from: dict[str, Any] | None = None
        self.features = features.requires_grad_(False)

    def plan(self, rng: np.random.Generator) -> Plan:
        """See `TrajectoryConfig`."""
        low, high = self.trajectory.steps
        steps = int(np.exp(rng.uniform(np.log(low), np.log(high + 1))))
        stop = steps - 1 if rng.random() < self.trajectory.last else int(rng.integers(steps))
        return Plan(steps, stop, self.draw_guidance(rng))

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """As every rollout, with the shift at which pictures are compared."""
        shift = torch.from_numpy(rng.integers(self.trajectory.jitter + 1, size=2))
        return {**super().draw(rng, count, progress01), "shift": shift}

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """See `Stage.forward`."""
        config, plan = self.trajectory, plan_of(batch)
        generator = torch.Generator(batch["target"].device).manual_seed(seed)
        clean = shifted(batch["clean"], batch["shift"], config.jitter)
        with torch.no_grad():
            wanted = self.features(clean)
        latent = self.last_step(self.denoiser, batch, self.visit(batch, plan, generator), plan)
        losses = self.picture_loss(shifted(self.picture_of(batch, latent), batch["shift"], config.jitter), clean, wanted)
        # of the latent itself: a tile that is the same in every picture is what a feature network can be fooled with
        losses["tile"] = (latent - batch["target"]).float().mean(dim=(0, 2, 3)).abs().mean()
        loss = config.l1 * losses["l1"] + config.feature * losses["feature"] + config.tile * losses["tile"]
        if config.denoise > 0:
            losses["denoise"] = super().forward(half_of(batch), seed + 1, progress01)["loss"]
            loss = loss + config.denoise * losses["denoise"]
        return {"loss": loss, **losses}

    def picture_loss(self, decoded: Tensor, clean: Tensor, wanted: list[Tensor]) -> dict[str, Tensor]:
        """L1 and feature distance of decoded to clean, both [B, 3, H, W] in 0…1; `wanted`: the features of clean."""
        return {
            "l1": (decoded - clean).abs().mean(),
            "feature": feature_distance(wanted, self.features(decoded)),
        }

    def facts(self) -> dict[str, Any]:
        """The denoiser stage's facts and this stage's own configuration."""
        facts = {**super().facts(), "trajectory": asdict(self.trajectory)}
        return facts if self.started_from is None else {**facts, "startedFrom": self.started_from}


def half_of(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The first half of a batch, for the loss that only keeps what was learnt before."""
    whole = ("plan", "shift")
    return {name: value if name in whole else value[: max(1, len(value) // 2)] for name, value in batch.items()}
