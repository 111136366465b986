"""The noise schedule all three families share, and sampler steps as pure functions (facts: diffusers' DDPM and DDIM schedulers).

abar_t = prod(1 - beta_i), beta "scaled_linear" from 0.00085 to 0.012 over 1000 steps; timesteps "leading" with an offset of one, or spaced.
"""

import torch
from torch import Tensor

TRAIN_STEPS = 1000
SCHEDULER_CONFIG = {
    "num_train_timesteps": TRAIN_STEPS,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "prediction_type": "epsilon",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "variance_type": "fixed_small",
}


def alphas_cumprod() -> Tensor:
    """abar_t for t = 0…999, float32 [1000]."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TRAIN_STEPS, dtype=torch.float32) ** 2
    return torch.cumprod(1 - betas, dim=0)


def sampling_timesteps(steps: int) -> list[int]:
    """`steps` timesteps, descending: 981, 961, …, 1 for 50. Throws ValueError outside 1…1000."""
    if not 1 <= steps <= TRAIN_STEPS:
        raise ValueError(f"expected 1 to {TRAIN_STEPS} steps, got {steps}")
    ratio = TRAIN_STEPS // steps
    return [index * ratio + 1 for index in reversed(range(steps))]


def spaced_timesteps(steps: int) -> list[int]:
    """`steps` timesteps from 999 down to 0 for at least two: 999, 979, …, 20, 0 for 50; 0 alone for one.

    As DiffBIR v1 spaces them (guided diffusion's `space_timesteps` with one section): the stride is added up in double precision
    and rounded half to even. Throws ValueError outside 1…1000.
    """
    if not 1 <= steps <= TRAIN_STEPS:
        raise ValueError(f"expected 1 to {TRAIN_STEPS} steps, got {steps}")
    stride = 1.0 if steps == 1 else (TRAIN_STEPS - 1) / (steps - 1)
    times, at = [], 0.0
    for _ in range(steps):
        times.append(round(at))
        at += stride
    return times[::-1]


def predict_x0(sample: Tensor, eps: Tensor, timestep: int, alphas: Tensor) -> Tensor:
    """x0 = (x - sqrt(1 - abar) eps) / sqrt(abar), any shape."""
    abar = alphas[timestep]
    return (sample - (1 - abar).sqrt() * eps) / abar.sqrt()


def ddpm_step(
    sample: Tensor, eps: Tensor, timestep: int, following: int, alphas: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Ancestral step from `timestep` to `following` (below zero: the end, abar = 1), variance "fixed_small".

    Returns the next sample and the x0 prediction, shaped as `sample`.
    """
    abar = alphas[timestep]
    abar_next = alphas[following] if following >= 0 else torch.ones_like(abar)
    x0 = predict_x0(sample, eps, timestep, alphas)
    kept = abar / abar_next
    mean = abar_next.sqrt() * (1 - kept) / (1 - abar) * x0 + kept.sqrt() * (1 - abar_next) / (1 - abar) * sample
    variance = ((1 - kept) * (1 - abar_next) / (1 - abar)).clamp(min=1e-20)
    return mean + variance.sqrt() * noise, x0


def ddim_step(sample: Tensor, eps: Tensor, timestep: int, following: int, alphas: Tensor) -> tuple[Tensor, Tensor]:
    """Deterministic step (eta 0); below zero the last abar is abar_0, as SD's configuration has it. Returns as `ddpm_step`."""
    abar_next = alphas[max(following, 0)]
    x0 = predict_x0(sample, eps, timestep, alphas)
    return abar_next.sqrt() * x0 + (1 - abar_next).sqrt() * eps, x0
