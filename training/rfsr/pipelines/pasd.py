"""PASD's procedure in PyTorch (test_pasd.py), with tags in the place of a caption."""

import numpy as np
import torch

from rfsr.pipelines.parts import BundleModels, Restored, Settings
from rfsr.pipelines.steps import restore_from_input


@torch.no_grad()
def restore(models: BundleModels, lr_rgb8: np.ndarray, settings: Settings) -> Restored:
    """lr_rgb8 uint8 [h, w, 3] to its ×scale restoration. The start's second noise is drawn after the posterior's."""
    return restore_from_input(models, lr_rgb8, settings)
