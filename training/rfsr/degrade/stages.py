"""The steps of the degradation on float32 pictures rgb01 [3, H, W] on the CPU. Each draws from its generator and nothing else."""

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from rfsr.common import from_rgb8, to_rgb8

RESIZE_MODES = ("area", "bilinear", "bicubic")
LUMA = torch.tensor([0.299, 0.587, 0.114])


def filter2d(rgb01: Tensor, kernel: np.ndarray) -> Tensor:
    """Correlation with kernel [k, k], k odd, reflect padding; the shape stays."""
    padded = reflect_pad(rgb01, kernel.shape[0] // 2)[:, None]
    return F.conv2d(padded, torch.from_numpy(kernel).float()[None, None])[:, 0]


def reflect_pad(rgb01: Tensor, pad: int) -> Tensor:
    """`pad` more pixels on every side, mirrored as often as it takes: torch's own refuses a picture smaller than its padding."""
    return torch.from_numpy(np.pad(rgb01.numpy(), ((0, 0), (pad, pad), (pad, pad)), mode="reflect"))


def resize(rgb01: Tensor, height: int, width: int, mode: str) -> Tensor:
    """To [3, height, width]; bilinear and bicubic without antialias, as the original does. Throws ValueError for another mode."""
    if mode not in RESIZE_MODES:
        raise ValueError(f"expected one of {RESIZE_MODES}, got {mode!r}")
    align = None if mode == "area" else False
    return F.interpolate(rgb01[None], size=(height, width), mode=mode, align_corners=align)[0]


def random_resize(
    rgb01: Tensor, rng: np.random.Generator, probabilities: tuple[float, float, float], bounds: tuple[float, float],
    base: tuple[int, int],
) -> Tensor:  # fmt: skip
    """Scales `base` (height, width) up to bounds[1], down to bounds[0], or keeps it, with a random mode."""
    kind = rng.choice(3, p=probabilities)
    scale = (rng.uniform(1, bounds[1]), rng.uniform(bounds[0], 1), 1.0)[kind]
    height, width = (max(1, int(side * scale)) for side in base)
    return resize(rgb01, height, width, str(rng.choice(RESIZE_MODES)))


def gaussian_noise(rgb01: Tensor, rng: np.random.Generator, sigma: float, *, gray: bool) -> Tensor:
    """Adds noise of deviation sigma/255, the same in all channels if gray; clamps."""
    shape = (1 if gray else 3, *rgb01.shape[1:])
    noise = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
    return (rgb01 + noise * (sigma / 255)).clamp(0, 1)


def poisson_noise(rgb01: Tensor, rng: np.random.Generator, scale: float, *, gray: bool) -> Tensor:
    """Adds `scale` times shot noise of the picture (of its luma if gray), at 2^ceil(log2(distinct levels)) counts; clamps."""
    source = (rgb01 * LUMA[:, None, None]).sum(0, keepdim=True) if gray else rgb01
    source = (source * 255).round().clamp(0, 255) / 255
    counts = 2.0 ** np.ceil(np.log2(max(len(torch.unique(source)), 2)))
    shot = torch.from_numpy(rng.poisson(source.numpy() * counts).astype(np.float32)) / counts
    return (rgb01 + (shot - source) * scale).clamp(0, 1)


def jpeg(rgb01: Tensor, quality: float) -> Tensor:
    """Through a real JPEG codec at the rounded quality."""
    buffer = io.BytesIO()
    Image.fromarray(to_rgb8(rgb01)).save(buffer, "JPEG", quality=round(quality))
    return from_rgb8(np.asarray(Image.open(buffer)))


def sharpen(rgb01: Tensor, *, radius: int = 51, weight: float = 0.5, threshold: float = 10) -> Tensor:
    """Unsharp mask whose effect is limited, softly, to where the detail exceeds `threshold` of 255."""
    sigma = 0.3 * ((radius - 1) * 0.5 - 1) + 0.8  # OpenCV's rule for a kernel side without a deviation
    blurred = separable_gaussian(rgb01, radius, sigma)
    detail = rgb01 - blurred
    mask = separable_gaussian((detail.abs() * 255 > threshold).float(), radius, sigma)
    sharp = (rgb01 + weight * detail).clamp(0, 1)
    return mask * sharp + (1 - mask) * rgb01


def separable_gaussian(rgb01: Tensor, side: int, sigma: float) -> Tensor:
    """Gaussian blur with an odd kernel side, reflect padding."""
    axis = torch.arange(side) - side // 2
    kernel = torch.exp(-(axis**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    x = reflect_pad(rgb01, side // 2)[:, None]
    return F.conv2d(F.conv2d(x, kernel[None, None, :, None]), kernel[None, None, None])[:, 0]
