"""PSNR and SSIM against scikit-image."""

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from rfsr.metrics.pixels import IDENTICAL_DB, luma, psnr, ssim

FLOAT64 = 1e-9
"""Both sides are double precision, summed in another order."""


def pair(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A soft random picture and a noisy version, uint8 [height, width, 3]."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8))
    clean = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    return clean, np.clip(clean + rng.normal(0, 12, clean.shape), 0, 255).astype(np.uint8)


def cut(rgb8: np.ndarray) -> np.ndarray:
    return luma(rgb8)[4:-4, 4:-4]


@pytest.mark.parametrize(("height", "width"), [(48, 61), (19, 40)])
def test_agree_with_scikit_image_on_luma_without_the_border(height: int, width: int) -> None:
    clean, noisy = pair(height, width)
    assert abs(psnr(noisy, clean) - peak_signal_noise_ratio(cut(clean), cut(noisy), data_range=255)) < FLOAT64
    _, similarity = structural_similarity(
        cut(clean), cut(noisy), data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert abs(ssim(noisy, clean) - similarity[5:-5, 5:-5].mean()) < FLOAT64


def test_equal_pictures_score_the_most_and_order_does_not_matter() -> None:
    clean, noisy = pair(40, 40)
    assert psnr(clean, clean) == IDENTICAL_DB and abs(ssim(clean, clean) - 1) < FLOAT64
    assert psnr(clean, noisy) == psnr(noisy, clean) and abs(ssim(clean, noisy) - ssim(noisy, clean)) < FLOAT64


def test_the_border_does_not_count() -> None:
    clean, noisy = pair(40, 40)
    framed = noisy.copy()
    framed[:4], framed[-4:], framed[:, :4], framed[:, -4:] = 0, 255, 0, 255
    assert psnr(framed, clean) == psnr(noisy, clean) and ssim(framed, clean) == ssim(noisy, clean)


def test_luma_is_full_range() -> None:
    assert luma(np.array([[[255, 255, 255], [0, 255, 0]]], dtype=np.uint8)).round(9).tolist() == [[255.0, 149.685]]


def test_refuse_a_picture_smaller_than_window_and_border() -> None:
    with pytest.raises(ValueError, match="at least 19"):
        ssim(np.zeros((18, 40, 3), np.uint8), np.zeros((18, 40, 3), np.uint8))
