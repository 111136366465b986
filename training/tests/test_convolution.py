"""Convolutions with our own gradients equal PyTorch's."""

import pytest
import torch
from torch import nn

from rfsr.convolution import LARGE_ROWS, FastConv2d, use_fast_convolutions

TOLERANCE = 1e-5
"""Of the largest gradient: sums of up to some ten thousand float32 products in another order."""


@pytest.mark.parametrize("mode", ["zeros", "replicate"])
@pytest.mark.parametrize("rows", [9, LARGE_ROWS])
def test_gradients_are_pytorchs(mode: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    torch.manual_seed(0)
    slow = nn.Conv2d(5, 7, 3, padding=1, padding_mode=mode)
    fast = nn.Conv2d(5, 7, 3, padding=1, padding_mode=mode)
    fast.load_state_dict(slow.state_dict())
    use_fast_convolutions(fast)
    assert isinstance(fast, FastConv2d)
    given = torch.randn(2, 5, rows, 13)
    inputs = [given.clone().requires_grad_() for _ in range(2)]
    for conv, x in zip((slow, fast), inputs, strict=True):
        conv(x).square().sum().backward()
    for ours, theirs in ((inputs[1], inputs[0]), (fast.weight, slow.weight), (fast.bias, slow.bias)):
        assert (ours.grad - theirs.grad).abs().max() <= TOLERANCE * theirs.grad.abs().max()


def test_other_convolutions_and_better_processors_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    others = nn.ModuleList([nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 3, stride=2), nn.Conv2d(2, 2, 3, groups=2)])
    use_fast_convolutions(others)
    assert all(type(each) is nn.Conv2d for each in others)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    plain = nn.Conv2d(2, 2, 3)
    use_fast_convolutions(plain)
    assert type(plain) is nn.Conv2d
