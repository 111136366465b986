"""The whole degradation: repeatable, bounded, ordered by severity."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from rfsr.degrade.params import MILD, SET_A, SET_B, SETS
from rfsr.degrade.pipeline import degrade


def textured(height: int, width: int) -> Tensor:
    """Random texture with detail at several scales, rgb01 [3, height, width]."""
    rng = np.random.default_rng(0)
    layers = [gaussian_filter(rng.standard_normal((3, height, width)), (0, s, s)) * s for s in (0.7, 2, 6)]
    return torch.from_numpy(np.clip(0.5 + 0.15 * sum(layers), 0, 1)).float()


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("height", "width"), [(64, 96), (32, 32)])
def test_gives_a_quarter_of_the_sides_within_bounds(name: str, height: int, width: int) -> None:
    rng = np.random.default_rng(7)
    for _ in range(6):
        lr = degrade(textured(height, width), SETS[name], rng)
        assert lr.shape == (3, height // 4, width // 4) and lr.dtype == torch.float32
        assert lr.min() >= 0 and lr.max() <= 1 and bool(torch.isfinite(lr).all())


def test_the_same_seed_gives_the_same_picture_and_another_seed_another() -> None:
    x = textured(64, 64)
    first, again, other = (degrade(x, SET_B, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_draws_from_no_other_generator() -> None:
    x = textured(64, 64)
    np.random.seed(0)
    torch.manual_seed(0)
    first = degrade(x, SET_A, np.random.default_rng(3))
    np.random.seed(1)
    torch.manual_seed(1)
    assert torch.equal(first, degrade(x, SET_A, np.random.default_rng(3)))


def test_leaves_its_input_alone() -> None:
    x = textured(64, 64)
    before = x.clone()
    degrade(x, SET_A, np.random.default_rng(0))
    assert torch.equal(x, before)


def test_set_a_loses_most_and_mild_least() -> None:
    x = textured(96, 96)
    small = x.reshape(3, 24, 4, 24, 4).mean(dim=(2, 4))

    def loss(name: str) -> float:
        draws = [degrade(x, SETS[name], np.random.default_rng(seed)) for seed in range(24)]
        return float(np.mean([(lr - small).abs().mean() for lr in draws]))

    assert loss("mild") < loss("b") < loss("a")


@pytest.mark.parametrize(("height", "width"), [(64, 66), (28, 64)])
def test_refuses_sides_that_do_not_divide_or_are_too_small(height: int, width: int) -> None:
    with pytest.raises(ValueError, match="expected sides"):
        degrade(torch.zeros(3, height, width), MILD, np.random.default_rng(0))
