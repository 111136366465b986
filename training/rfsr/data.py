"""`rfsr prepare`: any folder of photographs to packed training crops, each with several degraded versions of it."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from rfsr.common import from_rgb8, load_config, sha256_of, to_rgb8
from rfsr.degrade.params import SETS
from rfsr.degrade.pipeline import degrade

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
SCALE = 4


@dataclass(frozen=True)
class PrepareConfig:
    """What to pack. `crops_a_picture` bounds a picture's share; `min_gradient` (of 255) rejects flat crops.

    A picture larger than `shrink_above` pixels on its short side is first reduced by a random factor of `shrink`, so that crops
    are crisp. `mixture`: weights of the degradation sets.
    """

    count: int = 4000
    side: int = 256
    degradations: int = 3
    crops_a_picture: tuple[int, int] = (4, 24)
    pixels_a_crop: int = 40_000
    shrink_above: int = 700
    shrink: tuple[float, float] = (0.45, 0.8)
    min_gradient: float = 3.0
    mixture: dict[str, float] = field(default_factory=lambda: {"b": 0.7, "mild": 0.3})
    seed: int = 0
    processes: int = 2


@dataclass(frozen=True)
class PackedCrops:
    """A folder written by `prepare`, memory-mapped: hr uint8 [N, S, S, 3], lr uint8 [N, K, S/4, S/4, 3]."""

    folder: Path

    @cached_property
    def hr(self) -> np.ndarray:
        """Clean crops."""
        return np.load(self.folder / "hr.npy", mmap_mode="r")

    @cached_property
    def lr(self) -> np.ndarray:
        """Their degraded versions, rounded to 8 bits."""
        return np.load(self.folder / "lr.npy", mmap_mode="r")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr prepare`."""
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs, searched recursively")
    parser.add_argument("--out", type=Path, required=True)


def main(args: argparse.Namespace) -> None:
    """Packs crops and writes a manifest of sources, boxes, degradations and hashes."""
    table = {k: tuple(v) if isinstance(v, list) else v for k, v in load_config(args.config)["prepare"].items()}
    config = PrepareConfig(**table)
    prepare(args.images, args.out, config)


def prepare(images: Path, out: Path, config: PrepareConfig) -> None:
    """Packs crops of every picture under `images` into `out`. The result does not depend on the number of processes."""
    pictures = sorted(path for path in images.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not pictures:
        raise ValueError(f"expected photographs under {images}, got none")
    jobs = [(number, path, config) for number, path in enumerate(pictures)]
    crops: list[Crop] = []
    with get_context("fork").Pool(config.processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for part in tqdm(pool.imap(crops_of, jobs), total=len(jobs), desc="prepare", mininterval=5):
            crops += part
    order = np.random.default_rng(config.seed).permutation(len(crops))[: config.count]
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "hr.npy", np.stack([crops[i].hr for i in order]))
    np.save(out / "lr.npy", np.stack([crops[i].lr for i in order]))
    manifest = {
        "config": asdict(config),
        "sources": [{"file": str(path.relative_to(images)), "sha256": sha256_of(path)} for path in pictures],
        "crops": [{"source": crops[i].source, "box": crops[i].box, "sets": crops[i].sets} for i in order],
        "sha256": {name: sha256_of(out / name) for name in ("hr.npy", "lr.npy")},
    }
    (out / "manifest.json").write_text(json.dumps(manifest))


@dataclass(frozen=True)
class Crop:
    """One crop: clean uint8 [S, S, 3], degraded uint8 [K, S/4, S/4, 3], and where it is from: (scale, top, left) of the source."""

    hr: np.ndarray
    lr: np.ndarray
    source: int
    box: tuple[float, int, int]
    sets: list[str]


def crops_of(job: tuple[int, Path, PrepareConfig]) -> list[Crop]:
    """All crops of one picture, drawn from a generator seeded by (seed, its number)."""
    number, path, config = job
    rng = np.random.default_rng([config.seed, number])
    names, weights = list(config.mixture), np.array(list(config.mixture.values()))
    crops = []
    for hr, box in windows(Image.open(path).convert("RGB"), rng, config):
        sets = [str(name) for name in rng.choice(names, size=config.degradations, p=weights / weights.sum())]
        lr = np.stack([to_rgb8(degrade(from_rgb8(hr), SETS[name], rng)) for name in sets])
        crops.append(Crop(hr=hr, lr=lr, source=number, box=box, sets=sets))
    return crops


def windows(
    picture: Image.Image, rng: np.random.Generator, config: PrepareConfig
) -> Iterator[tuple[np.ndarray, tuple[float, int, int]]]:
    """Random windows uint8 [S, S, 3] with enough gradient, and (scale, top, left) of each."""
    low, high = config.crops_a_picture
    side = config.side
    for _ in range(int(np.clip(picture.width * picture.height / config.pixels_a_crop, low, high))):
        scale = float(rng.uniform(*config.shrink)) if min(picture.size) > config.shrink_above else 1.0
        width, height = round(picture.width * scale), round(picture.height * scale)
        if min(width, height) < side:
            continue
        pixels = np.asarray(picture if scale == 1 else picture.resize((width, height), Image.Resampling.LANCZOS))
        for _ in range(3):
            top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
            window = pixels[top : top + side, left : left + side]
            if np.abs(np.diff(window.mean(axis=2), axis=1)).mean() >= config.min_gradient:
                yield np.ascontiguousarray(window), (scale, top, left)
                break


def degraded_pair(picture: Image.Image, *, degradation: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A whole picture as reference, cropped to multiples of 32, and its degraded ×1/4 version, both uint8 [H, W, 3]."""
    pixels = np.asarray(picture.convert("RGB"))
    reference = np.ascontiguousarray(pixels[: pixels.shape[0] // 32 * 32, : pixels.shape[1] // 32 * 32])
    rng = np.random.default_rng(seed)
    return reference, to_rgb8(degrade(from_rgb8(reference), SETS[degradation], rng))
