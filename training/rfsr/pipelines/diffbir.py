"""DiffBIR v1's procedure in PyTorch (its original inference.py): first stage, then diffusion conditioned on the first stage's latent.

The tagged version (RFSR, section 4.2) differs in the prompt alone.
"""

import numpy as np
import torch
import torch.nn.functional as F

from rfsr.color_fix import COLOR_FIXES
from rfsr.common import from_rgb8, to_rgb8
from rfsr.pipelines.parts import BundleModels, Restored, Settings
from rfsr.pipelines.steps import encode_texts, enlarged, picture_of, predictor, preview_base, read_picture, sample_latent


@torch.no_grad()
def restore(models: BundleModels, lr_rgb8: np.ndarray, settings: Settings) -> Restored:
    """lr_rgb8 uint8 [h, w, 3] to its ×scale restoration. One torch CPU generator: start noise, then one draw a step.

    The condition is the latent's mean, without posterior noise; colours are those of the first stage.
    """
    assert models.restorer is not None
    large = enlarged(lr_rgb8, settings.scale, models.image)
    height, width = large.shape[:2]
    multiple = models.image["multipleOf"]
    # at the right and bottom: zeros as published, or the picture's own edge, which leaves no line there
    mode = "replicate" if models.image.get("padding") == "edge" else "constant"
    padded = F.pad(from_rgb8(large)[None], (0, -width % multiple, 0, -height % multiple), mode=mode)
    first = models.restorer(padded)
    embeds, tags = read_picture(models, lr_rgb8) if models.tagged else (None, [])
    contexts = encode_texts(models, tags, settings)
    condition_latent = models.scaled(models.vae.encode_moments(first * 2 - 1)[0])
    generator = torch.Generator().manual_seed(settings.seed)
    noise = torch.randn(condition_latent.shape, generator=generator)
    conditions = models.denoiser.conditions(picture=first, image_embeds=embeds, condition_latent=condition_latent)
    predict = predictor(models, contexts, conditions, guidance=settings.guidance)
    sample, x0_by_step = sample_latent(predict, condition_latent, noise, models=models, settings=settings, generator=generator)
    fixed = COLOR_FIXES[settings.color_fix](picture_of(models, sample, centre=condition_latent, first=first), first)
    height, width = (side * settings.scale for side in lr_rgb8.shape[:2])
    picture, first_stage = (to_rgb8(each[0, :, :height, :width]) for each in (fixed, first))
    return Restored(
        picture,
        tags,
        x0_by_step,
        first_stage,
        preview_base(models, centre=condition_latent, first=first),
        (height, width),
    )
