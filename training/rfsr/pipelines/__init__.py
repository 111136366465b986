"""The procedures of all families in PyTorch: references of the studio's, and what `rfsr evaluate` measures."""

from collections.abc import Callable
from importlib import import_module

import numpy as np

from rfsr.families import FAMILIES
from rfsr.pipelines.parts import BundleModels, Restored, Settings

Procedure = Callable[[BundleModels, np.ndarray, Settings], Restored]
PROCEDURES: dict[str, Procedure] = {name: import_module(f"rfsr.pipelines.{name}").restore for name in FAMILIES}
"""By family: `restore` of the module of its name."""

__all__ = ["PROCEDURES", "BundleModels", "Restored", "Settings", "restore"]


def restore(models: BundleModels, lr_rgb8: np.ndarray, settings: Settings) -> Restored:
    """lr_rgb8 uint8 [h, w, 3] to its ×scale restoration, by the procedure of the bundle's family."""
    return PROCEDURES[models.family](models, lr_rgb8, settings)
