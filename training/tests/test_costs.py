"""What running a graph takes: memory near what a fresh measurement finds, arithmetic exactly what torch counts."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from rfsr.__main__ import main
from rfsr.checkpoint import load_bundle
from rfsr.export.costs import MAX_ERROR, CostError, count_macs, fit_growth, macs_of, peak_bytes, sides_of, tensor_growth
from rfsr.export.graphs import GraphSpec, graph_specs

ROOT = Path(__file__).parents[2]
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured with proc(5)")
BATCH_ERROR = 0.15
"""Of a batch's share: what does not grow with it, and rounding to pages."""


@pytest.fixture(scope="module", params=["tests/fixtures/models/seesr-nano", "public/models/pasd-mini"])
def bundle(request: pytest.FixtureRequest) -> Path:
    return ROOT / request.param


@pytest.fixture(scope="module")
def manifest(bundle: Path) -> dict:
    return json.loads((bundle / "manifest.json").read_text())


@pytest.fixture(scope="module")
def specs(bundle: Path) -> dict[str, GraphSpec]:
    return {spec.role: spec for spec in graph_specs(load_bundle(bundle))}


def planned(entry: dict, cells: int) -> float:
    """Bytes that the manifest foretells."""
    memory = entry["memory"]
    return memory["fixedBytes"] + memory["bytesPerCell"] * cells + memory["bytesPerCellSquared"] * cells**2


@needs_linux
@pytest.mark.parametrize("role", ["denoiser", "vaeDecoder"])
def test_a_fresh_measurement_finds_what_the_manifest_foretells(bundle: Path, manifest: dict, specs: dict, role: str) -> None:
    (entry,) = manifest["graphs"][role]
    model = bundle / entry["files"][0]["path"]
    side = sides_of(specs[role], entry["tiling"])[-1]
    _, run = peak_bytes(specs[role], model, side)
    assert run == pytest.approx(planned(entry, side**2), rel=MAX_ERROR)
    _, two = peak_bytes(specs[role], model, side, batch=2)
    assert two == pytest.approx(2 * run, rel=BATCH_ERROR)


def test_what_has_height_and_width_takes_more_for_more_cells_and_the_rest_does_not(manifest: dict) -> None:
    for (entry,) in manifest["graphs"].values():
        spatial = "tiling" in entry
        assert (planned(entry, 64) > planned(entry, 32) > 0) if spatial else (planned(entry, 64) == planned(entry, 32) > 0)
        assert (entry["macs"]["perCell"] > 0) == spatial


def test_the_formula_of_arithmetic_is_exact_at_other_sizes(manifest: dict, specs: dict[str, GraphSpec]) -> None:
    for role, spec in specs.items():
        macs = manifest["graphs"][role][0]["macs"]
        assert macs == macs_of(spec)
        height, width = 3 * spec.cell_multiple, 4 * spec.cell_multiple
        cells = height * width
        assert count_macs(spec, height, width) == macs["fixed"] + macs["perCell"] * cells + macs["perCellSquared"] * cells**2


def test_a_convolution_counts_a_product_for_every_weight_and_place() -> None:
    spec = GraphSpec("probe", nn.Conv2d(3, 5, 3, padding=1), {"input": ["B", 3, "h", "w"]}, {"output": ["B", 5, "h", "w"]})
    assert macs_of(spec) == {"fixed": 0, "perCell": 3 * 5 * 9, "perCellSquared": 0}


def test_the_largest_tensor_is_that_of_the_widest_map() -> None:
    network = nn.Sequential(nn.Conv2d(3, 20, 1), nn.Conv2d(20, 2, 1))
    spec = GraphSpec("probe", network, {"input": ["B", 3, "h", "w"]}, {"output": ["B", 2, "h", "w"]})
    assert tensor_growth(spec, macs_of(spec)) == {"tensorBytesPerCell": 20 * 4}
    assert tensor_growth(spec, {"perCellSquared": 1}) == {}


def test_the_simplest_growth_that_is_near_enough_is_taken() -> None:
    assert fit_growth([1, 2, 4], [10, 20, 40], "linear") == pytest.approx((0, 10, 0))
    assert fit_growth([10, 100, 1000], [1010, 1100, 2000], "with a constant") == pytest.approx((1000, 1, 0))
    assert fit_growth([10, 100, 1000], [200, 11000, 1010000], "squared") == pytest.approx((0, 10, 1))
    assert fit_growth([0], [7], "fixed") == (7, 0, 0)


def test_peaks_that_follow_no_growth_are_refused() -> None:
    with pytest.raises(CostError, match="denoiser: no growth is within 25%"):
        fit_growth([10, 100, 1000], [1000, 10, 1000], "denoiser")


def test_a_measurement_that_cannot_be_says_why(specs: dict[str, GraphSpec], tmp_path: Path) -> None:
    with pytest.raises(CostError, match=r"denoiser: expected to measure memory"):
        peak_bytes(specs["denoiser"], tmp_path / "none.onnx", 8)


@needs_linux
def test_costs_alone_are_renewed_and_a_shared_graph_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fixtures, names = ROOT / "tests/fixtures/models", ("diffbir-nano", "diffbir-tag-nano")
    for name in (*names, "shared"):
        shutil.copytree(fixtures / name, tmp_path / name)
    before = {name: json.loads((tmp_path / name / "manifest.json").read_text()) for name in names}
    for name in names:
        stale = json.loads(json.dumps(before[name]))
        for (entry,) in stale["graphs"].values():
            entry |= {"memory": {}, "macs": {}}
        (tmp_path / name / "manifest.json").write_text(json.dumps(stale))
    monkeypatch.setattr("sys.argv", ["rfsr", "costs", *(f"--bundle={tmp_path / name}" for name in names)])
    main()
    after = {name: json.loads((tmp_path / name / "manifest.json").read_text()) for name in names}
    for name in names:
        assert without_memory(after[name]) == without_memory(before[name])
    first, second = (after[name]["graphs"]["denoiser"][0] for name in names)
    # measured twice, it would differ
    assert first["files"] == second["files"] and first["memory"] == second["memory"] and first["memory"]["loadedBytes"] > 0


def without_memory(manifest: dict[str, Any]) -> dict[str, Any]:
    """What a renewal gives back: everything but what is measured."""
    graphs = {role: [{**entry, "memory": None} for entry in chain] for role, chain in manifest["graphs"].items()}
    return {**manifest, "graphs": graphs}
