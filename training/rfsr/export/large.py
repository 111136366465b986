"""Graphs of the published sizes: weights in shards, one graph at a time in memory, and none made twice when an export was cut off."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from rfsr.export.attention import part_attention
from rfsr.export.graphs import ControlNetGraph, GraphSpec, UNetGraph, export_model, graph_specs
from rfsr.export.halves import compute_half, compute_single
from rfsr.export.manifest import sharded_entry
from rfsr.export.parity import (
    MAX_HALF_ERROR,
    MAX_RELATIVE_ERROR,
    ClosedSession,
    SessionModule,
    check_graph,
    check_run,
    expected_outputs,
    open_session,
)
from rfsr.export.shards import save_sharded
from rfsr.pipelines.parts import BundleModels

COMPUTE = ("float32", "float16")
RUN_STEPS, RUN_SIDE = 2, 64
"""Of the run that is compared as a whole, on a working picture of so many pixels a side."""


@dataclass(frozen=True)
class ShardOptions:
    """`limit`: bytes of a file of weights, or none where a graph is one file. `compute`: what the denoiser computes in."""

    limit: int | None = None
    compute: str = "float32"

    @property
    def sharded(self) -> bool:
        """Whether weights lie beside the graphs."""
        return self.limit is not None


NO_SHARDS = ShardOptions()


def export_sharded(
    models: BundleModels, out: Path, options: ShardOptions
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, float]]:
    """Every graph with its weights beside it, in the folder that bundles share: their manifest entries by role and their errors, and the error
    of a short run. What an export that was cut off has made is taken over.

    Throws as `rfsr.export.export_bundle`.
    """
    assert options.limit is not None
    for name, parts in part_attention(models.denoiser).items():
        print(f"{name}: queries in {parts} parts")
    entries: dict[str, list[dict[str, Any]]] = {}
    sessions, errors = {}, {}
    shared, progress = out.parent / "shared", out / "progress"
    progress.mkdir(parents=True, exist_ok=True)
    for spec in graph_specs(models):
        compute = options.compute if isinstance(spec.module, ControlNetGraph | UNetGraph) else COMPUTE[0]
        key, kept = key_of(spec, options.limit, compute), progress / f"{spec.id}.json"
        known = json.loads(kept.read_text()) if kept.exists() else {}
        if known.get("key") != key or not all((out / file["path"]).exists() for file in known["entry"]["files"]):
            entry, error = export_one(spec, shared, limit=options.limit, compute=compute)
            known = {"key": key, "entry": entry, "error": error}
            kept.write_text(json.dumps(known))
        entries.setdefault(spec.role, []).append(known["entry"])
        errors[spec.id] = known["error"]
        sessions[spec.id] = SessionModule(spec, ClosedSession(out / known["entry"]["files"][0]["path"]))
        size = sum(file["sizeBytes"] for file in known["entry"]["files"])
        print(f"{spec.id}: {size / 1e6:.2f} MB in {len(known['entry']['files'])} files, error {known['error']:.1e}", flush=True)
    small = replace(models, image={**models.image, "minSide": RUN_SIDE})
    bound = MAX_RELATIVE_ERROR if options.compute == COMPUTE[0] else MAX_HALF_ERROR
    errors["run"] = check_run(small, sessions, steps=RUN_STEPS, bound=bound)
    print(f"{RUN_STEPS}-step run: error {errors['run']:.1e}")
    for file in progress.iterdir():
        file.unlink()
    progress.rmdir()
    return entries, errors


def key_of(spec: GraphSpec, limit: int, compute: str) -> str:
    """A digest of what a graph is made from."""
    digest = hashlib.sha256(json.dumps([spec.id, limit, compute, spec.inputs, spec.outputs]).encode())
    for name, value in spec.module.state_dict().items():
        digest.update(name.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


@torch.no_grad()
def export_one(spec: GraphSpec, folder: Path, *, limit: int, compute: str) -> tuple[dict[str, Any], float]:
    """A graph's manifest entry and its error against the module in single precision. Throws ParityError and CostError."""
    expected = expected_outputs(spec)
    half = compute != COMPUTE[0]
    try:
        if half:
            compute_half(spec.module)
            spec.module.compute = torch.float16
        paths = save_sharded(export_model(spec), folder, spec.id, limit=limit)
    finally:
        if half:
            compute_single(spec.module)
            spec.module.compute = torch.float32
    session = open_session(paths[0])
    error = check_graph(spec, session, expected=expected, bound=MAX_HALF_ERROR if half else MAX_RELATIVE_ERROR)
    return sharded_entry(spec, paths, session, compute=compute), error
