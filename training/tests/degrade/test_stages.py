"""Each step of the degradation against SciPy, Pillow or its law."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import correlate, gaussian_filter
from torch import Tensor

from rfsr.common import from_rgb8, to_rgb8
from rfsr.degrade import stages

FLOAT32 = 2e-6
"""A sum of at most 441 products in single precision."""


def picture(height: int, width: int, *, seed: int = 0) -> Tensor:
    """Smooth random rgb01 [3, height, width]."""
    noise = np.random.default_rng(seed).random((3, height, width))
    smooth = gaussian_filter(noise, (0, 2, 2))
    return torch.from_numpy((smooth - smooth.min()) / (smooth.max() - smooth.min())).float()


@pytest.mark.parametrize(("height", "width"), [(40, 23), (9, 12)])
def test_filtering_correlates_each_channel_with_mirrored_borders(height: int, width: int) -> None:
    x, kernel = picture(height, width), np.random.default_rng(1).random((7, 7)) / 24.5
    want = np.stack([correlate(channel, kernel, mode="mirror") for channel in x.double().numpy()])
    assert np.abs(stages.filter2d(x, kernel).numpy() - want).max() < FLOAT32


def test_filtering_takes_a_picture_smaller_than_its_kernel() -> None:
    x = torch.full((3, 4, 6), 0.3)
    assert torch.allclose(stages.filter2d(x, np.full((21, 21), 1 / 441)), x, atol=FLOAT32)


def test_area_resizing_by_a_whole_factor_is_the_mean_of_blocks() -> None:
    x = picture(24, 36)
    want = x.reshape(3, 6, 4, 9, 4).mean(dim=(2, 4))
    assert torch.allclose(stages.resize(x, 6, 9, "area"), want, atol=FLOAT32)


def test_bilinear_enlargement_agrees_with_pillow() -> None:
    x = picture(12, 17)
    got = stages.resize(x, 24, 34, "bilinear")
    for channel, plane in zip(got, x, strict=True):
        want = np.asarray(Image.fromarray(plane.numpy()).resize((34, 24), Image.Resampling.BILINEAR))
        assert np.abs(channel.numpy() - want).max() < FLOAT32


def test_bicubic_resizing_keeps_a_constant_and_refuses_an_unknown_mode() -> None:
    flat = torch.full((3, 20, 30), 0.4)
    assert torch.allclose(stages.resize(flat, 7, 11, "bicubic"), torch.full((3, 7, 11), 0.4), atol=FLOAT32)
    with pytest.raises(ValueError, match="expected one of"):
        stages.resize(flat, 7, 11, "nearest")


def test_random_resizing_stays_within_its_bounds_and_can_be_told_to_keep() -> None:
    rng, x = np.random.default_rng(4), picture(40, 60)
    sizes = [stages.random_resize(x, rng, (0.3, 0.7, 0.0), (0.3, 1.5), (40, 60)).shape[1] for _ in range(60)]
    assert min(sizes) >= 12 and max(sizes) <= 60 and min(sizes) < 40 < max(sizes)
    assert stages.random_resize(x, rng, (0, 0, 1), (0.3, 1.5), (40, 60)).shape == x.shape


@pytest.mark.parametrize("gray", [False, True])
def test_gaussian_noise_has_its_deviation_and_is_common_to_channels_only_if_gray(gray: bool) -> None:
    flat = torch.full((3, 128, 128), 0.5)
    noise = stages.gaussian_noise(flat, np.random.default_rng(5), 10.0, gray=gray) - flat
    assert abs(noise.std().item() * 255 - 10) < 0.3  # 128² draws: three deviations of a deviation are 0.17
    assert torch.equal(noise[0], noise[1]) == gray


@pytest.mark.parametrize("gray", [False, True])
def test_poisson_noise_varies_as_the_signal_over_the_counts(gray: bool) -> None:
    levels = torch.arange(128).float().repeat(128, 1) / 255  # 128 levels: 128 counts to full scale
    noise = stages.poisson_noise(levels.expand(3, 128, 128) + 0.25, np.random.default_rng(6), 0.5, gray=gray) - levels - 0.25
    want = 0.5 * ((levels + 0.25).mean() / 128).sqrt().item()
    assert abs(noise.std().item() / want - 1) < 0.05  # 128² draws, clipped nowhere
    assert torch.equal(noise[0], noise[2]) == gray


def test_jpeg_is_pillows_codec_at_the_rounded_quality() -> None:
    x = picture(33, 47)
    buffer = io.BytesIO()
    Image.fromarray(to_rgb8(x)).save(buffer, "JPEG", quality=61)
    assert torch.equal(stages.jpeg(x, 60.7), from_rgb8(np.asarray(Image.open(buffer))))


def test_sharpening_leaves_faint_detail_and_steepens_edges_within_bounds() -> None:
    faint = 0.5 + 0.01 * picture(64, 64)
    assert torch.allclose(stages.sharpen(faint), faint, atol=FLOAT32)
    edge = torch.full((3, 64, 96), 0.3)
    edge[:, :, 48:] = 0.7
    sharp = stages.sharpen(edge)
    assert sharp.min() >= 0 and sharp.max() <= 1
    assert sharp[1, 32, 48] > 0.75 and sharp[1, 32, 47] < 0.25


def test_the_wide_blur_of_sharpening_agrees_with_scipy() -> None:
    x = picture(70, 90)
    want = gaussian_filter(x.double().numpy(), (0, 8, 8), mode="mirror", radius=(0, 25, 25))
    assert np.abs(stages.separable_gaussian(x, 51, 8.0).numpy() - want).max() < FLOAT32
