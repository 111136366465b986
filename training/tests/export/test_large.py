"""Graphs of the published kind: shards, chains, parts of attention, half precision."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0

from rfsr.export import manifest
from rfsr.export.attention import LARGEST_BYTES, QueryParts, part_attention
from rfsr.export.graphs import GraphSpec, as_arguments, graph_specs, named_sizes, round_to_half
from rfsr.export.halves import compute_half, compute_single
from rfsr.export.large import export_one, key_of
from rfsr.export.parity import MAX_RELATIVE_ERROR, open_session
from rfsr.families import FAMILIES
from rfsr.models.denoiser import Denoiser
from tests.published import Published

TOLERANCE = 1e-5
"""Values near one in float32, the same operations in another order."""
LIMIT = 2000
"""Bytes of a file of weights, so that the smallest graph has several."""


@torch.no_grad()
@pytest.mark.parametrize("parts", [1, 4])
def test_attention_in_parts_is_diffusers_attention(parts: int) -> None:
    torch.manual_seed(0)
    attention = Attention(query_dim=12, cross_attention_dim=10, heads=3, dim_head=4).eval()
    x, read = torch.randn(2, 16, 12), torch.randn(2, 7, 10)
    attention.set_processor(AttnProcessor2_0())
    expected = attention(x, encoder_hidden_states=read)
    attention.set_processor(QueryParts(parts))
    torch.testing.assert_close(attention(x, encoder_hidden_states=read), expected, atol=TOLERANCE, rtol=TOLERANCE)


@pytest.mark.parametrize("family", FAMILIES)
def test_at_full_width_no_scores_pass_what_an_adapter_binds(family: str) -> None:
    with torch.device("meta"):
        denoiser = Denoiser(FAMILIES[family].configs["full"])
    parts = part_attention(denoiser)
    heads = denoiser.config.unet.heads[0]
    for name, count in parts.items():
        assert 4 * heads * (64 * 64) ** 2 / count <= LARGEST_BYTES, name
    # only the highest resolution needs it: two layers below, three above, of UNet and ControlNet; PASD's pixel attentions twice
    own = {name for name in parts if ".attentions." in name and name.startswith("unet.")}
    assert len(own) == 5 and all("down_blocks.0." in name or "up_blocks.3." in name for name in parts)
    assert any("pixel_attentions" in name and name.endswith("attn2") for name in parts) == (family == "pasd")
    assert not any(name.endswith("attn2") for name in parts if "pixel" not in name)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_the_chain_of_two_computes_what_the_denoiser_does(family: str, published: dict[str, Published]) -> None:
    """In torch: what crosses from ControlNet to UNet is named, ordered and shaped as declared."""
    models = published[family].models()
    control, unet = (spec for spec in graph_specs(models) if spec.role == "denoiser")
    assert (control.id, unet.id) == ("controlNet", "unet") and control.cell_multiple == 8
    inputs = control.inputs_at(batch=2, height=8, width=16, seed=0)
    told = control.module(**inputs)
    sizes = named_sizes(2, 8, 16)
    for value, dims in zip(told, control.outputs.values(), strict=True):
        assert list(value.shape) == [sizes[dim] if isinstance(dim, str) else dim for dim in dims]
    seen = {name: value for name, value in inputs.items() if name in ("sample", "timestep", "context", "image_embeds")}
    found = unet.module(**seen, residual=list(told))
    torch.testing.assert_close(found, models.denoiser(**inputs), atol=TOLERANCE, rtol=TOLERANCE)
    without = unet.module(**seen, residual=[torch.zeros_like(value) for value in told])
    # else the ControlNet is not tested
    assert not torch.allclose(found, without, atol=1e-3)


def test_residuals_are_one_argument_and_other_names_with_a_number_are_not() -> None:
    given = {"rgb_pm1": 1, "residual0": 2, "residual1": 3}
    assert as_arguments(given) == {"rgb_pm1": 1, "residual": [2, 3]}


@torch.no_grad()
def test_half_precision_leaves_and_comes_back(published: dict[str, Published]) -> None:
    models = published["seesr"].models()
    round_to_half(models.denoiser)
    part_attention(models.denoiser)
    spec = next(spec for spec in graph_specs(models) if spec.id == "unet")
    inputs = spec.inputs_at(batch=1, height=8, width=8, seed=0)
    told = [value for name, value in inputs.items() if name.startswith("residual")]
    seen = {name: value for name, value in inputs.items() if not name.startswith("residual")}
    single = spec.module(**seen, residual=told)
    before = {name: value.clone() for name, value in models.denoiser.unet.state_dict().items()}
    compute_half(spec.module)
    spec.module.compute = torch.float16
    half = spec.module(**seen, residual=told)
    dtypes = {name: value.dtype for name, value in spec.module.state_dict().items()}
    assert dtypes["unet.conv_norm_out.weight"] == torch.float32 and dtypes["unet.conv_in.weight"] == torch.float16
    assert half.dtype == torch.float32 and 0 < (half - single).abs().max() < 0.05 * single.abs().max()
    compute_single(spec.module)
    spec.module.compute = torch.float32
    assert all(torch.equal(value, before[name]) for name, value in models.denoiser.unet.state_dict().items())
    assert torch.equal(spec.module(**seen, residual=told), single)


@pytest.fixture(scope="module")
def condition(published: dict[str, Published]) -> GraphSpec:
    """The smallest graph there is."""
    models = published["pasd"].models()
    round_to_half(models.denoiser)
    return next(spec for spec in graph_specs(models) if spec.role == "conditionEncoder")


def test_a_sharded_graph_runs_from_its_files_which_are_named_by_content(
    condition: GraphSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # measured elsewhere, in processes of their own
    monkeypatch.setattr(manifest, "graph_costs", lambda spec, path, rule: {})
    monkeypatch.setattr("rfsr.export.shards.INLINE_BYTES", 16)
    shared = tmp_path / "shared"
    entry, error = export_one(condition, shared, limit=LIMIT, compute="float32")
    assert error <= MAX_RELATIVE_ERROR
    graph, *shards = [tmp_path / "bundle" / file["path"] for file in entry["files"]]
    assert graph.suffix == ".onnx" and {path.suffix for path in shards} == {".bin"}
    for file in entry["files"]:
        path = shared / Path(file["path"]).name
        assert path.stat().st_size == file["sizeBytes"] and file["sha256"][:12] in path.name
    assert all(path.name in {file.name for file in shared.iterdir()} for path in shards)
    session = open_session(shared / graph.name)
    feeds = {"condition": np.zeros((1, 3, 64, 32), np.float32)}
    assert session.run(None, feeds)[0].shape == (1, 5, 8, 4)


def test_a_cut_off_export_knows_what_it_made_by_weights_arithmetic_and_size_of_files(condition: GraphSpec) -> None:
    key = key_of(condition, LIMIT, "float32")
    assert key == key_of(condition, LIMIT, "float32")
    assert len({key, key_of(condition, LIMIT + 1, "float32"), key_of(condition, LIMIT, "float16")}) == 3
    parameter = next(condition.module.parameters())
    parameter += 1
    assert key_of(condition, LIMIT, "float32") != key
    parameter -= 1
