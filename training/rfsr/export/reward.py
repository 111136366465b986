"""`rfsr export-reward`: a finished run of a mini reward as the small folder the repository ships."""

import argparse
import json
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

KEPT = ("model.safetensors", "facts.json", "tokenizer.json")
"""Of a run's folder; a tokenizer exists only where a reward reads words."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr export-reward`."""
    parser.add_argument("--run", type=Path, required=True, help="run of the stage quality or preference")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; its name is the reward's")


def main(args: argparse.Namespace) -> None:
    """Writes weights rounded to half precision, facts and tokenizer."""
    weights, facts, tokenizer = (args.run / name for name in KEPT)
    args.out.mkdir(parents=True, exist_ok=True)
    halves = {name: value.half() if value.is_floating_point() else value for name, value in load_file(weights).items()}
    save_file(halves, args.out / weights.name)
    (args.out / facts.name).write_text(json.dumps(json.loads(facts.read_text()), indent=1) + "\n")
    if tokenizer.exists():
        shutil.copyfile(tokenizer, args.out / tokenizer.name)
