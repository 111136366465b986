"""`rfsr export`: a bundle for the studio from training runs, refused unless torch and ONNX Runtime agree."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rfsr.checkpoint import runs_in
from rfsr.common import command_line, current_commit, load_config
from rfsr.export.graphs import export_graph, graph_specs, round_to_half
from rfsr.export.large import COMPUTE, NO_SHARDS, ShardOptions, export_sharded
from rfsr.export.manifest import sampling_defaults, scheduler_config, write_graph, write_index, write_manifest, write_tokenizer
from rfsr.export.parity import SessionModule, check_graph, check_run, open_session
from rfsr.export.shards import SHARD_BYTES
from rfsr.export.sources import models_from_runs, nano_models
from rfsr.families import FAMILIES
from rfsr.pipelines.parts import BundleModels


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr export`."""
    parser.add_argument("--config", type=Path, required=True, help="TOML: identity, [image], [sampling]")
    parser.add_argument(
        "--out", type=Path, required=True, help="the bundle's folder; its parent holds the index and shared graphs"
    )
    parser.add_argument("--vae", type=Path, help="run of the stage vae")
    parser.add_argument("--tagger", type=Path, help="run of the stage tagger")
    parser.add_argument("--denoiser", type=Path, help="run of the stage denoiser or trajectory")
    parser.add_argument("--restorer", type=Path, help="run of the stage restorer (DiffBIR)")
    parser.add_argument("--quality", type=Path, help="JSON of `rfsr evaluate --quality`, for the manifest")
    parser.add_argument(
        "--runs", type=Path, help="folder with all of these, as `rfsr convert` writes it; what is named beside comes first"
    )
    parser.add_argument(
        "--size", choices=("mini", "full"), help="of the bundle; what the configuration says where nothing is said"
    )
    parser.add_argument(
        "--compute", choices=COMPUTE, default="float32", help="what the denoiser computes in; both take the same weights (full)"
    )
    parser.add_argument("--shard-mb", type=float, default=SHARD_BYTES / 1e6, help="largest file of weights (full)")
    parser.add_argument("--random", action="store_true", help="fixed random weights of the nano size instead of runs")


def main(args: argparse.Namespace) -> None:
    """Exports one bundle and renews the index beside it."""
    config = load_config(args.config)
    if args.size:
        config["bundle"]["size"] = args.size
    if args.random:
        models, facts = nano_models(config, moved=config.get("random", {}).get("moved", 0.0))
    else:
        known = runs_in(args.runs) if args.runs else {}
        runs = {name: getattr(args, name) or known.get(name) for name in ("vae", "tagger", "denoiser", "restorer")}
        models, facts = models_from_runs(runs["vae"], runs["tagger"], runs["denoiser"], runs["restorer"], config=config)
    facts = {"command": command_line(), "commit": current_commit(), **config.get("training", {}), **facts}
    quality = quality_of(config["bundle"]["id"], json.loads(args.quality.read_text())) if args.quality else {}
    full = config["bundle"]["size"] == "full"
    options = ShardOptions(int(args.shard_mb * 1e6) if full else None, args.compute)
    export_bundle(models, config, args.out, training=facts, quality=quality, options=options)
    write_index(args.out.parent)


def quality_of(bundle: str, measured: dict[str, Any]) -> dict[str, Any]:
    """`quality`: of the measured models bicubic and the bundle itself, by its id. Throws ValueError where the bundle was not measured."""
    if any(bundle not in figures for figures in measured["sets"].values()):
        raise ValueError(f"expected figures of {bundle} in every set, got {sorted({*measured['settings']})}")
    kept = ("pictures", "inputs", "bicubic", bundle)
    sets = {name: {key: figures[key] for key in kept if key in figures} for name, figures in measured["sets"].items()}
    return {"sets": sets, "settings": {key: value for key, value in measured["settings"].items() if key == bundle}}


def windows_of(bundle: dict[str, Any], stages: list[dict[str, Any]]) -> dict[str, Any]:
    """`windows`: the steps an RFSR bundle was fine-tuned in, as its last stage says, or its family's without any; empty for other bundles.

    Throws ValueError where the variant is not what the last stage made.
    """
    variant = bundle["variant"]
    if stages and ("rfsr" in stages[-1]) != (variant == "rfsr"):
        raise ValueError(f"expected a run that makes the variant {variant}, got the stage {stages[-1]['stage']}")
    if variant != "rfsr":
        return {}
    windows = stages[-1]["rfsr"] if stages else asdict(FAMILIES[bundle["family"]].windows)
    return {"windows": {key: windows[key] for key in ("steps", "early", "late")}}


def export_bundle(
    models: BundleModels,
    config: dict[str, Any],
    out: Path,
    *,
    training: dict[str, Any],
    quality: dict[str, Any],
    options: ShardOptions = NO_SHARDS,
) -> None:
    """Writes graphs and manifest into `out`.

    Throws, before the manifest is written, ParityError when a graph is wrong and CostError when what it takes cannot be measured.
    """
    out.mkdir(parents=True, exist_ok=True)
    for module in models.modules():
        round_to_half(module.eval().requires_grad_(False))
    if options.sharded:
        entries, errors = export_sharded(models, out, options)
    else:
        entries, errors = export_whole(models, out)
    manifest = {
        "schema": 1,
        **config["bundle"],
        "pairedWith": config["bundle"].get("pairedWith"),
        "image": config["image"],
        "latent": {
            "channels": models.vae.widths.latent_channels,
            "factor": 8,
            "scale": models.latent_scale,
            "shift": models.latent_shift,
        },
        "graphs": entries,
        "tokenizer": write_tokenizer(models.tokenizer.to_str(), out, pad_id=models.pad_id),
        "tags": {"labels": models.tags, "thresholds": models.thresholds},
        "scheduler": scheduler_config(),
        **windows_of(config["bundle"], training["stages"]),
        "sampling": sampling_defaults(FAMILIES[models.family], config.get("sampling", {})),
        "training": training,
        "quality": quality,
        "parity": {role: float(f"{error:.2e}") for role, error in errors.items()},
    }
    write_manifest(manifest, out)


def export_whole(models: BundleModels, out: Path) -> tuple[dict[str, list[dict[str, Any]]], dict[str, float]]:
    """Every graph in a file of its own: their manifest entries by role and their errors, and the error of a short run. Throws as `export_bundle`."""
    entries, sessions, errors = {}, {}, {}
    for spec in graph_specs(models):
        model = export_graph(spec).SerializeToString()
        session = open_session(model)
        errors[spec.role] = check_graph(spec, session)
        sessions[spec.role] = SessionModule(spec, session)
        entries[spec.role] = [write_graph(spec, model, session, out, family=models.family)]
        print(f"{spec.role}: {len(model) / 1e6:.2f} MB, error {errors[spec.role]:.1e}")
    errors["run"] = check_run(models, sessions)
    print(f"4-step run: error {errors['run']:.1e}")
    return entries, errors
