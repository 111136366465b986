"""`rfsr verify`: the whole way of the published networks without their files, and what it takes: for each family synthesized checkpoints,
conversion, export with the comparison of every graph and of a short run with torch.

Every step is a process of its own, so that seconds and memory are its own; a step that is done is not done again. Full width takes hours and
tens of gigabytes of disk; `--width sixteenth` minutes.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rfsr.checkpoint import read_manifest
from rfsr.common import load_config
from rfsr.families import FAMILIES
from rfsr.models.published import SIZES

CONFIGS = Path(__file__).parents[1] / "configs"


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr verify`."""
    parser.add_argument("--width", choices=SIZES, default="full")
    parser.add_argument("--family", choices=FAMILIES, action="append", help="may be repeated; all where nothing is said")
    parser.add_argument("--compute", choices=("float32", "float16"), default="float32")
    parser.add_argument("--shard-mb", type=float, help="largest file of weights")
    parser.add_argument("--out", type=Path, required=True, help="folder for files, runs, models and figures.json")


def main(args: argparse.Namespace) -> None:
    """Verifies each family and writes figures.json after each. Ends with the step's output where one fails."""
    figures_path = args.out / "figures.json"
    figures: dict[str, Any] = json.loads(figures_path.read_text()) if figures_path.exists() else {}
    for family in args.family or FAMILIES:
        folder, known = args.out / family, figures.setdefault(family, {"steps": {}})
        files, runs = folder / "files", folder / "runs"
        # graphs of toys too are of the published kind, whose recipes differ in the least picture alone
        recipe = CONFIGS / f"export_{'full' if args.width == 'full' else 'toy'}_{family}.toml"
        bundle = args.out / "models" / load_config(recipe)["bundle"]["id"]
        options_path = folder / "options.json"
        shards = ["--shard-mb", str(args.shard_mb)] if args.shard_mb else []
        if "synthesize" not in known["steps"]:
            printed, known["steps"]["synthesize"] = step(
                "synthesize", "--family", family, "--width", args.width, "--out", str(files)
            )
            options_path.write_text(json.dumps(printed.splitlines()[-1].split(" ")))
        options = json.loads(options_path.read_text())
        if "convert" not in known["steps"]:
            _, known["steps"]["convert"] = step(
                "convert", "--family", family, "--size", args.width, *options, "--out", str(runs)
            )
        if "export" not in known["steps"]:
            _, known["steps"]["export"] = step(
                "export", "--config", str(recipe), "--runs", str(runs), "--compute", args.compute, *shards, "--out", str(bundle)
            )  # fmt: skip
        known["graphs"] = graphs_of(read_manifest(bundle))
        figures_path.write_text(json.dumps(figures, indent=1) + "\n")
        print(family, json.dumps(known["steps"]), flush=True)


def step(*words: str) -> tuple[str, dict[str, float]]:
    """A subcommand's standard output, its seconds and the most memory it held. Throws SystemExit with its last lines where it fails."""
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-m", "rfsr", *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read().strip()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"rfsr {' '.join(words)} failed: {printed[-2000:]}")
    # kilobytes on Linux, bytes on macOS
    unit = 1 if sys.platform == "darwin" else 1024
    return printed, {"seconds": round(time.monotonic() - began, 1), "peakBytes": usage.ru_maxrss * unit}


def graphs_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """Of every graph: bytes, files, its largest file, parity error and what it takes."""
    return {
        graph["id"]: {
            "sizeBytes": sum(file["sizeBytes"] for file in graph["files"]),
            "files": len(graph["files"]),
            "largestFileBytes": max(file["sizeBytes"] for file in graph["files"]),
            "error": manifest["parity"][graph["id"]],
            "memory": graph["memory"],
            "macs": graph["macs"],
        }
        for chain in manifest["graphs"].values()
        for graph in chain
    } | {"run": {"error": manifest["parity"]["run"]}}
