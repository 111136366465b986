"""Bundles: graphs that compute what torch computes, and a manifest that says what is in them."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from rfsr.checkpoint import load_bundle
from rfsr.common import load_config
from rfsr.export import quality_of, windows_of
from rfsr.export.graphs import GraphSpec, export_graph, graph_specs, round_to_half
from rfsr.export.manifest import canary, ramp, sampling_defaults, write_graph, write_index
from rfsr.export.parity import MAX_RELATIVE_ERROR, ParityError, SessionModule, check_graph, check_run, open_session
from rfsr.export.sources import nano_models, stage_facts
from rfsr.families import FAMILIES

ROOT = Path(__file__).parents[2]
MODELS, SHIPPED, CONFIGS = ROOT / "tests/fixtures/models", ROOT / "public/models", ROOT / "training/configs"
CANARY_TOLERANCE = 1e-5
"""The same file on the same provider: rounding of the six digits kept."""


@pytest.fixture(scope="module", params=["seesr-nano", "diffbir-nano", "pasd-nano"])
def bundle(request: pytest.FixtureRequest) -> Path:
    return MODELS / request.param


@pytest.fixture(scope="module")
def manifest(bundle: Path) -> dict:
    return json.loads((bundle / "manifest.json").read_text())


@pytest.fixture(scope="module")
def sessions(bundle: Path, manifest: dict) -> dict[str, SessionModule]:
    specs = graph_specs(load_bundle(bundle))
    paths = {spec.role: bundle / manifest["graphs"][spec.role][0]["files"][0]["path"] for spec in specs}
    return {spec.role: SessionModule(spec, open_session(paths[spec.role].read_bytes())) for spec in specs}


@pytest.fixture(scope="module")
def preview() -> GraphSpec:
    """The smallest graph there is."""
    models, _ = nano_models({"bundle": {"family": "seesr", "tagged": True}, "image": {}})
    round_to_half(models.vae.eval())
    return next(spec for spec in graph_specs(models) if spec.role == "previewDecoder")


@pytest.fixture(scope="module")
def preview_model(preview: GraphSpec) -> onnx.ModelProto:
    return export_graph(preview)


def test_every_graph_of_the_bundle_computes_what_its_module_does(sessions: dict[str, SessionModule]) -> None:
    for module in sessions.values():
        assert check_graph(module.spec, module.session) <= MAX_RELATIVE_ERROR


def test_a_whole_run_on_the_graphs_equals_the_run_in_torch(bundle: Path, sessions: dict[str, SessionModule]) -> None:
    assert check_run(load_bundle(bundle), sessions) <= MAX_RELATIVE_ERROR


def test_files_have_the_sizes_and_hashes_the_manifest_names(bundle: Path, manifest: dict) -> None:
    files = [file for chain in manifest["graphs"].values() for graph in chain for file in graph["files"]]
    for file in [*files, manifest["tokenizer"]]:
        data = (bundle / file["path"]).read_bytes()
        assert len(data) == file["sizeBytes"] and hashlib.sha256(data).hexdigest() == file["sha256"]
        assert file["path"] == "tokenizer.json" or file["sha256"][:12] in file["path"]


def test_the_manifest_declares_the_names_and_types_of_its_graphs(manifest: dict, sessions: dict[str, SessionModule]) -> None:
    types = {"tensor(float)": "float32", "tensor(int64)": "int64"}
    for role, module in sessions.items():
        graph = manifest["graphs"][role][0]
        for declared, real in (
            (graph["inputs"], module.session.get_inputs()),
            (graph["outputs"], module.session.get_outputs()),
        ):
            assert [(port["name"], port["dtype"]) for port in declared] == [(port.name, types[port.type]) for port in real]
            fixed = [[dim if isinstance(dim, int) else None for dim in port["dims"]] for port in declared]
            assert fixed == [[dim if isinstance(dim, int) else None for dim in port.shape] for port in real]


def test_canaries_are_what_the_graphs_give(manifest: dict, sessions: dict[str, SessionModule]) -> None:
    for role, module in sessions.items():
        expected, found = manifest["graphs"][role][0]["canary"], canary(module.spec, module.session)
        assert found["inputs"] == expected["inputs"]
        for name, figures in expected["outputs"].items():
            got = found["outputs"][name]
            assert got["dims"] == figures["dims"] and figures["std"] > 0
            assert got["first"] == pytest.approx(figures["first"], abs=CANARY_TOLERANCE)
            assert (got["mean"], got["std"]) == pytest.approx((figures["mean"], figures["std"]), abs=CANARY_TOLERANCE)


def test_the_ramp_stays_within_its_scale_and_repeats_after_1013_values() -> None:
    values = ramp([2, 1013], 0.5)
    assert values.dtype == np.float32 and np.abs(values).max() <= 0.5
    assert np.array_equal(values[0], values[1]) and len(np.unique(values)) == 1013
    assert values[0, 1] == np.float32(0.5 * (7919 % 1013 / 1013 * 2 - 1))


def test_weights_are_stored_in_half_precision_under_their_own_names(preview: GraphSpec, preview_model: onnx.ModelProto) -> None:
    stored = {item.name: item.data_type for item in preview_model.graph.initializer}
    for name, _ in preview.module.named_parameters():
        assert stored[name] == onnx.TensorProto.FLOAT16
    assert preview_model.opset_import[0].version == 20
    assert not any(node.metadata_props or node.doc_string for node in preview_model.graph.node)


def test_buffers_and_tables_of_the_denoiser_keep_full_precision(bundle: Path, manifest: dict) -> None:
    model = onnx.load(bundle / manifest["graphs"]["denoiser"][0]["files"][0]["path"])
    stored = {item.name: item.data_type for item in model.graph.initializer}
    assert stored["residual_std"] == onnx.TensorProto.FLOAT
    assert {node.op_type for node in model.graph.node}.isdisjoint({"MultiHeadAttention", "Attention", "Identity", "Dropout"})


def test_the_gate_refuses_a_graph_with_other_weights(preview: GraphSpec, preview_model: onnx.ModelProto) -> None:
    session = open_session(preview_model.SerializeToString())
    assert check_graph(preview, session) <= MAX_RELATIVE_ERROR
    other = nn.Conv2d(*preview.module.pca_out.weight.shape[1::-1], 1)

    class Changed(nn.Module):
        def forward(self, latent: torch.Tensor) -> torch.Tensor:
            return nn.functional.pixel_shuffle(other(latent), 8)

    changed = replace(preview, module=Changed())
    with pytest.raises(ParityError, match="previewDecoder: error"):
        check_graph(changed, session)


def test_the_gate_refuses_values_that_are_not_numbers(preview: GraphSpec, preview_model: onnx.ModelProto) -> None:
    class Broken(nn.Module):
        def forward(self, latent: torch.Tensor) -> torch.Tensor:
            return preview.module(latent) * float("nan")

    with pytest.raises(ParityError, match="error inf"):
        check_graph(replace(preview, module=Broken()), open_session(preview_model.SerializeToString()))


def test_graphs_are_named_by_content_and_shared_ones_lie_beside_the_bundles(
    tmp_path: Path, preview: GraphSpec, preview_model: onnx.ModelProto
) -> None:
    data = preview_model.SerializeToString()
    entry = write_graph(preview, data, open_session(data), tmp_path / "one", family="seesr")
    assert entry["files"] == write_graph(preview, data, open_session(data), tmp_path / "two", family="pasd")["files"]
    (file,) = entry["files"]
    assert file["path"].startswith("../shared/previewDecoder-")
    assert [path.name for path in (tmp_path / "shared").iterdir()] == [Path(file["path"]).name]


def test_the_index_lists_every_bundle_and_drops_graphs_no_bundle_names(tmp_path: Path) -> None:
    bundle, shared = tmp_path / "small", tmp_path / "shared"
    bundle.mkdir()
    shared.mkdir()
    graphs = {"tagger": [{"files": [{"path": "../shared/tagger-1.onnx", "sizeBytes": 3}]}],
              "denoiser": [{"files": [{"path": "denoiser-1.onnx", "sizeBytes": 4}]}]}  # fmt: skip
    identity = {"id": "small", "title": "Small", "family": "seesr", "variant": "base", "size": "mini"}
    (bundle / "manifest.json").write_text(json.dumps({**identity, "graphs": graphs}))
    for path in (shared / "tagger-1.onnx", shared / "tagger-0.onnx", bundle / "denoiser-1.onnx", bundle / "denoiser-0.onnx"):
        path.touch()
    write_index(tmp_path)
    index = json.loads((tmp_path / "index.json").read_text())
    assert index == {"schema": 1, "bundles": [{**identity, "manifest": "small/manifest.json", "sizeBytes": 7}]}
    assert sorted(path.name for path in tmp_path.rglob("*.onnx")) == ["denoiser-1.onnx", "tagger-1.onnx"]


def test_an_rfsr_bundle_names_the_windows_it_was_trained_in_and_one_of_random_weights_its_familys() -> None:
    trained = {"steps": 20, "early": [0, 8], "late": [16, 20], "pixel": "dwt"}
    identity = {"family": "pasd", "variant": "rfsr"}
    assert windows_of(identity, [{"stage": "pasd"}, {"stage": "finetune", "rfsr": trained}]) == {
        "windows": {"steps": 20, "early": [0, 8], "late": [16, 20]}
    }
    assert windows_of(identity, []) == {"windows": {"steps": 20, "early": (0, 8), "late": (17, 20)}}
    assert windows_of({**identity, "variant": "base"}, []) == {}


@pytest.mark.parametrize(("variant", "stage"), [("rfsr", {"stage": "pasd"}), ("base", {"stage": "finetune", "rfsr": {}})])
def test_a_run_that_made_another_variant_is_refused(variant: str, stage: dict) -> None:
    with pytest.raises(ValueError, match=f"makes the variant {variant}, got the stage {stage['stage']}"):
        windows_of({"family": "pasd", "variant": variant}, [stage])


def test_a_manifest_keeps_the_figures_of_bicubic_and_of_its_own_bundle() -> None:
    facts = {"pictures": 24, "inputs": {"degradation": "b", "seed": 0}}
    measured = {
        "sets": {"kodak24": {**facts, "bicubic": {"psnr": 23.0}, "one": {"psnr": 24.0}, "two": {"psnr": 25.0}}},
        "settings": {"one": {"steps": 20}, "two": {"steps": 50}},
    }
    assert quality_of("two", measured) == {
        "sets": {"kodak24": {**facts, "bicubic": {"psnr": 23.0}, "two": {"psnr": 25.0}}},
        "settings": {"two": {"steps": 50}},
    }
    with pytest.raises(ValueError, match=r"figures of three in every set, got \['one', 'two'\]"):
        quality_of("three", measured)


@pytest.mark.parametrize("recipe", sorted(CONFIGS.glob("export_mini*.toml")), ids=lambda path: path.stem)
def test_a_shipped_manifest_says_what_its_recipe_does(recipe: Path) -> None:
    config = load_config(recipe)
    manifest = json.loads((SHIPPED / config["bundle"]["id"] / "manifest.json").read_text())
    assert config["bundle"].items() <= manifest.items() and manifest["image"] == config["image"]
    assert manifest["training"]["data"] == config["training"]["data"]
    assert manifest["sampling"] == sampling_defaults(FAMILIES[manifest["family"]], config["sampling"])
    windows = {"windows": manifest["windows"]} if "windows" in manifest else {}
    assert windows_of(config["bundle"], manifest["training"]["stages"]) == windows


def test_sampling_defaults_yield_to_the_configuration_and_facts_to_what_readers_need() -> None:
    assert sampling_defaults(FAMILIES["seesr"], {"steps": 4})["steps"] == 4
    own = sampling_defaults(FAMILIES["pasd"], {})
    assert (own["sampler"], own["steps"], own["startPoint"]) == ("unipc", 20, "lr-twice")
    assert stage_facts({"stage": "vae", "steps": 3, "vaeConfig": {}}) == {"stage": "vae", "steps": 3}
