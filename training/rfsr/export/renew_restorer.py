"""`rfsr renew-restorer`: puts a newly trained first stage into bundles that are there already. Their other graphs stay, byte for byte."""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnxruntime as ort

from rfsr.checkpoint import load_bundle, load_restorer, read_manifest
from rfsr.export.graphs import GraphSpec, export_graph, graph_specs, round_to_half
from rfsr.export.manifest import write_graph, write_index, write_manifest
from rfsr.export.parity import SessionModule, check_graph, check_run, open_session
from rfsr.export.sources import module_configs, stage_facts
from rfsr.pipelines import BundleModels

ROLE = "restorer"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr renew-restorer`."""
    parser.add_argument("--run", type=Path, required=True, help="run of the stage restorer")
    parser.add_argument("--bundle", type=Path, action="append", required=True, help="a bundle's folder; may be repeated")


def main(args: argparse.Namespace) -> None:
    """Exports the first stage, checks it alone and in a run of every bundle, and renews the manifests and the index.

    Throws ParityError and CostError as an export.
    """
    restorer = load_restorer(args.run).eval().requires_grad_(False)
    round_to_half(restorer)
    facts = stage_facts(json.loads((args.run / "facts.json").read_text()))
    exported: Exported | None = None
    for bundle in args.bundle:
        models = replace(load_bundle(bundle), restorer=restorer)
        specs = {each.role: each for each in graph_specs(models)}
        # one for all bundles
        exported = exported or export(specs[ROLE])
        renew(bundle, models, specs, exported, facts)
    for folder in {bundle.parent for bundle in args.bundle}:
        write_index(folder)


@dataclass(frozen=True)
class Exported:
    """A graph's file, a session of it and its error against the module."""

    model: bytes
    session: ort.InferenceSession
    error: float


def export(spec: GraphSpec) -> Exported:
    """Throws ParityError where the graph computes other numbers than the module."""
    model = export_graph(spec).SerializeToString()
    session = open_session(model)
    return Exported(model, session, check_graph(spec, session))


def renew(bundle: Path, models: BundleModels, specs: dict[str, GraphSpec], exported: Exported, facts: dict[str, Any]) -> None:
    """Writes the first stage of `models` beside the bundle's other graphs, and `facts`, of its training, into the manifest."""
    manifest, spec = read_manifest(bundle), specs[ROLE]
    sessions = {role: there(bundle, manifest, each) for role, each in specs.items() if role != ROLE}
    sessions[ROLE] = SessionModule(spec, exported.session)
    errors = {ROLE: exported.error, "run": check_run(models, sessions)}
    manifest["parity"] |= {name: float(f"{error:.2e}") for name, error in errors.items()}
    manifest["graphs"][ROLE] = [write_graph(spec, exported.model, exported.session, bundle, family=models.family)]
    manifest["training"]["configs"][ROLE] = module_configs(models)[ROLE]
    stages = manifest["training"]["stages"]
    earlier = [index for index, stage in enumerate(stages) if stage["stage"] == ROLE]
    stages.insert(earlier[-1] + 1 if earlier else len(stages), facts)
    write_manifest(manifest, bundle)
    print(f"{bundle.name}: error {exported.error:.1e}, in a run {errors['run']:.1e}")


def there(bundle: Path, manifest: dict[str, Any], spec: GraphSpec) -> SessionModule:
    """A graph of the bundle as it is."""
    (entry,) = manifest["graphs"][spec.role]
    (file,) = entry["files"]
    return SessionModule(spec, open_session((bundle / file["path"]).read_bytes()))
