"""`rfsr costs`: measures and counts the graphs of bundles that are there already, and writes what they take into the manifests."""

import argparse
from pathlib import Path
from typing import Any

from rfsr.checkpoint import load_bundle, read_manifest
from rfsr.export.costs import graph_costs
from rfsr.export.graphs import graph_specs
from rfsr.export.manifest import write_manifest


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr costs`."""
    parser.add_argument("--bundle", type=Path, action="append", required=True, help="a bundle's folder; may be repeated")


def main(args: argparse.Namespace) -> None:
    """Renews `memory` and `macs` of every graph; one that several bundles share is measured once."""
    known: dict[str, dict[str, Any]] = {}
    for bundle in args.bundle:
        manifest = read_manifest(bundle)
        for spec in graph_specs(load_bundle(bundle)):
            entry = next(entry for entry in manifest["graphs"][spec.role] if entry["id"] == spec.id)
            file = entry["files"][0]
            costs = known.get(file["sha256"]) or graph_costs(spec, bundle / file["path"], entry.get("tiling"))
            known[file["sha256"]] = costs
            entry |= costs
            print(f"{bundle.name} {spec.id}: {costs}")
        write_manifest(manifest, bundle)
