"""SqueezeNet features against a second implementation in NumPy, with random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import correlate

from rfsr.features.network import feature_distance
from rfsr.features.squeezenet import SQUEEZENET, SqueezeNetFeatures
from tests.metrics.networks import write_networks

FLOAT32 = 2e-4
"""Unit vectors through eighteen layers in single precision, against double."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_networks(tmp_path_factory.mktemp("nets")) / SQUEEZENET


def convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, *, stride: int = 1, pad: int = 0) -> np.ndarray:
    """[C, H, W] through a convolution and ReLU."""
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    planes = [correlate(x, kernel, mode="valid", method="direct")[0, ::stride, ::stride] for kernel in weight]
    return np.maximum(np.stack(planes) + bias[:, None, None], 0)


def pooled(x: np.ndarray) -> np.ndarray:
    """Maxima of 3×3 windows, two apart, whole windows only."""
    height, width = ((side - 3) // 2 + 1 for side in x.shape[1:])
    return np.array([[[p[2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max() for j in range(width)] for i in range(height)] for p in x])


def reference(rgb01: np.ndarray, z: dict[str, np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """The four maps of [3, H, W], not yet of unit length, and the logits."""
    x = rgb01[::-1] * 255.0 - np.array([104, 117, 123.0])[:, None, None]
    maps = [convolved(x, z["conv1.w"], z["conv1.b"], stride=2)]
    x = pooled(maps[0])
    for number in range(2, 10):
        name = f"fire{number}_conv"
        squeezed = convolved(x, z[f"{name}1x1_1.w"], z[f"{name}1x1_1.b"])
        narrow = convolved(squeezed, z[f"{name}1x1_2.w"], z[f"{name}1x1_2.b"])
        x = np.concatenate([narrow, convolved(squeezed, z[f"{name}3x3_2.w"], z[f"{name}3x3_2.b"], pad=1)])
        if number in (3, 5, 9):
            maps.append(x)
        if number in (4, 8):
            x = pooled(x)
    return maps, convolved(x, z["conv_final.w"], z["conv_final.b"], pad=1).mean(axis=(1, 2))


def test_maps_and_logits_agree_with_a_second_implementation(weights: Path) -> None:
    rgb01 = np.random.default_rng(1).random((3, 56, 71))
    network = SqueezeNetFeatures(weights)
    batch = torch.from_numpy(rgb01).float()[None]
    maps, logits = reference(rgb01, dict(np.load(weights)))
    for got, want in zip(network(batch), maps, strict=True):
        unit = want / np.sqrt((want**2).sum(axis=0, keepdims=True) + 1e-10)
        assert np.abs(got[0].numpy() - unit).max() < FLOAT32
    last, classes = network.classify(batch)
    assert last.shape == (1, *maps[-1].shape) and classes.shape == (1, 1000)
    assert np.abs(classes[0].numpy() - logits).max() < FLOAT32 * np.abs(logits).max()


def test_the_distance_is_zero_for_equal_pictures_symmetric_and_grows_with_noise(weights: Path) -> None:
    network = SqueezeNetFeatures(weights)
    generator = torch.Generator().manual_seed(0)
    clean, noise = (torch.rand(2, 3, 64, 48, generator=generator) for _ in range(2))
    slight, strong = network(0.9 * clean + 0.1 * noise), network(0.5 * clean + 0.5 * noise)
    of_clean = network(clean)
    assert feature_distance(of_clean, of_clean) == 0
    assert feature_distance(slight, of_clean) == feature_distance(of_clean, slight)
    assert 0 < feature_distance(of_clean, slight) < feature_distance(of_clean, strong) < 2


def test_a_batch_scores_each_picture_as_alone(weights: Path) -> None:
    network = SqueezeNetFeatures(weights)
    batch = torch.rand(2, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    for index in range(2):
        for both, alone in zip(network(batch), network(batch[index : index + 1]), strict=True):
            assert torch.allclose(both[index], alone[0], atol=FLOAT32)


def test_the_gradient_reaches_the_picture_and_no_weight_is_trained(weights: Path) -> None:
    network = SqueezeNetFeatures(weights)
    rgb01 = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(2), requires_grad=True)
    feature_distance(network(rgb01), network(rgb01.detach().flip(3))).backward()
    assert rgb01.grad is not None and bool(torch.isfinite(rgb01.grad).all()) and rgb01.grad.abs().max() > 0
    assert not list(network.parameters()) and not network.state_dict()
