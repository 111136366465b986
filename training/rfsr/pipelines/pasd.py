"""PASD's procedure in PyTorch (test_pasd.py), with tags in the place of a caption."""

from typing import Any

import numpy as np
import torch
from PIL import Image

from rfsr.pipelines.parts import BundleModels, Restored, Settings
from rfsr.pipelines.steps import resized, restore_from_input, to_multiple


@torch.no_grad()
def restore(models: BundleModels, lr_rgb8: np.ndarray, settings: Settings) -> Restored:
    """lr_rgb8 uint8 [h, w, 3] to its ×scale restoration. The start's second noise is drawn after the posterior's."""
    reference, output = working_picture(lr_rgb8, settings.scale, models.image)
    return restore_from_input(models, settings, read=lr_rgb8, reference=reference, output=output)


def working_picture(lr: np.ndarray, scale: int, image: dict[str, Any]) -> tuple[np.ndarray, tuple[int, int]]:
    """The enlarged input as the networks see it, and the output's (height, width).

    Too small a picture is enlarged after the scale was applied, bilinearly, by its short side.
    """
    output = (lr.shape[0] * scale, lr.shape[1] * scale)
    enlarged, short, least = resized(lr, *output), min(output), image["minSide"]
    if short < least:
        enlarged = resized(enlarged, *(least * side // short for side in output), Image.Resampling.BILINEAR)
    return to_multiple(enlarged, image["multipleOf"]), output
