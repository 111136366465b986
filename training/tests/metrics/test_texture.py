"""Measures of patterns and detail, on pictures whose figures are known."""

import numpy as np
import pytest
import pywt
from scipy.ndimage import gaussian_filter

from rfsr.metrics.pixels import luma
from rfsr.metrics.texture import cell_pattern, gradient_similarity, high_band_energy, seed_spread

FLOAT64 = 1e-9


def grey(y: np.ndarray) -> np.ndarray:
    """[H, W] to uint8 [H, W, 3]."""
    return np.repeat(np.clip(np.round(y), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def soft(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    """A soft picture without a pattern, [height, width] about 128."""
    return 128 + 300 * gaussian_filter(np.random.default_rng(seed).normal(size=(height, width)), 3)


def test_a_pattern_of_cells_has_its_own_deviation() -> None:
    pattern = np.random.default_rng(0).choice([-3.0, 3.0], (8, 8))
    pattern -= pattern.mean()
    measured = cell_pattern(grey(128 + np.tile(np.round(pattern), (12, 16))))
    assert measured == pytest.approx(
        np.round(pattern).std(), rel=0.02
    )  # the mean over 8×8 takes nothing away from a sum of zero


def test_a_pattern_is_found_under_a_picture_and_scales_with_its_strength() -> None:
    stripes = np.where(np.arange(8) < 4, 1.0, -1.0)
    calm = 128 + (soft(136, 168) - 128) / 4  # little of it reaches the clip
    none, weak, strong = (cell_pattern(grey(calm + strength * np.tile(stripes, (136, 21)))) for strength in (0, 2, 4))
    assert none < 0.1 and weak == pytest.approx(2, abs=0.1) and strong == pytest.approx(4, abs=0.1)


def test_a_flat_picture_a_gradient_and_another_period_have_no_pattern() -> None:
    assert cell_pattern(grey(np.full((64, 72), 90.0))) == 0
    ramp = grey(np.tile(np.arange(160.0), (96, 1)))
    assert cell_pattern(ramp) < 0.6  # the mean over 8 lies half a pixel beside it, everywhere alike
    seven = np.resize(np.array([4.0, 4, 4, -4, -4, -4, 0]), 8 * 30 + 16)
    assert cell_pattern(grey(128 + np.tile(seven, (136, 1)))) < 0.3


def test_borders_and_edges_of_the_picture_count_little() -> None:
    picture = grey(soft(96, 104))
    framed = picture.copy()
    framed[:4] = framed[-4:] = 255
    assert abs(cell_pattern(framed) - cell_pattern(picture)) < 0.05
    with pytest.raises(ValueError, match="at least 48, got 47×64"):
        cell_pattern(picture[:47, :64])


def test_energy_is_that_of_one_haar_level() -> None:
    rng = np.random.default_rng(1)
    one, other = (rng.integers(0, 256, (40, 56, 3), dtype=np.uint8) for _ in range(2))

    def reference(rgb8: np.ndarray) -> float:
        return sum(np.mean(band**2) for band in pywt.dwt2(luma(rgb8), "haar")[1])

    assert high_band_energy(one, other) == pytest.approx(reference(one) / reference(other), rel=FLOAT64)


def test_energy_is_one_of_equals_less_of_blur_more_of_noise_and_grows_with_the_square_of_contrast() -> None:
    rng = np.random.default_rng(2)
    detail = rng.normal(0, 10, (65, 97))  # odd sides
    clean = grey(128 + detail)
    assert high_band_energy(clean, clean) == 1
    assert high_band_energy(grey(128 + gaussian_filter(detail, 1.5)), clean) < 0.1
    assert high_band_energy(grey(128 + 2 * detail), clean) == pytest.approx(4, rel=0.02)  # rounding to levels
    with pytest.raises(ValueError, match="flat"):
        high_band_energy(clean, grey(np.full((65, 97), 9.0)))


def test_sharpness_falls_with_blur_and_with_noise_alike() -> None:
    clean = soft(64, 80)
    blurred = grey(gaussian_filter(clean, 4))
    noisy = grey(clean + np.random.default_rng(3).normal(0, 15, clean.shape))
    itself = gradient_similarity(grey(clean), grey(clean))
    assert itself == pytest.approx(1, abs=FLOAT64)
    assert gradient_similarity(blurred, grey(clean)) < 0.9 and gradient_similarity(noisy, grey(clean)) < 0.9
    assert gradient_similarity(blurred, grey(clean)) == gradient_similarity(grey(clean), blurred)


def test_sharpness_of_ramps_is_what_their_slopes_say() -> None:
    columns = np.tile(np.arange(40.0), (24, 1))
    a, b = 2.0, 5.0
    measured = gradient_similarity(grey(a * columns), grey(b * columns))
    assert measured == pytest.approx((2 * a * b + 26) / (a**2 + b**2 + 26), abs=FLOAT64)
    with pytest.raises(ValueError, match="at least 3"):
        gradient_similarity(grey(columns[:2]), grey(columns[:2]))


def test_spread_is_none_of_one_answer_and_known_of_independent_ones() -> None:
    rng = np.random.default_rng(4)
    truth = np.full((64, 64), 128.0)
    same = [grey(truth + 7)] * 3
    assert seed_spread(same, grey(truth)) == 0
    scattered = [grey(truth + rng.normal(0, 12, truth.shape)) for _ in range(3)]
    assert seed_spread(scattered, grey(truth)) == pytest.approx((2 / 3) ** 0.5, rel=0.03)  # two of three degrees of freedom
    # Errors of two kinds, 12 levels by chance and 16 alike: 12² / (12² + 16²) of the square.
    biased = [grey(truth + 16 + rng.normal(0, 12, truth.shape)) for _ in range(3)]
    assert seed_spread(biased, grey(truth)) == pytest.approx((2 / 3) ** 0.5 * 12 / 20, rel=0.05)


def test_spread_refuses_one_result_and_results_without_error() -> None:
    truth = grey(soft(32, 32))
    with pytest.raises(ValueError, match="two seeds, got 1"):
        seed_spread([truth], truth)
    with pytest.raises(ValueError, match="differ from the reference"):
        seed_spread([truth, truth], truth)
