"""The samplers of the three families as objects of one run: timesteps, and one step after another.

UniPC is diffusers' own; the others are the pure steps of `rfsr.schedule`.
"""

from abc import ABC, abstractmethod

import torch
from diffusers import UniPCMultistepScheduler
from torch import Tensor

from rfsr.schedule import (
    SCHEDULER_CONFIG,
    TRAIN_STEPS,
    alphas_cumprod,
    ddim_step,
    ddpm_step,
    sampling_timesteps,
    spaced_timesteps,
)


class Sampler(ABC):
    """One run of a sampler. `times`: its timesteps, descending. `uses_noise`: whether a step draws noise; then every step draws it."""

    uses_noise = True

    def __init__(self, times: list[int]) -> None:
        self.times = times
        self.alphas = alphas_cumprod()

    @abstractmethod
    def step(self, sample: Tensor, eps: Tensor, index: int, noise: Tensor | None) -> Tensor:
        """The sample after step number `index` (from 0, in order), all shaped [B, C, h, w]."""

    def level_index(self, timestep: int) -> int:
        """Where a timestep stands in the run; the last place for one that is not in it, as diffusers' UniPC has it since 0.22."""
        return self.times.index(timestep) if timestep in self.times else len(self.times) - 1


class Ddpm(Sampler):
    """SeeSR's: ancestral, a constant stride back, the last step to a clean latent."""

    def __init__(self, steps: int) -> None:
        super().__init__(sampling_timesteps(steps))
        self.stride = TRAIN_STEPS // steps

    def step(self, sample: Tensor, eps: Tensor, index: int, noise: Tensor | None) -> Tensor:
        """See `Sampler`."""
        assert noise is not None
        time = self.times[index]
        return ddpm_step(sample, eps, time, time - self.stride, self.alphas.to(sample.device), noise)[0]


class Ddim(Ddpm):
    """Deterministic, over the same timesteps."""

    uses_noise = False

    def step(self, sample: Tensor, eps: Tensor, index: int, noise: Tensor | None) -> Tensor:
        """See `Sampler`."""
        time = self.times[index]
        return ddim_step(sample, eps, time, time - self.stride, self.alphas.to(sample.device))[0]


class SpacedDdpm(Sampler):
    """DiffBIR v1's: ancestral between the timesteps it uses, which reach from the noisiest to 0; no noise is added at the last."""

    def __init__(self, steps: int) -> None:
        super().__init__(spaced_timesteps(steps))

    def step(self, sample: Tensor, eps: Tensor, index: int, noise: Tensor | None) -> Tensor:
        """See `Sampler`."""
        assert noise is not None
        last = index == len(self.times) - 1
        following = -1 if last else self.times[index + 1]
        added = torch.zeros_like(noise) if last else noise
        return ddpm_step(sample, eps, self.times[index], following, self.alphas.to(sample.device), added)[0]


class UniPC(Sampler):
    """PASD's: second order, data prediction, B2(h), the last step of lower order (Zhao et al., arXiv 2302.04867)."""

    uses_noise = False

    def __init__(self, steps: int) -> None:
        known = {key: SCHEDULER_CONFIG[key] for key in ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule")}
        self.scheduler = UniPCMultistepScheduler(**known, timestep_spacing="linspace")
        self.scheduler.set_timesteps(steps)
        super().__init__(self.scheduler.timesteps.tolist())

    def step(self, sample: Tensor, eps: Tensor, index: int, noise: Tensor | None) -> Tensor:
        """See `Sampler`. Steps must follow one another: earlier predictions are kept."""
        return self.scheduler.step(eps.float(), self.times[index], sample.float(), return_dict=False)[0]


SAMPLERS: dict[str, type[Ddpm | Ddim | SpacedDdpm | UniPC]] = {
    "ddpm": Ddpm,
    "ddim": Ddim,
    "spaced-ddpm": SpacedDdpm,
    "unipc": UniPC,
}


def open_sampler(name: str, steps: int) -> Sampler:
    """A run of the named sampler. Throws KeyError for an unknown one, ValueError for a number of steps it cannot take."""
    return SAMPLERS[name](steps)
