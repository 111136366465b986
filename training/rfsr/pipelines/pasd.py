"""PASD's procedure in PyTorch (test_pasd.py), with tags in the place of a caption."""

from typing import Any

import numpy as np
import torch
from PIL import Image

from rfsr.color_fix import COLOR_FIXES
from rfsr.common import from_rgb8, to_rgb8
from rfsr.pipelines.parts import BundleModels, Restored, Settings
from rfsr.pipelines.steps import decode01, encode_texts, predictor, read_picture, resized, sample_latent, to_multiple


@torch.no_grad()
def restore_pasd(models: BundleModels, lr_rgb8: np.ndarray, settings: Settings) -> Restored:
    """lr_rgb8 uint8 [h, w, 3] to its ×scale restoration.

    One torch CPU generator: start noise, posterior noise, second start noise, then one draw a step for samplers that use it.
    """
    reference, output = working_picture(lr_rgb8, settings.scale, models.image)
    embeds, tags = read_picture(models, lr_rgb8)
    contexts = encode_texts(models, tags, settings)
    generator = torch.Generator().manual_seed(settings.seed)
    condition = from_rgb8(reference)[None]
    mean, std = models.vae.encode_moments(condition * 2 - 1)
    start_noise, posterior_noise = (torch.randn(mean.shape, generator=generator) for _ in range(2))
    conditions = models.denoiser.conditions(picture=condition, image_embeds=embeds, condition_latent=models.scaled(mean))
    predict = predictor(models, contexts, conditions, guidance=settings.guidance)
    latent = models.scaled(mean + std * posterior_noise)
    sample, x0_by_step = sample_latent(predict, latent, start_noise, models=models, settings=settings, generator=generator)
    fixed = COLOR_FIXES[settings.color_fix](decode01(models, sample).clamp(0, 1), condition)
    return Restored(rgb8=resized(to_rgb8(fixed[0]), *output), tags=tags, x0_by_step=x0_by_step)


def working_picture(lr: np.ndarray, scale: int, image: dict[str, Any]) -> tuple[np.ndarray, tuple[int, int]]:
    """The enlarged input as the networks see it, and the output's (height, width).

    Too small a picture is enlarged after the scale was applied, bilinearly, by its short side.
    """
    output = (lr.shape[0] * scale, lr.shape[1] * scale)
    enlarged, short, least = resized(lr, *output), min(output), image["minSide"]
    if short < least:
        enlarged = resized(enlarged, *(least * side // short for side in output), Image.Resampling.BILINEAR)
    return to_multiple(enlarged, image["multipleOf"]), output
