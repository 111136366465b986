"""The whole degradation: from a clean picture to its low-resolution input."""

import numpy as np
from PIL import Image
from torch import Tensor

from rfsr.common import from_rgb8, to_rgb8
from rfsr.degrade.kernels import draw_final_sinc, draw_kernel
from rfsr.degrade.params import DegradeParams, StageParams
from rfsr.degrade.stages import RESIZE_MODES, filter2d, gaussian_noise, jpeg, poisson_noise, random_resize, resize, sharpen


def degrade(rgb01: Tensor, params: DegradeParams | None, rng: np.random.Generator, *, scale: int = 4) -> Tensor:
    """Clean rgb01 [3, H, W], H and W multiples of scale and at least 32, to its degraded [3, H/scale, W/scale] in 0…1.

    Every draw comes from `rng`. Order as published: blur, resize, noise, JPEG; blur, resize, noise; then, as a coin falls, final
    resize and sinc before or after the last JPEG. Without `params` the picture is only reduced, with Pillow's bicubic filter, to 8 bits.
    Throws ValueError for sides that do not divide.
    """
    height, width = rgb01.shape[1:]
    if height % scale or width % scale or min(height, width) < 32:
        raise ValueError(f"expected sides >= 32 in multiples of {scale}, got {height}×{width}")
    small = (height // scale, width // scale)
    if params is None:
        return from_rgb8(np.asarray(Image.fromarray(to_rgb8(rgb01)).resize(small[::-1], Image.Resampling.BICUBIC)))
    x = sharpen(rgb01) if params.sharpen else rgb01
    x = blur_resize_noise(x, params, params.first, rng, base=(height, width))
    x = jpeg(x, rng.uniform(*params.first.jpeg))
    x = blur_resize_noise(x, params, params.second, rng, base=small)
    sinc = draw_final_sinc(rng, params)
    mode, quality = str(rng.choice(RESIZE_MODES)), rng.uniform(*params.second.jpeg)
    if rng.random() < 0.5:
        return jpeg(finish(x, small, mode, sinc), quality)
    return finish(jpeg(x, quality), small, mode, sinc)


def blur_resize_noise(
    x: Tensor, params: DegradeParams, stage: StageParams, rng: np.random.Generator, *, base: tuple[int, int]
) -> Tensor:
    """One pass up to its noise; the random scale is relative to `base` (height, width)."""
    if rng.random() < stage.blur:
        x = filter2d(x, draw_kernel(rng, params, stage))
    x = random_resize(x, rng, stage.resize, stage.resize_range, base).clamp(0, 1)
    gray = bool(rng.random() < stage.gray)
    if rng.random() < stage.gaussian:
        return gaussian_noise(x, rng, float(rng.uniform(*stage.noise_sigma)), gray=gray)
    return poisson_noise(x, rng, float(rng.uniform(*stage.poisson_scale)), gray=gray)


def finish(x: Tensor, size: tuple[int, int], mode: str, sinc: np.ndarray | None) -> Tensor:
    """Resize to `size` (height, width) and the final sinc filter, clamped."""
    x = resize(x, *size, mode)
    return (x if sinc is None else filter2d(x, sinc)).clamp(0, 1)
