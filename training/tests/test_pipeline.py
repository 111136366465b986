"""SeeSR's procedure: sizes, prompts, order of noise, guidance and colour, each against a reference of its own."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from PIL import Image
from torch import Tensor, nn

from rfsr.common import from_rgb8
from rfsr.export.sources import nano_models
from rfsr.models.vocabulary import NEGATIVE_PROMPT, POSITIVE_PROMPT, token_ids
from rfsr.pipeline import COLOR_FIXES, SeeSRModels, Settings, adain_color_fix, restore, sample_loop, working_pictures
from rfsr.schedule import SCHEDULER_CONFIG, alphas_cumprod

IMAGE = {"scale": 4, "multipleOf": 32, "minSide": 64, "workingSide": 128, "colorFix": "wavelet"}
LOOP_TOLERANCE = 1e-4
"""Of samples near one: errors of float32 grow by 1/sqrt(abar) at early steps."""
COLOR_TOLERANCE = 1e-5
"""Of colours in 0…1: sums over a small picture in float32."""


@pytest.fixture(scope="module")
def models() -> SeeSRModels:
    return nano_models(image=IMAGE)[0]


def picture(height: int = 20, width: int = 28) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


class Recorder(nn.Module):
    """A denoiser that keeps what it is given and predicts the mean of its context, so that prompts show in the result."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Tensor, ...]] = []

    def embed_condition(self, condition: Tensor) -> Tensor:
        return condition

    def forward(self, *inputs: Tensor) -> Tensor:
        self.calls.append(inputs)
        return torch.zeros_like(inputs[0]) + inputs[2].mean()


class TokenRecorder(nn.Module):
    """A text encoder that keeps token ids; the context is their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[int]] = []

    def forward(self, ids: Tensor) -> Tensor:
        self.seen.append(ids[0].tolist())
        return ids.float().mean(dim=1, keepdim=True)[..., None] / 100


@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
@pytest.mark.parametrize("steps", [1, 4, 50])
def test_a_sampling_loop_equals_the_reference_schedulers(sampler: str, steps: int) -> None:
    start = torch.randn(1, 2, 3, 4, generator=torch.Generator().manual_seed(1))

    def predict(sample: Tensor, timestep: int) -> Tensor:
        return torch.sin(3 * sample + timestep / 100) / 2

    generator = torch.Generator().manual_seed(2)
    got, x0_by_step = sample_loop(predict, start, Settings(sampler=sampler, steps=steps), alphas_cumprod(), generator)
    scheduler = (DDPMScheduler if sampler == "ddpm" else DDIMScheduler).from_config(SCHEDULER_CONFIG)
    scheduler.set_timesteps(steps)
    sample, generator = start, torch.Generator().manual_seed(2)
    extra = {"generator": generator} if sampler == "ddpm" else {}
    for index, timestep in enumerate(scheduler.timesteps):
        out = scheduler.step(predict(sample, int(timestep)), timestep, sample, **extra)
        sample = out.prev_sample
        assert torch.allclose(x0_by_step[index], out.pred_original_sample, rtol=LOOP_TOLERANCE, atol=LOOP_TOLERANCE)
    assert torch.allclose(got, sample, rtol=LOOP_TOLERANCE, atol=LOOP_TOLERANCE)


@torch.no_grad()
def test_noise_is_drawn_for_the_start_then_the_posterior_then_every_step(models: SeeSRModels) -> None:
    recorder = Recorder()
    settings = Settings(steps=2, seed=5)
    restore(replace(models, denoiser=recorder), picture(), settings)
    _, reference, _ = working_pictures(picture(), 4, IMAGE)
    mean, std = models.vae.encode_moments(from_rgb8(reference)[None] * 2 - 1)
    generator = torch.Generator().manual_seed(5)
    start_noise, posterior_noise, _ = (torch.randn(mean.shape, generator=generator) for _ in range(3))
    latent = (mean + std * posterior_noise - models.latent_shift) * models.latent_scale
    scheduler = DDPMScheduler.from_config(SCHEDULER_CONFIG)
    expected = scheduler.add_noise(latent, start_noise, torch.tensor([999]))
    sample, timestep, _, condition, _, condition_latent = recorder.calls[0]
    assert torch.allclose(sample, expected, atol=LOOP_TOLERANCE)
    assert [call[1].item() for call in recorder.calls] == [501.0, 1.0] and timestep.dtype == torch.float32
    assert torch.equal(condition, from_rgb8(reference)[None])
    assert torch.allclose(condition_latent, (mean - models.latent_shift) * models.latent_scale, atol=LOOP_TOLERANCE)


def test_starting_from_noise_starts_from_noise_alone(models: SeeSRModels) -> None:
    recorder = Recorder()
    restore(replace(models, denoiser=recorder), picture(), Settings(steps=1, seed=5, start_point="noise"))
    start = recorder.calls[0][0]
    assert torch.equal(start, torch.randn(start.shape, generator=torch.Generator().manual_seed(5)))


def test_the_prompt_is_tags_in_list_order_then_the_words_of_person_and_bundle(models: SeeSRModels) -> None:
    texts = TokenRecorder()
    every = replace(models, text_encoder=texts, denoiser=Recorder(), thresholds=[0.0, 1.0] * 8 + [0.0])
    restored = restore(every, picture(), Settings(steps=1, user="a red sign"))
    assert restored.tags == models.tags[::2]
    positive = f"{', '.join(models.tags[::2])}, a red sign,{POSITIVE_PROMPT}"
    assert texts.seen == [token_ids(models.tokenizer, text) for text in (positive, NEGATIVE_PROMPT)]


def test_guidance_extrapolates_from_the_negative_prompt_and_is_off_at_one(models: SeeSRModels) -> None:
    def first_x0(guidance: float) -> tuple[Tensor, int]:
        recorder = Recorder()
        given = replace(models, text_encoder=TokenRecorder(), denoiser=recorder)
        return restore(given, picture(), Settings(steps=1, guidance=guidance)).x0_by_step[0], len(recorder.calls)

    (plain, one), (half, two), (strong, _) = first_x0(1.0), first_x0(1.5), first_x0(2.0)
    assert (one, two) == (1, 2)
    assert torch.allclose(strong - plain, 2 * (half - plain), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(strong, plain)


def test_the_same_seed_gives_the_same_picture_and_another_gives_another(models: SeeSRModels) -> None:
    settings = Settings(steps=2, guidance=2.0, seed=1)
    first, again, other = (restore(models, picture(), item).rgb8 for item in (settings, settings, replace(settings, seed=2)))
    assert first.shape == (80, 112, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("size", "scale", "small", "working"),
    [
        ((20, 28), 4, (20, 28), (64, 96)),  # 80 × 112 down to multiples of 32
        ((40, 17), 4, (40, 17), (160, 64)),
        ((8, 12), 4, (16, 24), (64, 96)),  # raised to 64 / 4 first
        ((1, 1), 4, (16, 16), (64, 64)),
        ((70, 33), 1, (135, 64), (128, 64)),
        ((30, 25), 3, (30, 25), (64, 64)),  # 64 / 3 rounds up to 22
    ],
)
def test_working_sizes_follow_the_smallest_side_and_the_multiple(
    size: tuple[int, int], scale: int, small: tuple[int, int], working: tuple[int, int]
) -> None:
    lr = picture(*size)
    got_small, got_working, output = working_pictures(lr, scale, IMAGE)
    assert got_small.shape == (*small, 3) and got_working.shape == (*working, 3)
    assert output == (size[0] * scale, size[1] * scale)
    step = Image.fromarray(got_small).resize((small[1] * scale, small[0] * scale), Image.Resampling.BICUBIC)
    assert np.array_equal(got_working, np.asarray(step.resize(working[::-1], Image.Resampling.BICUBIC)))


def test_color_fixes_keep_a_picture_that_already_has_the_colours_of_its_reference() -> None:
    planes = torch.rand(2, 3, 12, 17, generator=torch.Generator().manual_seed(3))
    for fix in COLOR_FIXES.values():
        assert torch.allclose(fix(planes, planes), planes, atol=COLOR_TOLERANCE)


def test_color_fixes_take_back_a_cast_but_keep_detail() -> None:
    reference = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(4))
    cast = reference * 0.8 + torch.tensor([0.1, 0.0, -0.05])[:, None, None]
    assert torch.allclose(adain_color_fix(cast, reference), reference, atol=1e-3)  # the floor under the variance shows
    for fix in (COLOR_FIXES["wavelet"], COLOR_FIXES["adain"]):
        means = fix(cast, reference).mean(dim=(2, 3))
        assert torch.allclose(means, reference.mean(dim=(2, 3)), atol=0.01)
    assert torch.equal(COLOR_FIXES["none"](cast, reference), cast)


@pytest.mark.parametrize("choice", [{"sampler": "euler"}, {"start_point": "middle"}, {"color_fix": "sepia"}])
def test_a_choice_that_does_not_exist_is_refused(choice: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"expected {next(iter(choice))} .*, got"):
        Settings(**choice)
