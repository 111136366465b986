"""SeeSR's procedure: sizes, prompts, order of noise and guidance, each against a reference of its own."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from PIL import Image
from torch import Tensor

from rfsr.common import from_rgb8
from rfsr.families import FAMILIES
from rfsr.models.vocabulary import NEGATIVE_PROMPT, POSITIVE_PROMPT, token_ids
from rfsr.pipelines import BundleModels, Settings, restore
from rfsr.pipelines.steps import enlarged, to_multiple
from rfsr.schedule import SCHEDULER_CONFIG
from tests.pipelines.stand_ins import models_of, picture, recorded

LATENT_TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def models() -> BundleModels:
    return models_of("seesr")


@torch.no_grad()
def test_noise_is_drawn_for_the_start_then_the_posterior_then_every_step(models: BundleModels) -> None:
    given, recorder, _ = recorded(models)
    restore(given, picture(), Settings(steps=2, seed=5))
    reference = to_multiple(enlarged(picture(), 4, models.image), 32)
    mean, std = models.vae.encode_moments(from_rgb8(reference)[None] * 2 - 1)
    generator = torch.Generator().manual_seed(5)
    start_noise, posterior_noise = (torch.randn(mean.shape, generator=generator) for _ in range(2))
    latent = models.scaled(mean + std * posterior_noise)
    expected = DDPMScheduler.from_config(SCHEDULER_CONFIG).add_noise(latent, start_noise, torch.tensor([999]))
    sample, timestep, _ = recorder.calls[0]
    assert torch.allclose(sample, expected, atol=LATENT_TOLERANCE)
    assert [call[1].item() for call in recorder.calls] == [501.0, 1.0] and timestep.dtype == torch.float32
    (conditioned,) = recorder.conditioned
    assert torch.equal(conditioned["picture"], from_rgb8(reference)[None])
    assert torch.allclose(conditioned["condition_latent"], models.scaled(mean), atol=LATENT_TOLERANCE)


def test_starting_from_noise_starts_from_noise_alone(models: BundleModels) -> None:
    given, recorder, _ = recorded(models)
    restore(given, picture(), Settings(steps=1, seed=5, start_point="noise"))
    start = recorder.calls[0][0]
    assert torch.equal(start, torch.randn(start.shape, generator=torch.Generator().manual_seed(5)))


def test_the_prompt_is_tags_in_list_order_then_the_words_of_person_and_bundle(models: BundleModels) -> None:
    given, _, texts = recorded(replace(models, thresholds=[0.0, 1.0] * 8 + [0.0]))
    restored = restore(given, picture(), Settings(steps=1, user="a red sign"))
    assert restored.tags == models.tags[::2]
    positive = f"{', '.join(models.tags[::2])}, a red sign,{POSITIVE_PROMPT}"
    assert texts.seen == [token_ids(models.tokenizer, text) for text in (positive, NEGATIVE_PROMPT)]


def test_guidance_extrapolates_from_the_negative_prompt_and_is_off_at_one(models: BundleModels) -> None:
    def first_x0(guidance: float) -> tuple[Tensor, int]:
        given, recorder, _ = recorded(models)
        return restore(given, picture(), Settings(steps=1, guidance=guidance)).x0_by_step[0], len(recorder.calls)

    (plain, one), (half, two), (strong, _) = first_x0(1.0), first_x0(1.5), first_x0(2.0)
    assert (one, two) == (1, 2)
    assert torch.allclose(strong - plain, 2 * (half - plain), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(strong, plain)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_picture_and_another_gives_another(family: str) -> None:
    models = models_of(family, multiple=64 if FAMILIES[family].first_stage else 32)
    settings = Settings(steps=2, guidance=2.0, seed=1)
    first, again, other = (restore(models, picture(), item).rgb8 for item in (settings, settings, replace(settings, seed=2)))
    assert first.shape == (80, 112, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("size", "scale", "continued", "working"),
    [
        ((20, 28), 4, (20, 28), (64, 96)),  # 80 × 112 down to multiples of 32
        ((40, 17), 4, (40, 17), (160, 64)),
        ((8, 12), 4, (16, 16), (64, 64)),  # 64 / 4 at least
        ((1, 200), 4, (16, 200), (64, 800)),
        ((70, 33), 1, (70, 64), (64, 64)),
        ((9, 30), 3, (22, 30), (64, 64)),  # 64 / 3 rounds up to 22
    ],
)
def test_a_short_side_is_continued_by_its_mirror_image_then_all_is_enlarged_and_brought_to_the_multiple(
    models: BundleModels, size: tuple[int, int], scale: int, continued: tuple[int, int], working: tuple[int, int]
) -> None:
    lr = picture(*size)
    given, recorder, _ = recorded(models)
    restored = restore(given, lr, Settings(scale=scale, steps=1))
    # there, back, there again: period of twice the side
    rows, columns = (np.concatenate([np.arange(side), np.arange(side)[::-1]]) for side in size)
    mirrored = lr[np.resize(rows, continued[0])][:, np.resize(columns, continued[1])]
    wanted = Image.fromarray(mirrored)
    large = wanted.resize((continued[1] * scale, continued[0] * scale), Image.Resampling.BICUBIC)
    seen = from_rgb8(np.asarray(large.resize(working[::-1], Image.Resampling.BICUBIC)))[None]
    assert torch.equal(recorder.conditioned[0]["picture"], seen)
    assert restored.rgb8.shape == (size[0] * scale, size[1] * scale, 3)


@pytest.mark.parametrize("choice", [{"sampler": "euler"}, {"start_point": "middle"}, {"color_fix": "sepia"}])
def test_a_choice_that_does_not_exist_is_refused(choice: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"expected {next(iter(choice))} .*, got"):
        Settings(**choice)
