"""VGG19's maps against the list of its layers, written out."""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from rfsr.features.vgg19 import VGG19Features

# torchvision's indices of convolutions and pools
CONVS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
POOLS = (4, 9, 18, 27)
TAKEN = (2, 7, 16, 25, 34)


def test_maps_are_taken_before_the_relus_of_five_convolutions(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = VGG19Features().state_dict()
    save_file({**state, "classifier.0.weight": torch.zeros(2, 2)}, tmp_path / "vgg19.safetensors")
    network = VGG19Features.load(tmp_path / "vgg19.safetensors")
    picture = torch.rand(1, 3, 40, 48)
    x = (picture - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    expected = []
    for index in range(35):
        if index in CONVS:
            x = F.conv2d(x, state[f"features.{index}.weight"], state[f"features.{index}.bias"], padding=1)
            if index in TAKEN:
                expected.append(x)
        else:
            x = F.max_pool2d(x, 2) if index in POOLS else F.relu(x)
    for ours, theirs in zip(network.maps(picture), expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert len(network.weights) == len(expected)
