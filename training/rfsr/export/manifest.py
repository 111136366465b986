"""What the exporter writes beside the graphs: the bundle's manifest, its canaries, and the index of bundles."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from rfsr.checkpoint import NETWORK_ROLES
from rfsr.common import sha256_of
from rfsr.export.costs import graph_costs
from rfsr.export.graphs import GraphSpec, named_sizes, tiling_rule
from rfsr.families import FAMILIES, Family
from rfsr.models.text import MAX_TOKENS
from rfsr.schedule import SCHEDULER_CONFIG

CANARY_TOLERANCE = 0.02
"""In standard deviations of the output: wide enough for GPU arithmetic, far below what a wrong kernel does."""
CANARY_CELLS = (2, 1)
"""Latent rows and columns, in the graph's multiples."""


def ramp(shape: list[int], scale: float) -> np.ndarray:
    """The canary input both halves can make: scale · (((i · 7919) mod 1013) / 1013 · 2 - 1), float32."""
    index = np.arange(int(np.prod(shape)), dtype=np.int64)
    return (scale * ((index * 7919 % 1013) / 1013 * 2 - 1)).astype(np.float32).reshape(shape)


def canary(spec: GraphSpec, session: ort.InferenceSession) -> dict[str, Any]:
    """A known input and the statistics of what the graph makes of it."""
    height, width = (spec.cell_multiple * side for side in CANARY_CELLS)
    sizes = named_sizes(1, height, width)
    inputs, feeds = {}, {}
    for name, dims in spec.inputs.items():
        shape = [sizes[dim] if isinstance(dim, str) else dim for dim in dims]
        if name == "tokenIds":
            values = [index % 16 for index in range(shape[1])]
            feeds[name] = np.array([values], dtype=np.int64)
            fill: dict[str, Any] = {"kind": "values", "values": values}
        elif name == "timestep":
            feeds[name], fill = np.array([500.0], dtype=np.float32), {"kind": "values", "values": [500]}
        else:
            feeds[name], fill = ramp(shape, 1.0), {"kind": "ramp", "scale": 1.0}
        inputs[name] = {"dims": shape, "fill": fill}
    outputs = {}
    for name, value in zip(spec.outputs, session.run(list(spec.outputs), feeds), strict=True):
        outputs[name] = {
            "dims": list(value.shape),
            "mean": significant(value.mean(dtype=np.float64)),
            "std": significant(value.std(dtype=np.float64)),
            "first": [significant(x) for x in value.ravel()[:8]],
        }
    return {"inputs": inputs, "outputs": outputs, "tolerance": CANARY_TOLERANCE}


def significant(value: float) -> float:
    """Rounded to seven digits, wherever they begin: an output may be as small as 1e-6 throughout."""
    return float(f"{float(value):.7g}")


def write_graph(spec: GraphSpec, model: bytes, session: ort.InferenceSession, bundle: Path, *, family: str) -> dict[str, Any]:
    """Writes the graph under a name made of its content, and gives its manifest entry. One that several bundles have lies beside them.

    Throws CostError when what it takes cannot be measured.
    """
    digest = hashlib.sha256(model).hexdigest()
    shared = spec.role not in NETWORK_ROLES["denoiser"] or FAMILIES[family].tags_optional
    folder = bundle.parent / "shared" if shared else bundle
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{spec.role}-{digest[:12]}.onnx"
    (folder / name).write_bytes(model)
    if shared and (known := entry_of(bundle.parent, digest)):
        return known
    file = {"path": f"../shared/{name}" if shared else name, "sizeBytes": len(model), "sha256": digest}
    return graph_entry(spec, folder / name, session, files=[file])


def sharded_entry(spec: GraphSpec, paths: list[Path], session: ort.InferenceSession, *, compute: str) -> dict[str, Any]:
    """The manifest entry of a graph that `save_sharded` wrote into the folder that bundles share. Throws as `write_graph`."""
    files = [{"path": f"../shared/{path.name}", "sizeBytes": path.stat().st_size, "sha256": sha256_of(path)} for path in paths]
    return graph_entry(spec, paths[0], session, files=files, compute=compute)


def graph_entry(
    spec: GraphSpec, path: Path, session: ort.InferenceSession, *, files: list[dict[str, Any]], compute: str = "float32"
) -> dict[str, Any]:
    """What a manifest says of a graph, the file at `path` first among `files`."""
    dtype = "int64" if spec.ids else "float32"
    rule = tiling_rule(spec)
    return {
        "id": spec.id,
        "files": files,
        "weightDtype": "float16",
        "computeDtype": compute,
        "inputs": [{"name": port, "dtype": dtype, "dims": dims} for port, dims in spec.inputs.items()],
        "outputs": [{"name": port, "dtype": "float32", "dims": dims} for port, dims in spec.outputs.items()],
        "requires": ["shader-f16"] if compute == "float16" else [],
        **({} if rule is None else {"tiling": rule}),
        "canary": canary(spec, session),
        **graph_costs(spec, path, rule),
    }


def entry_of(models: Path, digest: str) -> dict[str, Any] | None:
    """The manifest entry that another bundle has of the same graph: measuring one takes longer than exporting it."""
    for path in models.glob("*/manifest.json"):
        for chain in json.loads(path.read_text())["graphs"].values():
            for entry in chain:
                if entry["files"][0]["sha256"] == digest:
                    return entry
    return None


def write_tokenizer(text: str, bundle: Path, *, pad_id: int) -> dict[str, Any]:
    """tokenizer.json and its manifest entry."""
    data = text.encode()
    (bundle / "tokenizer.json").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return {"path": "tokenizer.json", "sizeBytes": len(data), "sha256": digest, "padId": pad_id, "maxLength": MAX_TOKENS}


def sampling_defaults(family: Family, table: dict[str, Any]) -> dict[str, Any]:
    """The bundle's sampling section; the family's own unless the configuration says otherwise."""
    return {
        "sampler": family.sampler, "steps": family.windows.steps, "guidance": 1.0, "startPoint": family.start_point,
        "positivePrompt": family.positive, "negativePrompt": family.negative, **table,
    }  # fmt: skip


def scheduler_config() -> dict[str, Any]:
    """As diffusers writes it."""
    return dict(SCHEDULER_CONFIG)


def write_manifest(manifest: dict[str, Any], bundle: Path) -> None:
    """Writes `manifest` as the bundle folder's manifest.json, indented, in UTF-8."""
    (bundle / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_index(models: Path) -> None:
    """index.json over every bundle folder, family by family, and removal of shared graphs that no bundle names any more."""
    bundles, used, order = [], set(), list(FAMILIES)
    found = [(path, json.loads(path.read_text())) for path in models.glob("*/manifest.json")]
    for path, manifest in sorted(found, key=lambda pair: (order.index(pair[1]["family"]), pair[1]["id"])):
        graphs = [graph for chain in manifest["graphs"].values() for graph in chain]
        used |= {Path(file["path"]).name for graph in graphs for file in graph["files"]}
        bundles.append(
            {key: manifest[key] for key in ("id", "title", "family", "variant", "size")}
            | {
                "manifest": f"{path.parent.name}/manifest.json",
                "sizeBytes": sum(file["sizeBytes"] for graph in graphs for file in graph["files"]),
            }
        )
        for stale in path.parent.glob("*.onnx"):
            if stale.name not in used:
                stale.unlink()
    for file in [path for kind in ("*.onnx", "*.bin") for path in (models / "shared").glob(kind)]:
        if file.name not in used:
            file.unlink()
    (models / "index.json").write_text(json.dumps({"schema": 1, "bundles": bundles}, indent=1) + "\n")
