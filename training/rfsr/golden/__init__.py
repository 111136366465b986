"""`rfsr golden`: the numbers that pin the TypeScript twins, each from an independent library (diffusers, torch, PyWavelets, Pillow, …)."""

import argparse
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np

from rfsr.golden import numerics, pictures
from rfsr.golden.analysis import analysis
from rfsr.golden.run import full_runs, prompts


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr golden`."""
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--bundle",
        type=Path,
        action="append",
        required=True,
        help="small bundle to run in full; may be repeated, the first gives the tokenizer",
    )


def main(args: argparse.Namespace) -> None:
    """Writes one JSON file a subject; the same on every machine up to rounding."""
    args.out.mkdir(parents=True, exist_ok=True)
    subjects = {
        "schedulers": numerics.schedulers(),
        "noise": numerics.noise(),
        "haar": numerics.haar(),
        "color-fix": pictures.color_fixes(),
        "resize": pictures.resizes(),
        "metrics": pictures.metrics(),
        "analysis": analysis(),
        "prompts": prompts(args.bundle[0]),
        "run": [case for bundle in args.bundle for case in full_runs(bundle)],
    }
    for name, value in subjects.items():
        text = json.dumps(rounded(value), separators=(",", ":"))
        (args.out / f"{name}.json").write_text(text + "\n")
        print(f"{name}: {len(text):,} bytes")


def rounded(value: Any) -> Any:
    """JSON values of arrays and numbers, floats to 8 significant digits, bytes in base64."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if isinstance(value, np.ndarray):
        return b64encode(value.tobytes()).decode() if value.dtype == np.uint8 else rounded(value.tolist())
    return float(f"{value:.8g}") if isinstance(value, float) else value
