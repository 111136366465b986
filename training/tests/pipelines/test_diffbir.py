"""DiffBIR's procedure: padding, the first stage, its latent as condition, an empty prompt."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rfsr.common import from_rgb8
from rfsr.models.vocabulary import token_ids
from rfsr.pipelines import BundleModels, Settings, restore
from rfsr.pipelines.steps import enlarged
from tests.pipelines.stand_ins import models_of, picture, recorded


@pytest.fixture(scope="module")
def models() -> BundleModels:
    return models_of("diffbir", tagged=False, multiple=64)


@torch.no_grad()
def test_the_first_stage_of_the_padded_picture_is_condition_and_sampling_starts_from_noise(models: BundleModels) -> None:
    given, recorder, _ = recorded(models)
    restored = restore(given, picture(), Settings(steps=2, seed=5))
    padded = torch.zeros(1, 3, 128, 128)
    padded[..., :80, :112] = from_rgb8(enlarged(picture(), 4, models.image))
    first = models.restorer(padded)
    (conditioned,) = recorder.conditioned
    assert restored.rgb8.shape == restored.first_stage.shape == (80, 112, 3)
    assert torch.equal(conditioned["picture"], first)
    assert torch.equal(conditioned["condition_latent"], models.scaled(models.vae.encode_moments(first * 2 - 1)[0]))
    start = recorder.calls[0][0]
    assert torch.equal(start, torch.randn(start.shape, generator=torch.Generator().manual_seed(5)))
    assert [call[1].item() for call in recorder.calls] == [999.0, 0.0]


@torch.no_grad()
def test_a_bundle_may_pad_with_the_pictures_own_edge(models: BundleModels) -> None:
    given, recorder, _ = recorded(replace(models, image={**models.image, "padding": "edge"}, restorer=torch.nn.Identity()))
    restore(given, picture(), Settings(steps=1))
    seen = recorder.conditioned[0]["picture"]
    assert seen.shape == (1, 3, 128, 128)
    assert torch.equal(seen[..., :80, 112:], seen[..., :80, 111:112].expand(-1, -1, -1, 16))
    assert torch.equal(seen[..., 80:, :], seen[..., 79:80, :].expand(-1, -1, 48, -1))


def test_the_prompt_is_empty_unless_the_bundle_is_tagged(models: BundleModels) -> None:
    every = replace(models, thresholds=[0.0, 1.0] * 8 + [0.0])
    for tagged, text in ((False, ""), (True, ", ".join(models.tags[::2]))):
        given, _, texts = recorded(replace(every, tagged=tagged))
        restored = restore(given, picture(), Settings(steps=1))
        assert texts.seen[0] == token_ids(models.tokenizer, text)
        assert restored.tags == (models.tags[::2] if tagged else [])


def test_colours_are_those_of_the_first_stage(models: BundleModels) -> None:
    class Red(torch.nn.Module):
        """A first stage that paints everything one colour."""

        def forward(self, degraded: torch.Tensor) -> torch.Tensor:
            return torch.tensor([0.8, 0.2, 0.1])[:, None, None].expand_as(degraded)

    painted = restore(replace(models, restorer=Red()), picture(), Settings(steps=1, color_fix="adain")).rgb8
    assert np.abs(painted.mean(axis=(0, 1)) / 255 - [0.8, 0.2, 0.1]).max() < 0.02


@torch.no_grad()
def test_a_short_side_is_continued_by_its_mirror_image_and_cut_off_again(models: BundleModels) -> None:
    given, recorder, _ = recorded(replace(models, restorer=torch.nn.Identity()))
    restored = restore(given, picture(3, 40), Settings(steps=1))
    seen = recorder.conditioned[0]["picture"]
    assert seen.shape == (1, 3, 64, 192)
    assert torch.equal(seen[..., :64, :160], from_rgb8(enlarged(picture(3, 40), 4, models.image))[None])
    assert restored.rgb8.shape == restored.first_stage.shape == (12, 160, 3) and restored.visible == (12, 160)
