"""Golden numbers of schedulers (diffusers), noise (torch) and the Haar transform (PyWavelets)."""

from typing import Any

import numpy as np
import pywt
import torch
from diffusers import DDIMScheduler, DDPMScheduler

from rfsr.schedule import SCHEDULER_CONFIG

LATENT = (1, 2, 3, 4)
LOOPS = ((50, "epsilon"), (20, "epsilon"), (20, "v_prediction"), (4, "epsilon"), (4, "sample"))
NOISE_SEEDS = (0, 42, 2**32 - 1)
NOISE_COUNTS = (1, 5, 15, 16, 17, 31, 32, 100)


def schedulers() -> dict[str, Any]:
    """Full loops of both samplers with a made-up model: prediction = sin(3 x + t / 100) / 2."""
    loops = []
    for steps, prediction_type in LOOPS:
        config = {**SCHEDULER_CONFIG, "prediction_type": prediction_type}
        for name, kind in (("ddpm", DDPMScheduler), ("ddim", DDIMScheduler)):
            scheduler = kind.from_config(config)
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
    }


def run_loop(scheduler: DDPMScheduler | DDIMScheduler, *, needs_noise: bool) -> dict[str, Any]:
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
            after[str(index)], x0[str(index)] = flat(sample), flat(out.pred_original_sample)
    return {"seed": 11, "start": start, "after": after, "x0": x0}


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
