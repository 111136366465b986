"""Steps that two or more procedures take."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rfsr.color_fix import COLOR_FIXES
from rfsr.common import from_rgb8, to_rgb8
from rfsr.families import start_sample
from rfsr.models.tagger import IMAGE_MEAN, IMAGE_STD, tags_said
from rfsr.models.vocabulary import token_ids
from rfsr.pipelines.parts import BundleModels, Restored, Settings
from rfsr.samplers import open_sampler
from rfsr.schedule import predict_x0


def resized(rgb8: np.ndarray, height: int, width: int, filter_: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
    """uint8 [H, W, 3] to [height, width, 3] with Pillow."""
    return np.asarray(Image.fromarray(rgb8).resize((width, height), filter_))


def enlarged(lr: np.ndarray, scale: int, image: dict[str, Any]) -> np.ndarray:
    """uint8 [h, w, 3] times the scale, a short side continued by its mirror image up to the least that the manifest's `image` section names.

    The published programs enlarge the whole picture to it instead, which makes a strip many times as long.
    """
    least = -(-image["minSide"] // scale)
    height, width = (max(side, least) for side in lr.shape[:2])
    mirrored = np.pad(lr, ((0, height - lr.shape[0]), (0, width - lr.shape[1]), (0, 0)), mode="symmetric")
    return resized(mirrored, height * scale, width * scale)


def to_multiple(rgb8: np.ndarray, multiple: int) -> np.ndarray:
    """Resized down so that both sides are multiples."""
    return resized(rgb8, *(max(multiple, side // multiple * multiple) for side in rgb8.shape[:2]))


def read_picture(models: BundleModels, picture: np.ndarray) -> tuple[Tensor, list[str]]:
    """Image embeddings [1, N, D] and tags of a picture that was not enlarged; no tags where the bundle does not use them."""
    side = models.tagger.config.side
    rgb = from_rgb8(resized(picture, side, side, Image.Resampling.BILINEAR))
    normalised = (rgb - torch.tensor(IMAGE_MEAN)[:, None, None]) / torch.tensor(IMAGE_STD)[:, None, None]
    embeds, logits = models.tagger(normalised[None])
    said = tags_said(logits, models.tags, torch.tensor(models.thresholds))[0]
    return embeds, said if models.tagged else []


def encode_texts(models: BundleModels, tags: list[str], settings: Settings) -> tuple[Tensor, Tensor]:
    """Contexts [1, 77, D] of the prompt and of the negative words."""
    words = [
        default if chosen is None else chosen
        for chosen, default in ((settings.positive, models.traits.positive), (settings.negative, models.traits.negative))
    ]
    texts = (models.traits.prompt(tags, settings.user, words[0]), words[1])
    positive, negative = (
        models.text_encoder(torch.tensor([token_ids(models.tokenizer, text, pad_id=models.pad_id)])) for text in texts
    )
    return positive, negative


def predictor(
    models: BundleModels, contexts: tuple[Tensor, Tensor], conditions: dict[str, Tensor], *, guidance: float
) -> Callable[[Tensor, int], Tensor]:
    """x_t and its timestep to the noise in it, under classifier-free guidance where that is above 1."""
    positive, negative = contexts

    def predict(sample: Tensor, timestep: int) -> Tensor:
        times = torch.tensor([float(timestep)])
        if guidance <= 1:
            return models.denoiser(sample, times, positive, **conditions)
        without = models.denoiser(sample, times, negative, **conditions)
        return (1 - guidance) * without + guidance * models.denoiser(sample, times, positive, **conditions)

    return predict


def sample_latent(
    predict: Callable[[Tensor, int], Tensor],
    latent: Tensor,
    noise: Tensor,
    *,
    models: BundleModels,
    settings: Settings,
    generator: torch.Generator,
) -> tuple[Tensor, list[Tensor]]:
    """From the start that the settings name, over the sampler's steps: the last sample and every step's x0, [1, C, h, w] each.

    `latent`: the input's, scaled; `noise`: the start's. One draw more for a start that is noised twice, then one a step.
    """
    sampler = open_sampler(settings.sampler or models.traits.sampler, settings.steps)

    def draw() -> Tensor:
        return torch.randn(latent.shape, generator=generator)

    sample = start_sample(settings.start_point or models.traits.start_point, latent, sampler, noise, draw)
    x0_by_step = []
    for index, time in enumerate(sampler.times):
        eps = predict(sample, time)
        x0_by_step.append(predict_x0(sample, eps, time, sampler.alphas))
        sample = sampler.step(sample, eps, index, draw() if sampler.uses_noise else None)
    return sample, x0_by_step


def restore_from_input(models: BundleModels, lr: np.ndarray, settings: Settings) -> Restored:
    """What SeeSR and PASD do, from tags to the picture: lr uint8 [h, w, 3] to its ×scale restoration.

    One torch CPU generator: start noise, posterior noise, then what `sample_latent` draws. (The published programs draw the posterior from the
    global generator.)
    """
    large = enlarged(lr, settings.scale, models.image)
    reference = to_multiple(large, models.image["multipleOf"])
    height, width = (side * settings.scale for side in lr.shape[:2])
    embeds, tags = read_picture(models, lr)
    contexts = encode_texts(models, tags, settings)
    generator = torch.Generator().manual_seed(settings.seed)
    condition = from_rgb8(reference)[None]
    first = condition if models.restorer is None else models.restorer(condition)
    mean, std = models.vae.encode_moments(first * 2 - 1)
    start_noise, posterior_noise = (torch.randn(mean.shape, generator=generator) for _ in range(2))
    conditions = models.denoiser.conditions(picture=condition, image_embeds=embeds, condition_latent=models.scaled(mean))
    predict = predictor(models, contexts, conditions, guidance=settings.guidance)
    latent = models.scaled(mean + std * posterior_noise)
    sample, x0_by_step = sample_latent(predict, latent, start_noise, models=models, settings=settings, generator=generator)
    decoded = picture_of(models, sample, centre=models.scaled(mean), first=first)
    fixed = COLOR_FIXES[settings.color_fix](decoded.clamp(0, 1), condition)
    rows, columns = -(-height * reference.shape[0] // large.shape[0]), -(-width * reference.shape[1] // large.shape[1])
    return Restored(
        rgb8=resized(to_rgb8(fixed[0]), *large.shape[:2])[:height, :width],
        tags=tags,
        x0_by_step=x0_by_step,
        first_stage=None if models.restorer is None else to_rgb8(first[0, :, :rows, :columns]),
        preview_base=preview_base(models, centre=models.scaled(mean), first=first),
        visible=(rows, columns),
    )


def picture_of(models: BundleModels, latent: Tensor, *, centre: Tensor, first: Tensor) -> Tensor:
    """A scaled latent [1, C, h, w] as a picture [1, 3, 8h, 8w], nominally 0…1.

    Where the bundle decodes corrections, it is the first stage's picture `first` and the difference that decoding makes between the latent and
    `first`'s own, `centre`: what the autoencoder cannot carry is not lost.
    """
    decoded = decode01(models, latent)
    return decoded if models.image.get("decoding") != "correction" else first + decoded - decode01(models, centre)


def preview_base(models: BundleModels, *, centre: Tensor, first: Tensor) -> Tensor | None:
    """See `Restored.preview_base`."""
    if models.image.get("decoding") != "correction":
        return None
    return first - (models.vae.decode_linear(models.unscaled(centre)) / 2 + 0.5)


def decode01(models: BundleModels, latent: Tensor) -> Tensor:
    """A scaled latent [1, C, h, w] as the autoencoder decodes it, [1, 3, 8h, 8w], nominally 0…1."""
    return models.vae.decode_latent(models.unscaled(latent)) / 2 + 0.5
