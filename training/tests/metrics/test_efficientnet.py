"""The distance of pictures in a network that judges; here with random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet

from rfsr.metrics.efficientnet import EFFICIENTNET, maps, normalised, open_efficientnet_distance
from tests.metrics.networks import write_networks


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_networks(tmp_path_factory.mktemp("nets")) / EFFICIENTNET


def picture(seed: int, *, height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_maps_are_the_stem_and_what_enters_each_halving_block() -> None:
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    entered = {}
    for index in (1, 3, 5, 11):  # the blocks of stride 2 in table 1 of the paper
        network._blocks[index].register_forward_pre_hook(lambda _, given, index=index: entered.update({index: given[0]}))
    x = normalised(picture(0))
    with torch.no_grad():
        found = maps(network, x)
        network.extract_features(x)
    assert [tuple(each.shape[1:]) for each in found] == [(32, 32, 48), (16, 32, 48), (24, 16, 24), (40, 8, 12), (112, 4, 6)]
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(found[1:], entered.values(), strict=True))


def test_pictures_are_given_as_the_network_was_trained() -> None:
    x = normalised(np.array([[[0, 127, 255]]], np.uint8))
    assert x.flatten().tolist() == [-127 / 128, 0, 1]


def test_equal_pictures_are_at_distance_zero_others_symmetrically_apart(weights: Path) -> None:
    measure = open_efficientnet_distance(weights)
    one, other = picture(1), picture(2)
    slightly = np.clip(one.astype(int) + np.random.default_rng(3).integers(-3, 4, one.shape), 0, 255).astype(np.uint8)
    assert measure(one, one) == 0
    assert 0 < measure(slightly, one) < measure(other, one) <= 4
    assert measure(one, other) == measure(other, one)


def test_refuses_pictures_too_small_and_weights_of_another_network(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 32, got 31×64"):
        open_efficientnet_distance(weights)(picture(0, height=31, width=64), picture(0, height=31, width=64))
    torch.save({"_fc.bias": torch.zeros(1000)}, tmp_path / "other.pth")
    with pytest.raises(RuntimeError, match="Missing key"):
        open_efficientnet_distance(tmp_path / "other.pth")
