"""Bands and styles against PyWavelets and NumPy."""

import numpy as np
import pytest
import pywt
import torch

from rfsr.dwt import haar
from rfsr.losses import gram, gram_distance, low_band_loss


@pytest.mark.parametrize("size", [(8, 12), (7, 9), (5, 6)])
def test_bands_equal_pywavelets(size: tuple[int, int]) -> None:
    picture = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ll, (lh, hl, hh) = pywt.dwt2(picture.numpy(), "haar", mode="symmetric")
    for ours, theirs in zip(haar(picture), (ll, lh, hl, hh), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-12)


def test_the_low_band_loss_sees_no_detail() -> None:
    flat, chequered = torch.full((1, 3, 8, 8), 0.5), torch.full((1, 3, 8, 8), 0.5)
    chequered[..., ::2, ::2] += 0.1
    chequered[..., 1::2, ::2] -= 0.1
    assert low_band_loss(chequered, flat).item() == pytest.approx(0, abs=1e-7)
    # a step of brightness is doubled by the orthonormal low band
    assert low_band_loss(flat + 0.1, flat).item() == pytest.approx(0.2, rel=1e-5)


def test_gram_matrices_equal_their_definition() -> None:
    maps = torch.randn(2, 4, 5, 3, generator=torch.Generator().manual_seed(0))
    for ours, one in zip(gram(maps).numpy(), maps.double().numpy(), strict=True):
        normal = (one - one.mean()) / one.std(ddof=1)
        np.testing.assert_allclose(ours, np.einsum("ahw,bhw->ab", normal, normal) / one.size, atol=1e-5)


def test_gram_distance_weighs_squared_differences() -> None:
    a = [torch.randn(2, 3, 4, 4), torch.randn(2, 5, 2, 2)]
    b = [torch.randn(2, 3, 4, 4), torch.randn(2, 5, 2, 2)]
    expected = sum(
        weight * ((gram(x) - gram(y)).numpy() ** 2).sum(axis=(1, 2)).mean()
        for weight, x, y in zip((0.1, 2.0), a, b, strict=True)
    )
    assert gram_distance(a, b, (0.1, 2.0)).item() == pytest.approx(expected, rel=1e-5)
    assert gram_distance(a, a).item() == 0


def test_gram_keeps_its_precision_under_autocast() -> None:
    maps = torch.randn(1, 8, 6, 6)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(gram(maps), gram(maps.float()))
        assert gram(maps).dtype == torch.float32
