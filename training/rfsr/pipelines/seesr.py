"""SeeSR's procedure in PyTorch (test_seesr.py): the reference of the studio's TypeScript pipeline, exact in order and numbers."""

from typing import Any

import numpy as np
import torch

from rfsr.pipelines.parts import BundleModels, Restored, Settings
from rfsr.pipelines.steps import resized, restore_from_input, to_multiple


@torch.no_grad()
def restore(models: BundleModels, lr_rgb8: np.ndarray, settings: Settings) -> Restored:
    """lr_rgb8 uint8 [h, w, 3] to its ×scale restoration."""
    small, reference, output = working_pictures(lr_rgb8, settings.scale, models.image)
    return restore_from_input(models, settings, read=small, reference=reference, output=output)


def working_pictures(lr: np.ndarray, scale: int, image: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """The input (enlarged first if too small), what the networks see of it, and the output's (height, width)."""
    height, width = lr.shape[:2]
    output = (height * scale, width * scale)
    least, short = -(-image["minSide"] // scale), min(height, width)
    if short < least:
        height, width = height * least // short, width * least // short
    small = resized(lr, height, width)
    return small, to_multiple(resized(small, height * scale, width * scale), image["multipleOf"]), output
