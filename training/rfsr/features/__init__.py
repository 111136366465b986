"""Frozen networks whose features are compared: a distance between pictures, a style."""

from collections.abc import Callable
from pathlib import Path

from rfsr.features.network import FeatureNetwork
from rfsr.features.squeezenet import SqueezeNetFeatures
from rfsr.features.vgg19 import VGG19Features

FEATURES: dict[str, Callable[[Path], FeatureNetwork]] = {"vgg19": VGG19Features.load, "squeezenet": SqueezeNetFeatures}


def open_features(name: str, path: Path) -> FeatureNetwork:
    """The named network from its file, frozen. Throws ValueError for a name that does not exist."""
    if name not in FEATURES:
        raise ValueError(f"expected a feature network of {sorted(FEATURES)}, got {name!r}")
    return FEATURES[name](path).eval().requires_grad_(False)
