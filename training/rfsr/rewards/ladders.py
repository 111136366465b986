"""Ladders of quality: one clean picture at rising strengths of one fault, so that the true order is known."""

import io
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from rfsr.common import from_rgb8, to_rgb8

Fault = Callable[[Tensor, float, np.random.Generator], Tensor]
"""A clean picture [3, H, W] in 0…1 and a strength in 0…1 to the faulty picture; strength 0 changes nothing visible."""
GRAIN_PERIOD = 8


def blur(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Gaussian, sigma up to 3 pixels."""
    if strength == 0:
        return clean
    axis = torch.arange(-9, 10, dtype=torch.float32)
    taps = torch.exp(-(axis**2) / (2 * (3 * strength) ** 2))
    taps /= taps.sum()
    padded = F.pad(clean[:, None], (9, 9, 9, 9), mode="reflect")
    return F.conv2d(F.conv2d(padded, taps[None, None, None]), taps[None, None, :, None])[:, 0]


def noise(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Gaussian per value, deviation up to 30 of 255."""
    draw = torch.from_numpy(rng.standard_normal(clean.shape, dtype=np.float32))
    return clean + 30 / 255 * strength * draw


def small(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Reduced up to six times and enlarged again, bicubic."""
    height, width = clean.shape[-2:]
    factor = 1 + 5 * strength
    size = (max(4, round(height / factor)), max(4, round(width / factor)))
    reduced = F.interpolate(clean[None], size=size, mode="bicubic", antialias=True, align_corners=False)
    return F.interpolate(reduced, size=(height, width), mode="bicubic", antialias=True, align_corners=False)[0]


def jpeg(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Quality 98 down to 8."""
    buffer = io.BytesIO()
    Image.fromarray(to_rgb8(clean)).save(buffer, "JPEG", quality=round(98 - 90 * strength))
    return from_rgb8(np.asarray(Image.open(buffer)))


def oversharp(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Unsharp masking of up to four times: what a reward for sharpness must not love."""
    return clean + 4 * strength * (clean - blur(clean, 0.4, rng))


def overcooked(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Contrast raised up to half as much again, saturation up to twice: the cheap way to look impressive."""
    grey = clean.mean(dim=0, keepdim=True)
    vivid = grey + (1 + strength) * (clean - grey)
    middle = clean.mean()
    return middle + (1 + 0.5 * strength) * (vivid - middle)


def grain(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """A random pattern that repeats with the period of a latent cell, deviation up to 15 of 255."""
    cell = torch.from_numpy(rng.standard_normal((3, GRAIN_PERIOD, GRAIN_PERIOD), dtype=np.float32))
    height, width = clean.shape[-2:]
    tiled = cell.repeat(1, -(-height // GRAIN_PERIOD), -(-width // GRAIN_PERIOD))[:, :height, :width]
    return clean + 15 / 255 * strength * tiled


FAULTS: dict[str, Fault] = {
    "blur": blur, "noise": noise, "small": small, "jpeg": jpeg, "oversharp": oversharp, "overcooked": overcooked, "grain": grain,
}  # fmt: skip


def mix(clean: Tensor, other: Tensor, strength: float) -> Tensor:
    """A ladder from a clean picture to any other version of it, such as a model's output: `strength` of the other."""
    return (1 - strength) * clean + strength * other
