"""Samplers against diffusers' own, step by step, and where sampling starts."""

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UniPCMultistepScheduler
from torch import Tensor

from rfsr.families import FAMILIES, START_POINTS, start_sample
from rfsr.samplers import SAMPLERS, open_sampler
from rfsr.schedule import SCHEDULER_CONFIG, alphas_cumprod, predict_x0, spaced_timesteps

LOOP_TOLERANCE = 1e-4
"""Of samples near one: errors of float32 grow by 1/sqrt(abar) at early steps."""
SHAPE = (1, 2, 3, 4)


def made_up(sample: Tensor, timestep: int) -> Tensor:
    return torch.sin(3 * sample + timestep / 100) / 2


@pytest.mark.parametrize(("name", "kind"), [("ddpm", DDPMScheduler), ("ddim", DDIMScheduler)])
@pytest.mark.parametrize("steps", [1, 4, 50])
def test_a_loop_equals_the_reference_schedulers(name: str, kind: type, steps: int) -> None:
    sampler, scheduler = open_sampler(name, steps), kind.from_config(SCHEDULER_CONFIG)
    scheduler.set_timesteps(steps)
    assert sampler.times == scheduler.timesteps.tolist()
    sample = expected = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    ours, theirs = (torch.Generator().manual_seed(2) for _ in range(2))
    extra = {"generator": theirs} if sampler.uses_noise else {}
    for index, time in enumerate(sampler.times):
        noise = torch.randn(SHAPE, generator=ours) if sampler.uses_noise else None
        sample = sampler.step(sample, made_up(sample, time), index, noise)
        expected = scheduler.step(made_up(expected, time), time, expected, **extra).prev_sample
        assert torch.allclose(sample, expected, rtol=LOOP_TOLERANCE, atol=LOOP_TOLERANCE)


def test_spaced_timesteps_round_halves_to_even() -> None:
    assert spaced_timesteps(50)[:3] == [999, 979, 958] and spaced_timesteps(50)[-4:] == [61, 41, 20, 0]
    assert spaced_timesteps(7) == [999, 832, 666, 500, 333, 166, 0] and spaced_timesteps(1) == [0]
    with pytest.raises(ValueError, match="expected 1 to 1000 steps"):
        spaced_timesteps(0)


def test_pasd_takes_the_published_steps() -> None:
    published = [999, 949, 899, 849, 799, 749, 699, 649, 599, 549, 500, 450, 400, 350, 300, 250, 200, 150, 100, 50]
    assert open_sampler("unipc", 20).times == published


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_ends_at_the_truth_when_told_the_true_noise(name: str) -> None:
    generator = torch.Generator().manual_seed(3)
    clean = torch.randn(SHAPE, generator=generator)
    sampler, alphas = open_sampler(name, 10), alphas_cumprod()
    noise = torch.randn(SHAPE, generator=generator)
    sample = start_sample("lr", clean, sampler, noise, lambda: noise)
    for index, time in enumerate(sampler.times):
        eps = (sample - alphas[time].sqrt() * clean) / (1 - alphas[time]).sqrt()
        assert torch.allclose(predict_x0(sample, eps, time, alphas), clean, atol=LOOP_TOLERANCE)
        sample = sampler.step(sample, eps, index, torch.randn(SHAPE, generator=generator) if sampler.uses_noise else None)
    # DDIM's last abar is that of the first training step, as Stable Diffusion's configuration has it
    assert torch.allclose(sample, clean, atol=0.1 if name == "ddim" else LOOP_TOLERANCE)


def test_a_start_noised_twice_is_that_of_todays_diffusers_and_the_legacy_one_forgets_the_input() -> None:
    generator = torch.Generator().manual_seed(4)
    latent, first, second = (torch.randn(SHAPE, generator=generator) for _ in range(3))
    sampler = open_sampler("unipc", 20)
    scheduler = UniPCMultistepScheduler.from_config({**SCHEDULER_CONFIG, "timestep_spacing": "linspace", "steps_offset": 0})
    scheduler.set_timesteps(20)
    once = scheduler.add_noise(latent, first, torch.tensor([999]))
    expected = scheduler.add_noise(once, second, torch.tensor([900]))
    starts = {point: start_sample(point, latent, sampler, first, lambda: second) for point in START_POINTS}
    assert torch.allclose(starts["lr"], once, atol=LOOP_TOLERANCE)
    assert torch.allclose(starts["lr-twice"], expected, atol=LOOP_TOLERANCE)
    assert torch.equal(starts["noise"], first)
    # diffusers up to 0.21.4: x becomes .1190 x + .9929 n
    assert torch.allclose(starts["lr-twice-legacy"], 0.1190 * once + 0.9929 * second, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "steps", "level"), [("ddpm", 20, 1), ("ddim", 20, 1), ("spaced-ddpm", 20, 0), ("unipc", 20, 50), ("ddpm", 34, 900)]
)
def test_a_start_noised_twice_means_the_same_with_every_sampler(name: str, steps: int, level: int) -> None:
    """The level itself where the run has it (34 steps of DDPM do), else the run's last timestep."""
    generator = torch.Generator().manual_seed(5)
    latent, first, second = (torch.randn(SHAPE, generator=generator) for _ in range(3))
    sampler, abar = open_sampler(name, steps), alphas_cumprod()[level]
    once = start_sample("lr", latent, sampler, first, lambda: second)
    twice = start_sample("lr-twice", latent, sampler, first, lambda: second)
    assert torch.allclose(twice, abar.sqrt() * once + (1 - abar).sqrt() * second)
    assert torch.equal(
        start_sample("lr-twice-legacy", latent, sampler, first, lambda: second),
        start_sample("lr-twice-legacy", latent, open_sampler("unipc", 20), first, lambda: second),
    )


@pytest.mark.parametrize(
    ("family", "tags", "user", "expected"),
    [
        ("seesr", ["bird", "tree"], "", "bird, tree, ,clean, high-resolution, 8k"),
        ("seesr", ["bird"], "a red sign", "bird, a red sign,clean, high-resolution, 8k"),
        ("diffbir", [], "", ""),
        ("diffbir", ["bird", "tree"], "", "bird, tree"),
        ("diffbir", ["bird"], "a red sign", "bird, a red sign"),
        ("pasd", ["bird", "tree"], "", "bird, tree, clean, high-resolution, 8k"),
        ("pasd", [], "a bird on a branch", " a bird on a branchclean, high-resolution, 8k"),
    ],
)
def test_every_family_writes_its_prompt_as_published(family: str, tags: list[str], user: str, expected: str) -> None:
    assert FAMILIES[family].prompt(tags, user, FAMILIES[family].positive) == expected
