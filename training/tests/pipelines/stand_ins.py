"""Networks that remember what they were given, and a picture."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rfsr.export.sources import nano_models
from rfsr.families import FAMILIES
from rfsr.pipelines import BundleModels


def models_of(family: str, *, tagged: bool = True, multiple: int = 32) -> BundleModels:
    """A family's networks of the nano size."""
    image = {"scale": 4, "multipleOf": multiple, "minSide": 64, "workingSide": 128, "colorFix": "wavelet"}
    # as published: DiffBIR alone has a first stage
    random = {"restorer": "nano-swin"} if FAMILIES[family].first_stage else {}
    return nano_models({"bundle": {"family": family, "tagged": tagged}, "image": image, "random": random})[0]


def picture(height: int = 20, width: int = 28) -> np.ndarray:
    """Noise."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


class Recorder(nn.Module):
    """A denoiser that keeps what it is given and predicts the mean of its context, so that prompts show in the result."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Tensor, ...]] = []
        self.conditioned: list[dict[str, Tensor | None]] = []

    def conditions(self, **given: Tensor | None) -> dict[str, Tensor]:
        """Nothing is read: what was given is kept."""
        self.conditioned.append(given)
        return {}

    def forward(self, *inputs: Tensor, **named: Any) -> Tensor:
        """Zeros plus the context's mean."""
        self.calls.append(inputs)
        return torch.zeros_like(inputs[0]) + inputs[2].mean()


class TokenRecorder(nn.Module):
    """A text encoder that keeps token ids; the context is their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[int]] = []

    def forward(self, ids: Tensor) -> Tensor:
        """The mean of the ids as a context [B, 1, 1]."""
        self.seen.append(ids[0].tolist())
        return ids.float().mean(dim=1, keepdim=True)[..., None] / 100


def recorded(models: BundleModels) -> tuple[BundleModels, Recorder, TokenRecorder]:
    """The same models with a recording denoiser and text encoder."""
    recorder, texts = Recorder(), TokenRecorder()
    return replace(models, denoiser=recorder, text_encoder=texts), recorder, texts
