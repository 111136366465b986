"""`rfsr renew-restorer`: puts a newly trained first stage into bundles that are there already. Their other graphs stay, byte for byte."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

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
    for bundle in args.bundle:
        models = replace(load_bundle(bundle), restorer=restorer)
        renew(bundle, models, facts)
    for folder in {bundle.parent for bundle in args.bundle}:
        write_index(folder)


def renew(bundle: Path, models: BundleModels, facts: dict[str, Any]) -> None:
    """Writes the first stage of `models` beside the bundle's other graphs, and `facts`, of its training, into the manifest."""
    manifest, specs = read_manifest(bundle), graph_specs(models)
    (spec,) = (each for each in specs if each.role == ROLE)
    model = export_graph(spec).SerializeToString()
    session = open_session(model)
    manifest["parity"][ROLE] = float(f"{check_graph(spec, session):.2e}")
    others = {each.role: there(bundle, manifest, each) for each in specs if each.role != ROLE}
    manifest["parity"]["run"] = float(f"{check_run(models, {**others, ROLE: SessionModule(spec, session)}):.2e}")
    manifest["graphs"][ROLE] = [write_graph(spec, model, session, bundle, family=models.family)]
    manifest["training"]["configs"][ROLE] = module_configs(models)[ROLE]
    stages = manifest["training"]["stages"]
    earlier = [index for index, stage in enumerate(stages) if stage["stage"] == ROLE]
    stages.insert(earlier[-1] + 1 if earlier else len(stages), facts)
    write_manifest(manifest, bundle)
    print(f"{bundle.name}: error {manifest['parity'][ROLE]:.1e}, in a run {manifest['parity']['run']:.1e}")


def there(bundle: Path, manifest: dict[str, Any], spec: GraphSpec) -> SessionModule:
    """A graph of the bundle as it is."""
    (entry,) = manifest["graphs"][spec.role]
    (file,) = entry["files"]
    return SessionModule(spec, open_session((bundle / file["path"]).read_bytes()))
