"""What every subcommand needs: configurations, logs, hashes and grids of pictures."""

import argparse
import hashlib
import json
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}


def load_config(path: Path, settings: list[str] | None = None) -> dict[str, Any]:
    """A TOML file as a dictionary. With `extends = "other.toml"`, beside it, its tables' keys replace or join that file's; so do those of
    `settings`, each a line TABLE.KEY=VALUE. Throws ValueError for a line that is none.
    """
    config = tomllib.loads(path.read_text())
    if "extends" in config:
        config = joined(load_config(path.parent / config.pop("extends")), config)
    for line in settings or []:
        config = joined(config, parsed_setting(line))
    return config


def joined(config: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A configuration with the keys of `changes`' tables in place of its own, or beside them."""
    tables = {name: {**config.get(name, {}), **value} if isinstance(value, dict) else value for name, value in changes.items()}
    return config | tables


def parsed_setting(line: str) -> dict[str, Any]:
    """TABLE.KEY=VALUE as a dictionary of one table. Throws ValueError, naming the form, for anything else."""
    try:
        found = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        found = {}
    if [len(table) for table in found.values() if isinstance(table, dict)] != [1]:
        raise ValueError(f"expected --set TABLE.KEY=VALUE with a TOML value, such as rfsr.late=[8,20], got {line!r}")
    return found


def add_config_arguments(parser: argparse.ArgumentParser, tables: str) -> None:
    """`--config` and `--set`, of a command whose configuration has these tables."""
    parser.add_argument("--config", type=Path, required=True, help=f"TOML with {tables}")
    parser.add_argument(
        "--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="in place of the file's; may be repeated"
    )


def named_path(option: str, text: str) -> tuple[str, Path]:
    """An option's NAME=PATH in its two parts. Throws ValueError, naming the option's form, where there is no name."""
    name, equals, path = text.partition("=")
    if not equals:
        raise ValueError(f"expected {option}, got {text!r}")
    return name, Path(path)


def append_jsonl(path: Path, row: dict[str, Any]) -> None:
    """One line of JSON at the end of a file."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def sha256_of(path: Path) -> str:
    """Hex digest of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def command_line() -> str:
    """The command that runs, as a shell would take it; of absolute paths the last part, for it is kept where others read it."""

    def shortened(word: str) -> str:
        name, equals, path = word.rpartition("=")
        return name + equals + (Path(path).name if Path(path).is_absolute() else path)

    return shlex.join(["python", "-m", "rfsr", *map(shortened, sys.argv[1:])])


def current_commit() -> str:
    """The checkout's commit, or "unknown" outside one."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def list_pictures(folder: Path) -> list[Path]:
    """Every picture under `folder`, at any depth, sorted. Throws ValueError if there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise ValueError(f"expected pictures under {folder}, got none")
    return found


def open_rgb(path: Path) -> Image.Image:
    """A picture of any depth as upright 8-bit RGB; alpha is dropped, 16-bit grey is scaled (Pillow alone would clip it)."""
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith("I"):
            upright = Image.fromarray((np.asarray(upright, dtype=np.float64) / 257).round().astype(np.uint8))
        return upright.convert("RGB")


def write_grid(path: Path, rows: list[Tensor]) -> None:
    """A PNG of rows of pictures, each row [N, 3, H, W] in 0…1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    grid = torch.cat([torch.cat(list(row), dim=-1) for row in rows], dim=-2)
    Image.fromarray(to_rgb8(grid)).save(path)


def to_rgb8(rgb01: Tensor) -> np.ndarray:
    """[3, H, W] in 0…1, clamped and rounded to nearest, to uint8 [H, W, 3]."""
    return (rgb01.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def from_rgb8(rgb8: np.ndarray) -> Tensor:
    """uint8 [H, W, 3] to float32 [3, H, W] in 0…1."""
    return torch.from_numpy(np.array(rgb8)).permute(2, 0, 1).float() / 255
