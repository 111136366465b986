"""What every subcommand needs: configurations, logs, hashes and grids of pictures."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def load_config(path: Path) -> dict[str, Any]:
    """A TOML file as a dictionary."""
    return tomllib.loads(path.read_text())


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
