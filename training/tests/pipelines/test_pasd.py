"""PASD's procedure: sizes and the start that is noised twice."""

import pytest
import torch

from rfsr.common import from_rgb8
from rfsr.families import start_sample
from rfsr.pipelines import BundleModels, Settings, restore
from rfsr.pipelines.steps import enlarged, to_multiple
from rfsr.samplers import open_sampler
from tests.pipelines.stand_ins import models_of, picture, recorded


@pytest.fixture(scope="module")
def models() -> BundleModels:
    return models_of("pasd")


@torch.no_grad()
@pytest.mark.parametrize("point", ["lr-twice", "lr-twice-legacy"])
def test_noise_is_drawn_for_the_start_then_the_posterior_then_the_second_start(models: BundleModels, point: str) -> None:
    given, recorder, _ = recorded(models)
    restore(given, picture(), Settings(steps=4, seed=5, start_point=point))
    reference = to_multiple(enlarged(picture(), 4, models.image), 32)
    mean, std = models.vae.encode_moments(from_rgb8(reference)[None] * 2 - 1)
    generator = torch.Generator().manual_seed(5)
    start, posterior, second = (torch.randn(mean.shape, generator=generator) for _ in range(3))
    latent = models.scaled(mean + std * posterior)
    expected = start_sample(point, latent, open_sampler("unipc", 4), start, lambda: second)
    assert torch.equal(recorder.calls[0][0], expected)
    assert [call[1].item() for call in recorder.calls] == [999.0, 749.0, 500.0, 250.0]
