"""SeeSR's procedure in PyTorch: the reference the studio's TypeScript pipeline is compared with, exact in order and numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor, nn

from rfsr.common import from_rgb8, to_rgb8
from rfsr.models.seesr import SeeSRDenoiser
from rfsr.models.tagger import IMAGE_MEAN, IMAGE_STD, MiniTagger, tags_said
from rfsr.models.text import TextEncoder
from rfsr.models.vae import LeanAutoencoder
from rfsr.models.vocabulary import NEGATIVE_PROMPT, POSITIVE_PROMPT, token_ids
from rfsr.schedule import alphas_cumprod, ddim_step, ddpm_step, predict_x0, sampling_timesteps

START_TIMESTEP = 999
SAMPLERS = ("ddpm", "ddim")
START_POINTS = ("lr", "noise")


@dataclass(frozen=True)
class SeeSRModels:
    """Everything a bundle holds, as torch modules and numbers."""

    vae: LeanAutoencoder
    tagger: MiniTagger
    text_encoder: TextEncoder
    denoiser: SeeSRDenoiser
    tokenizer: Tokenizer
    tags: list[str]
    thresholds: list[float]
    latent_scale: float
    latent_shift: float
    image: dict[str, Any]
    """The manifest's `image` section: multipleOf, minSide, …"""

    def modules(self) -> list[nn.Module]:
        """The four networks."""
        return [self.vae, self.tagger, self.text_encoder, self.denoiser]


@dataclass(frozen=True)
class Settings:
    """A request without its picture; the defaults of `sampling` in a manifest override these."""

    scale: int = 4
    steps: int = 20
    guidance: float = 1.0
    seed: int = 42
    sampler: str = "ddpm"
    start_point: str = "lr"
    color_fix: str = "wavelet"
    user: str = ""
    positive: str = POSITIVE_PROMPT
    negative: str = NEGATIVE_PROMPT

    def __post_init__(self) -> None:
        """Throws ValueError for a choice that does not exist."""
        for name, allowed in (("sampler", SAMPLERS), ("start_point", START_POINTS), ("color_fix", tuple(COLOR_FIXES))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"expected {name} {' or '.join(allowed)}, got {getattr(self, name)}")


@dataclass(frozen=True)
class Restored:
    """The result uint8 [H, W, 3], the tags it was guided by, and x0 of every step, scaled latents [1, C, h, w]."""

    rgb8: np.ndarray
    tags: list[str]
    x0_by_step: list[Tensor]


@torch.no_grad()
def restore(models: SeeSRModels, lr_rgb8: np.ndarray, settings: Settings) -> Restored:
    """lr_rgb8 uint8 [h, w, 3] to its ×scale restoration.

    One torch CPU generator: start noise, posterior noise, one draw a DDPM step. (SeeSR draws the posterior from the global generator.)
    """
    small, reference, output = working_pictures(lr_rgb8, settings.scale, models.image)
    embeds, tags = read_picture(models, small)
    positive = encode_text(models, f"{', '.join(tags)}, {settings.user},{settings.positive}")
    negative = encode_text(models, settings.negative)
    generator = torch.Generator().manual_seed(settings.seed)
    condition = from_rgb8(reference)[None]
    mean, std = models.vae.encode_moments(condition * 2 - 1)
    start_noise, posterior_noise = (torch.randn(mean.shape, generator=generator) for _ in range(2))
    embedding = models.denoiser.embed_condition(condition)
    condition_latent = (mean - models.latent_shift) * models.latent_scale
    latent = (mean + std * posterior_noise - models.latent_shift) * models.latent_scale

    def predict(sample: Tensor, timestep: int) -> Tensor:
        def half(context: Tensor) -> Tensor:
            times = torch.tensor([float(timestep)])
            return models.denoiser(sample, times, context, embedding, embeds, condition_latent)

        if settings.guidance <= 1:
            return half(positive)
        return (1 - settings.guidance) * half(negative) + settings.guidance * half(positive)

    alphas = alphas_cumprod()
    abar = alphas[START_TIMESTEP]
    start = abar.sqrt() * latent + (1 - abar).sqrt() * start_noise if settings.start_point == "lr" else start_noise
    sample, x0_by_step = sample_loop(predict, start, settings, alphas, generator)
    decoded = models.vae.decode_latent(sample / models.latent_scale + models.latent_shift) / 2 + 0.5
    fixed = COLOR_FIXES[settings.color_fix](decoded.clamp(0, 1), condition)
    picture = Image.fromarray(to_rgb8(fixed[0])).resize(output[::-1], Image.Resampling.BICUBIC)
    return Restored(rgb8=np.asarray(picture), tags=tags, x0_by_step=x0_by_step)


def sample_loop(
    predict: Callable[[Tensor, int], Tensor], start: Tensor, settings: Settings, alphas: Tensor, generator: torch.Generator
) -> tuple[Tensor, list[Tensor]]:
    """The last sample and every step's x0, each shaped as `start`."""
    sample, x0_by_step = start, []
    times = sampling_timesteps(settings.steps)
    stride = 1000 // settings.steps
    for time in times:
        eps = predict(sample, time)
        x0_by_step.append(predict_x0(sample, eps, time, alphas))
        if settings.sampler == "ddpm":
            noise = torch.randn(sample.shape, generator=generator)
            sample, _ = ddpm_step(sample, eps, time, time - stride, alphas, noise)
        else:
            sample, _ = ddim_step(sample, eps, time, time - stride, alphas)
    return sample, x0_by_step


def working_pictures(lr: np.ndarray, scale: int, image: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """The input (enlarged first if too small), what the networks see of it, and the output's (height, width)."""
    height, width = lr.shape[:2]
    output = (height * scale, width * scale)
    least, short = -(-image["minSide"] // scale), min(height, width)
    if short < least:
        height, width = height * least // short, width * least // short
    small = resized(lr, height, width)
    upscaled = resized(small, height * scale, width * scale)
    multiple = image["multipleOf"]
    sides = [max(multiple, side // multiple * multiple) for side in upscaled.shape[:2]]
    return small, resized(upscaled, *sides), output


def resized(rgb8: np.ndarray, height: int, width: int, filter_: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    """uint8 [H, W, 3] to [height, width, 3] with Pillow."""
    return np.asarray(Image.fromarray(rgb8).resize((width, height), filter_))


def read_picture(models: SeeSRModels, small: np.ndarray) -> tuple[Tensor, list[str]]:
    """Image embeddings [1, N, D] and tags of the un-enlarged input."""
    side = models.tagger.config.side
    rgb = from_rgb8(resized(small, side, side, Image.Resampling.BILINEAR))
    normalised = (rgb - torch.tensor(IMAGE_MEAN)[:, None, None]) / torch.tensor(IMAGE_STD)[:, None, None]
    embeds, logits = models.tagger(normalised[None])
    return embeds, tags_said(logits, models.tags, torch.tensor(models.thresholds))[0]


def encode_text(models: SeeSRModels, text: str) -> Tensor:
    """Context [1, 77, D] of a prompt."""
    return models.text_encoder(torch.tensor([token_ids(models.tokenizer, text)]))


def adain_color_fix(rgb01: Tensor, reference: Tensor) -> Tensor:
    """[1, 3, H, W] with the reference's mean and deviation (unbiased variance + 1e-5) per channel."""

    def moments(x: Tensor) -> tuple[Tensor, Tensor]:
        return x.mean(dim=(2, 3), keepdim=True), (x.var(dim=(2, 3), keepdim=True) + 1e-5).sqrt()

    (mean, std), (wanted_mean, wanted_std) = moments(rgb01), moments(reference)
    return (rgb01 - mean) / std * wanted_std + wanted_mean


def wavelet_color_fix(rgb01: Tensor, reference: Tensor) -> Tensor:
    """[1, 3, H, W]: its own details over the reference's level-5 à-trous low-pass."""
    return rgb01 - low_pass(rgb01) + low_pass(reference)


def low_pass(x: Tensor) -> Tensor:
    """Five [1 2 1]² / 16 passes with dilations 1, 2, 4, 8, 16, replicate padding."""
    row = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = torch.outer(row, row)[None, None].expand(3, 1, 3, 3)
    for dilation in (1, 2, 4, 8, 16):
        x = F.conv2d(F.pad(x, (dilation,) * 4, mode="replicate"), kernel, groups=3, dilation=dilation)
    return x


COLOR_FIXES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "wavelet": wavelet_color_fix,
    "adain": adain_color_fix,
    "none": lambda rgb01, _: rgb01,
}
