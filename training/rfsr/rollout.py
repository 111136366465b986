"""The rollout of reward feedback learning (ReFL, arXiv 2304.05977; RFSR, arXiv 2412.03268, section 3).

From the start latent, the sampler's own steps without gradient up to a planned step; gradient flows through that step alone, whose
x0 prediction is decoded and judged. What judges it is up to the stage: see `rfsr.pretrain.trajectory` and `rfsr.finetune.stage`.
"""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rfsr.data import PackedCrops
from rfsr.models.denoiser import Denoiser
from rfsr.pretrain.denoiser import DenoiserStage, DenoiserStageConfig
from rfsr.pretrain.latents import FrozenParts, LatentCrops
from rfsr.pretrain.tagger import to01
from rfsr.pretrain.vae import noise_like
from rfsr.samplers import open_sampler
from rfsr.schedule import predict_x0

CELLS_PER = {"target": 1, "condition_latent": 1, "degraded": 8, "first": 8, "clean": 8}
"""Values a latent cell spans in each part of a batch."""


@dataclass(frozen=True)
class RolloutConfig:
    """`latent_window`: side of the square of latent cells that is rolled out. `guided`: share of rollouts under classifier-free
    guidance drawn from 1…max_guidance. `untagged`: share of samples whose prompt has no tags."""

    latent_window: int = 24
    guided: float = 0.3
    max_guidance: float = 3.0
    untagged: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A rollout of a whole batch: `steps` of the sampler, of which number `stop` (from 0) is the one with gradient."""

    steps: int
    stop: int
    guidance: float = 1.0


class RolloutStage(DenoiserStage):
    """A stage that judges the x0 prediction of one step of its own sampling."""

    def __init__(
        self, config: RolloutConfig, base: DenoiserStageConfig, crops: PackedCrops, latents: LatentCrops, parts: FrozenParts
    ) -> None:
        super().__init__(base, crops, latents, parts)
        self.rollout_config = config

    @abstractmethod
    def plan(self, rng: np.random.Generator) -> Plan:
        """The rollout of the next step."""

    def agree(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The step's plan: rollouts of different lengths would leave the processes of the shorter ones waiting."""
        plan = self.plan(rng)
        return {"plan": torch.tensor([plan.steps, plan.stop, plan.guidance])}

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """As the denoiser stage, cut to a window of latent cells, with the clean pixels (`clean`)."""
        index, kind = rng.choice(self.training_crops, size=count), rng.integers(self.latents.centre.shape[1], size=count)
        batch = self.cut(self.gather(index, kind) | {"clean": to01(self.crops.hr[index])}, rng)
        untagged = torch.from_numpy(rng.random(count) < self.rollout_config.untagged)
        return {
            **batch,
            "tokens": torch.where(untagged[:, None], self.prompt_untagged.cpu(), batch["tokens"]),
            "timestep": torch.from_numpy(rng.integers(1000, size=count)),
            "prompt_kind": torch.from_numpy(rng.random(count)),
        }

    def cut(self, batch: dict[str, Tensor], rng: np.random.Generator) -> dict[str, Tensor]:
        """One random window of latent cells of everything that has cells."""
        top, left = rng.integers(batch["target"].shape[-1] - self.rollout_config.latent_window + 1, size=2)
        return self.cut_at(batch, int(top), int(left))

    def cut_at(self, batch: dict[str, Tensor], top: int, left: int) -> dict[str, Tensor]:
        """The window of latent cells at a place, of everything that has cells."""
        window, cut = self.rollout_config.latent_window, {}
        for name, per in CELLS_PER.items():
            rows, columns = slice(top * per, (top + window) * per), slice(left * per, (left + window) * per)
            cut[name] = batch[name][..., rows, columns].contiguous()
        return batch | cut

    def draw_guidance(self, rng: np.random.Generator) -> float:
        """1, or for the configured share of rollouts more."""
        guided = rng.random() < self.rollout_config.guided
        return float(rng.uniform(1, self.rollout_config.max_guidance)) if guided else 1.0

    @torch.no_grad()
    def visit(
        self, batch: dict[str, Tensor], plan: Plan, generator: torch.Generator, *, denoiser: Denoiser | None = None
    ) -> Tensor:
        """The latents [B, C, h, w] that sampling (by the trained denoiser, or another) reaches at the planned step.

        Every sample has its own start.
        """
        sampler = open_sampler(self.family.sampler, plan.steps)
        sample = self.start(batch, sampler, generator)
        predict = self.predictor(denoiser or self.denoiser, batch, plan.guidance)
        for index in range(plan.stop):
            noise = noise_like(sample, generator) if sampler.uses_noise else None
            sample = sampler.step(sample, predict(sample, sampler.times[index]), index, noise)
        return sample

    def timestep(self, plan: Plan) -> int:
        """Where the step with gradient stands."""
        return open_sampler(self.family.sampler, plan.steps).times[plan.stop]

    def last_step(self, denoiser: Denoiser, batch: dict[str, Tensor], sample: Tensor, plan: Plan) -> Tensor:
        """The planned step's x0 prediction [B, C, h, w] by `denoiser`; the only pass of the networks that carries gradient."""
        time = self.timestep(plan)
        eps = self.predictor(denoiser, batch, plan.guidance)(sample, time)
        return predict_x0(sample, eps, time, self.alphas)


def plan_of(batch: dict[str, Tensor]) -> Plan:
    """The plan that was agreed on for a batch."""
    steps, stop, guidance = batch["plan"].tolist()
    return Plan(int(steps), int(stop), guidance)
