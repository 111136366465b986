"""Golden numbers of schedulers (diffusers; guided diffusion's own formulas for spaced DDPM), noise (torch) and the Haar transform (PyWavelets)."""

from typing import Any

import numpy as np
import pywt
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UniPCMultistepScheduler

from rfsr.schedule import SCHEDULER_CONFIG

LATENT = (1, 2, 3, 4)
SPACED_STEPS = (50, 21, 4)
LOOPS = ((50, "epsilon"), (20, "epsilon"), (20, "v_prediction"), (4, "epsilon"), (4, "sample"))
NOISE_SEEDS = (0, 42, 2**32 - 1)
NOISE_COUNTS = (1, 5, 15, 16, 17, 31, 32, 100)


def schedulers() -> dict[str, Any]:
    """Full loops of every sampler with a made-up model: prediction = sin(3 x + t / 100) / 2."""
    loops = [spaced_loop(steps) for steps in SPACED_STEPS]
    for steps, prediction_type in LOOPS:
        config = {**SCHEDULER_CONFIG, "prediction_type": prediction_type}
        unipc = {**config, "timestep_spacing": "linspace", "steps_offset": 0}
        for name, kind, table in (
            ("ddpm", DDPMScheduler, config), ("ddim", DDIMScheduler, config), ("unipc", UniPCMultistepScheduler, unipc),
        ):  # fmt: skip
            scheduler = kind.from_config(table)
            scheduler.set_timesteps(steps)
            loops.append(
                {"sampler": name, "steps": steps, "predictionType": prediction_type}
                | {"timesteps": scheduler.timesteps.tolist()}
                | run_loop(scheduler, needs_noise=name == "ddpm")
            )
    scheduler = DDPMScheduler.from_config(SCHEDULER_CONFIG)
    picks = [0, 1, 50, 181, 201, 600, 801, 900, 981, 999]
    generator = torch.Generator().manual_seed(3)
    latent, noise_ = (torch.randn(LATENT, generator=generator) for _ in range(2))
    started = scheduler.add_noise(latent, noise_, torch.tensor([999]))
    return {
        "config": SCHEDULER_CONFIG,
        "dims": LATENT,
        "alphas": {str(t): scheduler.alphas_cumprod[t].item() for t in picks},
        "loops": loops,
        "addNoise": {"latent": flat(latent), "noise": flat(noise_), "timestep": 999, "out": flat(started)},
        "noisedTwice": noised_twice(latent, noise_),
    }


def noised_twice(latent: torch.Tensor, noise_: torch.Tensor) -> dict[str, Any]:
    """PASD's start by diffusers' UniPC of today, for 20 steps: at 999, then at 900, which is not among them."""
    scheduler = UniPCMultistepScheduler.from_config({**SCHEDULER_CONFIG, "timestep_spacing": "linspace", "steps_offset": 0})
    scheduler.set_timesteps(20)
    second = torch.randn(LATENT, generator=torch.Generator().manual_seed(4))
    once = scheduler.add_noise(latent, noise_, torch.tensor([999]))
    return {"steps": 20, "second": flat(second), "out": flat(scheduler.add_noise(once, second, torch.tensor([900])))}


def run_loop(scheduler: DDPMScheduler | DDIMScheduler | UniPCMultistepScheduler, *, needs_noise: bool) -> dict[str, Any]:
    """The start, every noise drawn, the samples after a few steps and the last, from seed 11."""
    generator = torch.Generator().manual_seed(11)
    sample = torch.randn(LATENT, generator=generator)
    start, after, x0 = flat(sample), {}, {}
    for index, timestep in enumerate(scheduler.timesteps):
        prediction = torch.sin(3 * sample + timestep / 100) / 2
        extra = {"generator": generator} if needs_noise else {}
        out = scheduler.step(prediction, timestep, sample, **extra)
        sample = out.prev_sample
        if index in (0, len(scheduler.timesteps) // 2, len(scheduler.timesteps) - 1):
            after[str(index)], x0[str(index)] = flat(sample), flat(x0_of(scheduler, out))
    return {"seed": 11, "start": start, "after": after, "x0": x0}


def x0_of(scheduler: Any, out: Any) -> torch.Tensor:
    """The step's x0 prediction: UniPC keeps it, the others give it."""
    return scheduler.model_outputs[-1] if isinstance(scheduler, UniPCMultistepScheduler) else out.pred_original_sample


def spaced_loop(steps: int) -> dict[str, Any]:
    """DiffBIR v1's sampler in double precision as guided diffusion writes it: betas of the kept timesteps, then their own posterior."""
    abar = DDPMScheduler.from_config(SCHEDULER_CONFIG).alphas_cumprod.double().numpy()
    used, at = [], 0.0
    for _ in range(steps):
        used.append(round(at))
        at += (len(abar) - 1) / (steps - 1)
    kept = abar[used]
    before = np.append(1.0, kept[:-1])
    betas = 1 - kept / before
    mean_x0 = betas * np.sqrt(before) / (1 - kept)
    mean_sample = (1 - before) * np.sqrt(1 - betas) / (1 - kept)
    deviation = np.sqrt(betas * (1 - before) / (1 - kept))
    generator = torch.Generator().manual_seed(11)
    sample = torch.randn(LATENT, generator=generator).double().numpy()
    start, after, predictions = sample.ravel().tolist(), {}, {}
    for index in range(steps):
        place = steps - 1 - index
        eps = np.sin(3 * sample + used[place] / 100) / 2
        x0 = (sample - np.sqrt(1 - kept[place]) * eps) / np.sqrt(kept[place])
        noise_ = torch.randn(LATENT, generator=generator).double().numpy()
        sample = mean_x0[place] * x0 + mean_sample[place] * sample + (deviation[place] * noise_ if place > 0 else 0)
        if index in (0, steps // 2, steps - 1):
            after[str(index)], predictions[str(index)] = sample.ravel().tolist(), x0.ravel().tolist()
    return {
        "sampler": "spaced-ddpm", "steps": steps, "predictionType": "epsilon", "timesteps": used[::-1],
        "seed": 11, "start": start, "after": after, "x0": predictions,
    }  # fmt: skip


def flat(tensor: torch.Tensor) -> list[float]:
    """Row-major values."""
    return tensor.flatten().tolist()


def noise() -> dict[str, Any]:
    """torch.randn on the CPU: single draws of many lengths, and mixed draws from one generator."""
    single = []
    for seed in NOISE_SEEDS:
        for count in NOISE_COUNTS:
            generator = torch.Generator().manual_seed(seed)
            single.append({"seed": seed, "count": count, "values": torch.randn(count, generator=generator).tolist()})
    generator = torch.Generator().manual_seed(7)
    counts = [20, 3, 3, 16, 1, 33, 700]
    draws = [torch.randn(count, generator=generator).tolist() for count in counts]
    return {"single": single, "sequence": {"seed": 7, "counts": counts, "draws": draws[:-1], "lastTail": draws[-1][-20:]}}


def haar() -> list[dict[str, Any]]:
    """One level of PyWavelets' dwt2 with "haar", mode "symmetric", on even and odd sides."""
    rng = np.random.default_rng(5)
    cases = []
    for height, width in ((4, 6), (5, 7), (1, 1), (1, 4)):
        planes = rng.random((2, height, width))
        bands = [pywt.dwt2(plane, "haar", mode="symmetric") for plane in planes]
        cases.append(
            {
                "height": height,
                "width": width,
                "planes": planes.ravel(),
                "ll": np.stack([ll for ll, _ in bands]).ravel(),
                "lh": np.stack([details[0] for _, details in bands]).ravel(),
                "hl": np.stack([details[1] for _, details in bands]).ravel(),
                "hh": np.stack([details[2] for _, details in bands]).ravel(),
            }
        )
    return cases
