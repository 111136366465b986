"""SwinIR as DiffBIR's first stage: published names, windows that reach where they should, any size."""

import hashlib
from collections import defaultdict

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from rfsr.models.restorer import CONFIGS, SwinIR, SwinLayer, from_windows, shift_mask, to_windows

# sha256 over the sorted "name (shape)" lines of every top-level block of the published checkpoint, index and mask buffers left out.
PUBLISHED = {
    "conv_first": "f51c9ea07135f46a", "patch_embed": "c96054a6ede7aefc", "layers": "e88383d289c2de7e",
    "norm": "1d42bd8f088bc610", "conv_after_body": "76bf75b88b992ebb", "conv_before_upsample": "7f6fb8fb6c242d64",
    "conv_up1": "cc65d5fbab2bf452", "conv_up2": "1fe861eabf68f218", "conv_up3": "4b356dd0504db77f",
    "conv_hr": "940bcf8d285fc954", "conv_last": "5962ef02d9f5146a",
}  # fmt: skip

LAYER_TOLERANCE = 1e-5
"""Values near one in float32, the same operations in another order."""


def nano() -> SwinIR:
    torch.manual_seed(0)
    return SwinIR(CONFIGS["nano-swin"]).eval()


def test_the_full_network_has_the_published_names_shapes_and_size() -> None:
    with torch.device("meta"):
        network = SwinIR(CONFIGS["full"])
    blocks = defaultdict(list)
    for name, value in network.state_dict().items():
        blocks[name.split(".")[0]].append(f"{name} {tuple(value.shape)}")
    assert len(network.state_dict()) == 660
    assert {name: hashlib.sha256("\n".join(sorted(x)).encode()).hexdigest()[:16] for name, x in blocks.items()} == PUBLISHED
    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(15.79, abs=0.01)


def reference_layer(x: Tensor, weights: dict[str, Tensor], heads: int, window: int) -> Tensor:
    """A Swin layer without shift by the published formula and names, window by window: x [h, w, C] to the same."""
    height, width, channels = x.shape
    normed = F.layer_norm(x, (channels,), weights["norm1.weight"], weights["norm1.bias"])
    qkv = F.linear(normed, weights["attn.qkv.weight"], weights["attn.qkv.bias"])
    cells = [(row, column) for row in range(window) for column in range(window)]
    table = weights["attn.relative_position_bias_table"].reshape(2 * window - 1, 2 * window - 1, heads)
    shift = window - 1
    bias = torch.stack([torch.stack([table[a - c + shift, b - d + shift] for c, d in cells]) for a, b in cells]).permute(
        2, 0, 1
    )
    mixed = torch.zeros_like(x)
    for top in range(0, height, window):
        for left in range(0, width, window):
            part = qkv[top : top + window, left : left + window].reshape(window**2, 3, heads, -1)
            q, k, v = part.permute(1, 2, 0, 3)
            seen = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
            mixed[top : top + window, left : left + window] = seen.transpose(0, 1).reshape(window, window, channels)
    x = x + F.linear(mixed, weights["attn.proj.weight"], weights["attn.proj.bias"])
    normed = F.layer_norm(x, (channels,), weights["norm2.weight"], weights["norm2.bias"])
    inner = F.gelu(F.linear(normed, weights["mlp.fc1.weight"], weights["mlp.fc1.bias"]))
    return x + F.linear(inner, weights["mlp.fc2.weight"], weights["mlp.fc2.bias"])


@torch.no_grad()
def test_a_layers_published_names_mean_what_the_formula_says() -> None:
    config = CONFIGS["nano-swin"]
    layer = SwinLayer(config, shifted=False).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in layer.parameters():
        parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    x = torch.randn(1, 16, 8, config.channels, generator=generator)
    expected = reference_layer(x[0], layer.state_dict(), config.heads, config.window)
    torch.testing.assert_close(layer(x)[0], expected, atol=LAYER_TOLERANCE, rtol=LAYER_TOLERANCE)


def test_windows_go_there_and_back() -> None:
    x = torch.randn(2, 16, 24, 5)
    windows = to_windows(x, 8)
    assert windows.shape == (2, 6, 64, 5)
    assert torch.equal(windows[:, 1, 0], x[:, 0, 8]) and torch.equal(from_windows(windows, 16, 24, 8), x)


def test_shifted_windows_do_not_join_what_the_roll_brought_together() -> None:
    mask = shift_mask(16, 16, 8, 4, torch.zeros(1))
    assert not mask[0].any()
    # the last window holds four regions of equal size, each of which sees itself alone
    assert (mask[3] == 0).float().mean() == pytest.approx(0.25)
    assert torch.equal(mask, mask.transpose(1, 2))


@torch.no_grad()
def test_a_change_reaches_as_far_as_the_windows_and_no_further() -> None:
    network = nano()
    picture = torch.rand(1, 3, 192, 64)
    changed = picture.clone()
    changed[..., :8, :8] += 0.2
    difference = (network(changed) - network(picture)).abs().amax(dim=(0, 1, 3))
    assert difference[:8].max() > 0
    # two layers of windows of 64 pixels, the second shifted by 32; convolutions of the map reach three cells of 8 pixels, those after it less than two
    assert difference[64 + 32 + 3 * 8 + 16 :].max() < 1e-6
