"""DAPE's adapters, against what they do where they are not merged."""

import pytest
import torch
import torch.nn.functional as F

from rfsr.convert.dape import DapeMerged, merged_change
from rfsr.convert.files import ConversionError

RANK, CHANNELS = 8, 12
TOLERANCE = 1e-5
"""Values near one in float32, the same operations in another order."""


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_a_joint_adapter_moves_query_and_value_by_an_eighth_and_leaves_the_key() -> None:
    x, down, up = draw(5, CHANNELS), draw(2 * RANK, CHANNELS, seed=1), draw(2 * CHANNELS, RANK, seed=2)
    weight = draw(3 * CHANNELS, CHANNELS, seed=3)
    # unmerged, as loralib runs it: down to both ranks at once, then each up on its own by a grouped convolution
    narrow = F.linear(x, down)
    wide = F.conv1d(narrow.T[None], up[..., None], groups=2)[0].T / 8
    query, key, value = F.linear(x, weight).chunk(3, dim=1)
    expected = torch.cat([query + wide[:, :CHANNELS], key, value + wide[:, CHANNELS:]], dim=1)
    merged = weight + merged_change(down, up, rows=len(weight))
    torch.testing.assert_close(F.linear(x, merged), expected, atol=TOLERANCE, rtol=TOLERANCE)


def test_a_plain_adapter_adds_an_eighth_of_its_product() -> None:
    x, down, up = draw(5, 6), draw(RANK, 6, seed=1), draw(CHANNELS, RANK, seed=2)
    change = merged_change(down, up, rows=CHANNELS)
    torch.testing.assert_close(F.linear(x, change), x @ down.T @ up.T / 8, atol=TOLERANCE, rtol=TOLERANCE)


def tensors() -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    ram = {"a.qkv.weight": draw(3 * CHANNELS, CHANNELS), "a.qkv.bias": draw(3 * CHANNELS), "fc.weight": draw(1, 4)}
    return ram, {"a.qkv.lora_A": draw(2 * RANK, CHANNELS), "a.qkv.lora_B": draw(2 * CHANNELS, RANK)}


def test_only_weights_with_an_adapter_change() -> None:
    ram, adapters = tensors()
    merged = DapeMerged(ram, adapters)
    assert list(merged) == list(ram)
    for name in ("a.qkv.bias", "fc.weight"):
        assert torch.equal(merged[name], ram[name])
    assert torch.equal(merged["a.qkv.weight"][CHANNELS : 2 * CHANNELS], ram["a.qkv.weight"][CHANNELS : 2 * CHANNELS])
    assert not torch.equal(merged["a.qkv.weight"], ram["a.qkv.weight"])


def test_adapters_on_nothing_and_files_without_any_are_refused() -> None:
    ram, adapters = tensors()
    with pytest.raises(ConversionError, match=r"1 unknown \(b\.qkv\)"):
        DapeMerged(ram, {"b.qkv.lora_A": adapters["a.qkv.lora_A"], "b.qkv.lora_B": adapters["a.qkv.lora_B"]})
    with pytest.raises(ConversionError, match="no adapters"):
        DapeMerged(ram, {"a.qkv.weight": draw(1)})


def test_an_adapter_that_shares_its_weight_with_the_head_must_be_without_effect() -> None:
    ram, adapters = tensors()
    name = "tag_encoder.encoder.layer.1.crossattention.self.query"
    idle = {f"{name}.lora_A": draw(RANK, 4), f"{name}.lora_B": torch.zeros(4, RANK)}
    DapeMerged(ram, adapters | idle)
    with pytest.raises(ConversionError, match="tag encoder was trained"):
        DapeMerged(ram, adapters | idle | {f"{name}.lora_B": draw(4, RANK)})
