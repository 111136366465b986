"""`rfsr prepare`: any folder of photographs to packed training crops, each with several degraded versions of it."""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from multiprocessing import Pool
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from rfsr.common import from_rgb8, list_pictures, load_config, open_rgb, sha256_of, to_rgb8
from rfsr.degrade.params import SET_B, SETS
from rfsr.degrade.pipeline import degrade
from rfsr.pairs import write_pairs


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

    @cached_property
    def sources(self) -> list[int]:
        """The number of the photograph each crop was cut from."""
        return [crop["source"] for crop in json.loads((self.folder / "manifest.json").read_text())["crops"]]

    def split(self, held_out_every: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices of crops to train on, and of those cut from every so many-th photograph, never trained on."""
        held = np.array(self.sources) % held_out_every == 0
        return np.flatnonzero(~held), np.flatnonzero(held)


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr prepare`."""
    parser.add_argument("--config", type=Path, required=True, help="TOML with a table [prepare] or [pairs] (to measure)")
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs, searched recursively")
    parser.add_argument("--out", type=Path, required=True)


def main(args: argparse.Namespace) -> None:
    """Packs training crops, or with a table [pairs] writes held-out pairs to measure on."""
    tables = load_config(args.config)
    if "pairs" in tables:
        write_pairs(args.images, args.out, degradation=tables["pairs"]["degradation"], seed=tables["pairs"]["seed"])
        return
    table: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in tables["prepare"].items()}
    prepare(args.images, args.out, PrepareConfig(**table))


def prepare(images: Path, out: Path, config: PrepareConfig) -> None:
    """Packs crops of every picture under `images` into `out`, with a manifest of sources, boxes, degradations and hashes.

    The result does not depend on the number of processes. Crops wait on disk, not in memory, until all pictures are seen and the
    random choice among them is made. Throws ValueError for a folder without pictures, or whose pictures are all flat or too small.
    """
    pictures = list_pictures(images)
    jobs = [(number, path, config) for number, path in enumerate(pictures)]
    out.mkdir(parents=True, exist_ok=True)
    facts: list[dict[str, Any]] = []
    with Pool(config.processes, initializer=torch.set_num_threads, initargs=(1,)) as pool, TemporaryFile(dir=out) as waiting:
        for crops in tqdm(pool.imap(crops_of, jobs), total=len(jobs), desc="prepare", mininterval=5):
            for crop in crops:
                waiting.write(crop.hr.tobytes() + crop.lr.tobytes())
                facts.append({"source": crop.source, "box": crop.box, "sets": crop.sets})
        if not facts:
            raise ValueError(f"expected pictures with detail and sides of at least {config.side} under {images}, got none")
        order = np.random.default_rng(config.seed).permutation(len(facts))[: config.count]
        write_arrays(waiting, out, config, order)
    manifest = {
        "config": asdict(config),
        "sources": [{"file": str(path.relative_to(images)), "sha256": sha256_of(path)} for path in pictures],
        "crops": [facts[i] for i in order],
        "sha256": {name: sha256_of(out / name) for name in ("hr.npy", "lr.npy")},
    }
    (out / "manifest.json").write_text(json.dumps(manifest))


def write_arrays(waiting: IO[bytes], out: Path, config: PrepareConfig, order: np.ndarray) -> None:
    """hr.npy and lr.npy from the records (a crop's clean, then its degraded bytes) of `waiting`, in the given order."""
    hr_shape = (config.side, config.side, 3)
    lr_shape = (config.degradations, config.side // SET_B.scale, config.side // SET_B.scale, 3)
    hr_bytes, lr_bytes = math.prod(hr_shape), math.prod(lr_shape)
    hr, lr = (
        np.lib.format.open_memmap(out / f"{name}.npy", mode="w+", dtype=np.uint8, shape=(len(order), *shape))
        for name, shape in (("hr", hr_shape), ("lr", lr_shape))
    )
    for row, record in enumerate(order.tolist()):
        waiting.seek(record * (hr_bytes + lr_bytes))
        hr[row] = np.frombuffer(waiting.read(hr_bytes), np.uint8).reshape(hr_shape)
        lr[row] = np.frombuffer(waiting.read(lr_bytes), np.uint8).reshape(lr_shape)
    hr.flush()
    lr.flush()


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
    for hr, box in windows(open_rgb(path), rng, config):
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
