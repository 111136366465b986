"""The procedures of all families in PyTorch: references of the studio's, and what `rfsr evaluate` measures."""

import numpy as np

from rfsr.pipelines.diffbir import restore_diffbir
from rfsr.pipelines.parts import BundleModels, Restored, Settings
from rfsr.pipelines.pasd import restore_pasd
from rfsr.pipelines.seesr import restore_seesr

PROCEDURES = {"seesr": restore_seesr, "diffbir": restore_diffbir, "pasd": restore_pasd}


__all__ = ["PROCEDURES", "BundleModels", "Restored", "Settings", "restore"]


def restore(models: BundleModels, lr_rgb8: np.ndarray, settings: Settings) -> Restored:
    """lr_rgb8 uint8 [h, w, 3] to its ×scale restoration, by the procedure of the bundle's family."""
    return PROCEDURES[models.family](models, lr_rgb8, settings)
