"""SeeSR's procedure in PyTorch (test_seesr.py): the reference of the studio's TypeScript pipeline, exact in order and numbers."""

import numpy as np
import torch

from rfsr.pipelines.parts import BundleModels, Restored, Settings
from rfsr.pipelines.steps import restore_from_input


@torch.no_grad()
def restore(models: BundleModels, lr_rgb8: np.ndarray, settings: Settings) -> Restored:
    """lr_rgb8 uint8 [h, w, 3] to its ×scale restoration."""
    return restore_from_input(models, lr_rgb8, settings)
