"""The sliced Wasserstein distance of Laplacian patches, and its pyramid."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from rfsr.metrics.patches import LEVELS, PYRAMID, laplacian, sliced_wasserstein, smoothed


def grey(y: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(np.round(y), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def texture(seed: int, *, height: int = 128, width: int = 160, contrast: float = 25) -> np.ndarray:
    return 128 + contrast * np.random.default_rng(seed).normal(size=(height, width))


def test_is_zero_of_equals_and_small_of_another_draw_of_the_same_texture() -> None:
    one, other = grey(texture(0)), grey(texture(1))
    blurred, flat = grey(gaussian_filter(texture(0), 1)), grey(np.full((128, 160), 128.0))
    assert sliced_wasserstein(one, one) == 0
    # pixel by pixel the other draw is as far away as can be; as a texture it is the same
    assert sliced_wasserstein(other, one) < 0.1 < sliced_wasserstein(blurred, one) < sliced_wasserstein(flat, one)


def test_of_a_flat_answer_it_is_the_mean_magnitude_of_the_references_texture() -> None:
    # A projection of white noise of deviation 1 is N(0, 1), whose mean magnitude is sqrt(2/pi); a pyramid's levels are close to that.
    flat = grey(np.full((256, 256), 128.0))
    assert sliced_wasserstein(flat, grey(texture(2, height=256, width=256))) == pytest.approx((2 / np.pi) ** 0.5, rel=0.1)


def test_grows_with_the_difference_of_contrast_which_normalising_each_would_hide() -> None:
    reference = grey(texture(3))
    weak, strong = (sliced_wasserstein(grey(texture(4, contrast=contrast)), reference) for contrast in (20, 10))
    assert 0 < weak < strong


def test_the_same_pictures_always_give_the_same_figure_and_odd_sides_work() -> None:
    one, other = grey(texture(5, height=65, width=67)), grey(texture(6, height=65, width=67))
    assert sliced_wasserstein(one, other) == sliced_wasserstein(one, other) > 0
    with pytest.raises(ValueError, match="at least 64, got 63×67"):
        sliced_wasserstein(one[:63], other[:63])


def test_levels_and_what_is_left_add_up_to_the_picture() -> None:
    picture = texture(7, height=70, width=83)
    levels = laplacian(picture)
    assert len(levels) == LEVELS and [level.shape for level in levels] == [(70, 83), (35, 42), (18, 21)]
    left = picture
    for _ in range(LEVELS):
        left = smoothed(left)[::2, ::2]
    for level in reversed(levels):
        spread = np.zeros_like(level)
        spread[::2, ::2] = 4 * left
        left = level + smoothed(spread)
    assert np.abs(left - picture).max() < 1e-9
    assert PYRAMID.sum() == 1 and np.allclose(laplacian(np.full((64, 64), 9.0))[0], 0)
