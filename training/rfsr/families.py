"""What tells the families apart beside their networks: words, sampling, where sampling starts, and what training has to know.

Facts: the published inference scripts and their defaults. A family is one entry here, one file of `rfsr.models` with its configurations,
one module of `rfsr.pipelines` of its name with its procedure, and the configurations of its bundles. No other code needs to name one, but `rfsr.convert`, which knows the
files that each is published in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from rfsr.models import diffbir, pasd, seesr
from rfsr.models.denoiser import DenoiserConfig
from rfsr.models.published import SIZES
from rfsr.models.text import TextConfig
from rfsr.models.vocabulary import NEGATIVE_PROMPT, POSITIVE_PROMPT
from rfsr.samplers import Sampler
from rfsr.windows import Windows

START_TIMESTEP = 999
SECOND_TIMESTEP = 900
"""PASD noises its start latent a second time, at this level (`added_noise_level`)."""
START_POINTS = ("lr", "noise", "lr-twice", "lr-twice-legacy")
"""From the input's latent, noised once; from noise alone; noised twice, as PASD does.

The second noising is a trap of versions: since diffusers 0.22 UniPC takes a level that is not among the run's timesteps for the last one of
them, which adds little; before, it meant itself, which leaves hardly anything of the input ("legacy"). The name of a start means the same
with every sampler here, so UniPC's rule holds for the others too; diffusers' own DDPM and DDIM would noise at the level itself.
"""


@dataclass(frozen=True)
class Family:
    """`configs`: of its denoiser, by size. `prompt`: tags, a person's words and quality words as one text. `guidance`, `color_fix`: as published,
    for the published weights.

    `windows`: the published steps of sampling, and those of them that RFSR trains (arXiv 2412.03268, section 4.2). `first_stage`: whether the
    condition is a first stage's picture, so that it needs a restorer. `rgb_heads`: whether its ControlNet learns small clean pictures beside.
    `tags_optional`: whether it is shipped with tags and without, of the same weights. `tags_of`: which pictures its training took tags of.
    `base`: the Stable Diffusion that the published networks stand on, 2 (or 2.1) or 1.5.
    """

    configs: dict[str, DenoiserConfig]
    prompt: Callable[[list[str], str, str], str]
    positive: str
    negative: str
    sampler: str
    start_point: str
    windows: Windows
    guidance: float = 1.0
    color_fix: str = "wavelet"
    first_stage: bool = False
    rgb_heads: bool = False
    tags_optional: bool = False
    tags_of: Literal["degraded", "truth"] = "degraded"
    base: Literal["sd2", "sd1"] = "sd2"


def seesr_prompt(tags: list[str], user: str, positive: str) -> str:
    """Double comma included (test_seesr.py)."""
    return f"{', '.join(tags)}, {user},{positive}"


def diffbir_prompt(tags: list[str], user: str, positive: str) -> str:
    """Tags joined by commas, then what there is of the other words (DiffBIR's `--captioner ram`); nothing at all without any."""
    return ", ".join(text for text in (*tags, user, positive) if text)


def pasd_prompt(tags: list[str], user: str, positive: str) -> str:
    """Tags as PASD writes detected objects, each with its comma, in the place of a caption; quality words follow without a separator."""
    return "".join(f"{tag}, " for tag in tags) + (f" {user}" if user else "") + positive


FAMILIES = {
    "seesr": Family(
        configs=seesr.CONFIGS,
        prompt=seesr_prompt,
        positive=POSITIVE_PROMPT,
        negative=NEGATIVE_PROMPT,
        sampler="ddpm",
        start_point="lr",
        windows=Windows(50, (0, 20), (40, 50)),
        guidance=5.5,
        color_fix="adain",
        tags_of="truth",
    ),
    "diffbir": Family(
        configs=diffbir.CONFIGS,
        prompt=diffbir_prompt,
        positive="",
        negative="",
        sampler="spaced-ddpm",
        start_point="noise",
        windows=Windows(50, (0, 20), (40, 50)),
        first_stage=True,
        tags_optional=True,
    ),
    "pasd": Family(
        configs=pasd.CONFIGS,
        prompt=pasd_prompt,
        positive=POSITIVE_PROMPT,
        negative="blurry, dotted, noise, raster lines, unclear, lowres, over-smoothed",
        sampler="unipc",
        start_point="lr-twice",
        windows=Windows(20, (0, 8), (17, 20)),
        guidance=9.0,
        rgb_heads=True,
        base="sd1",
    ),
}
PRIOR = "seesr"
"""The family whose small denoiser is trained from nothing; the others' start from it."""


def text_config(family: str, size: str, vocab_size: int) -> TextConfig:
    """The text encoder's of a family's size: as published, or a small one over a vocabulary of the mini's own."""
    if size in SIZES:
        return SIZES[size].text[FAMILIES[family].base]
    return TextConfig(vocab_size, width=FAMILIES[family].configs[size].unet.text_dim)


def start_sample(point: str, latent: Tensor, sampler: Sampler, noise: Tensor, draw: Callable[[], Tensor]) -> Tensor:
    """x_T [B, C, h, w] from the input's scaled latent and noise of the same shape; `draw` gives the second noise where it is needed."""
    if point == "noise":
        return noise
    alphas = sampler.alphas.to(latent.device)
    once = noised(latent, noise, alphas[START_TIMESTEP])
    if point == "lr":
        return once
    legacy = point == "lr-twice-legacy"
    level = SECOND_TIMESTEP if legacy else sampler.times[sampler.level_index(SECOND_TIMESTEP)]
    return noised(once, draw(), alphas[level])


def noised(latent: Tensor, noise: Tensor, abar: Tensor) -> Tensor:
    """sqrt(abar) · latent + sqrt(1 - abar) · noise."""
    return abar.sqrt() * latent + (1 - abar).sqrt() * noise
