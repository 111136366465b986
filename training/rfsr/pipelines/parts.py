"""What every procedure is given and gives: a bundle's networks, the request, the result."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from torch import Tensor, nn

from rfsr.color_fix import COLOR_FIXES
from rfsr.families import FAMILIES, START_POINTS, Family
from rfsr.models.denoiser import Denoiser
from rfsr.models.restorer import Restorer
from rfsr.models.tagger import Tagger
from rfsr.models.text import TextEncoder
from rfsr.models.vae import LeanAutoencoder, StockAutoencoder
from rfsr.samplers import SAMPLERS


@dataclass(frozen=True)
class BundleModels:
    """Everything a bundle holds, as torch modules and numbers. `restorer`: the first stage. `tagged`: tags go into the prompt."""

    family: str
    tagged: bool
    vae: LeanAutoencoder | StockAutoencoder
    tagger: Tagger
    text_encoder: TextEncoder
    denoiser: Denoiser
    restorer: Restorer | None
    tokenizer: Tokenizer
    tags: list[str]
    thresholds: list[float]
    latent_scale: float
    latent_shift: float
    image: dict[str, Any]
    """The manifest's `image` section: multipleOf, minSide, decoding, …"""
    pad_id: int = 0
    """What prompts are padded with."""

    def modules(self) -> list[nn.Module]:
        """The networks."""
        found = [self.vae, self.tagger, self.text_encoder, self.denoiser]
        return found if self.restorer is None else [*found, self.restorer]

    @property
    def traits(self) -> Family:
        """What its family adds."""
        return FAMILIES[self.family]

    def scaled(self, latent: Tensor) -> Tensor:
        """The autoencoder's latent as the denoiser sees it."""
        return (latent - self.latent_shift) * self.latent_scale

    def unscaled(self, latent: Tensor) -> Tensor:
        """The inverse of `scaled`."""
        return latent / self.latent_scale + self.latent_shift


@dataclass(frozen=True)
class Settings:
    """A request without its picture; what is None is the family's own. The defaults of `sampling` in a manifest override these."""

    scale: int = 4
    steps: int = 20
    guidance: float = 1.0
    seed: int = 42
    sampler: str | None = None
    start_point: str | None = None
    color_fix: str = "wavelet"
    user: str = ""
    positive: str | None = None
    negative: str | None = None

    def __post_init__(self) -> None:
        """Throws ValueError for a choice that does not exist."""
        for name, allowed in (("sampler", SAMPLERS), ("start_point", START_POINTS), ("color_fix", COLOR_FIXES)):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise ValueError(f"expected {name} {' or '.join(allowed)}, got {value}")


@dataclass(frozen=True)
class Restored:
    """The result uint8 [H, W, 3], the tags it was guided by, and x0 of every step (scaled latents [1, C, h, w]).

    `first_stage`: its picture uint8 [h, w, 3], where the family has one. `visible`: height and width of the picture in a decoded latent, where
    the rest, at the right and bottom, is padding.
    """

    rgb8: np.ndarray
    tags: list[str]
    x0_by_step: list[Tensor]
    first_stage: np.ndarray | None = None
    preview_base: Tensor | None = None
    """What a step's linear decoding, rgb01 [1, 3, H, W], is added to where the bundle decodes corrections."""
    visible: tuple[int, int] | None = None
