"""`rfsr prepare`: any folder of photographs to packed training crops, each with several degraded versions of it."""

import argparse
import json
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
from rfsr.degrade.params import SETS
from rfsr.degrade.pipeline import degrade
from rfsr.pairs import write_pairs

HELD_OUT_EVERY = 10
"""One photograph in so many, by its number, is never trained on by any stage: what one has learnt another's check would not notice."""


@dataclass(frozen=True)
class PrepareConfig:
    """What to pack. `crops_a_picture` bounds a picture's share; `min_gradient` (of 255) rejects flat crops.

    A picture larger than `shrink_above` pixels on its short side is first reduced by a random factor of `shrink`, so that crops
    are crisp. `mixture`: weights of the degradation sets; `scales`: of the factors by which crops are reduced, as words of TOML.
    """

    count: int = 4000
    side: int = 192
    degradations: int = 1
    crops_a_picture: tuple[int, int] = (4, 24)
    pixels_a_crop: int = 40_000
    shrink_above: int = 700
    shrink: tuple[float, float] = (0.45, 0.8)
    min_gradient: float = 3.0
    mixture: dict[str, float] = field(default_factory=lambda: {"b": 0.7, "mild": 0.3})
    scales: dict[str, float] = field(default_factory=lambda: {"4": 1.0})
    seed: int = 0
    processes: int = 2


@dataclass(frozen=True)
class PackedCrops:
    """A folder written by `prepare`, memory-mapped, all uint8: hr [N, S, S, 3]; lr, degraded and, with `teach`, taught [N, K, S, S, 3]."""

    folder: Path

    @cached_property
    def hr(self) -> np.ndarray:
        """Clean crops."""
        return np.load(self.folder / "hr.npy", mmap_mode="r")

    @cached_property
    def lr(self) -> np.ndarray:
        """Their degraded versions, each in the top left corner: see `small`."""
        return np.load(self.folder / "lr.npy", mmap_mode="r")

    def small(self, index: int, kind: int) -> np.ndarray:
        """Degraded version `kind` of a crop at its own size, uint8 [S/scale, S/scale, 3]."""
        side = self.hr.shape[1] // self.facts[index]["scales"][kind]
        return self.lr[index, kind, :side, :side]

    @cached_property
    def degraded(self) -> np.ndarray:
        """Their degraded versions as networks see them: enlarged to the clean crop's size."""
        return np.load(self.folder / "degraded.npy", mmap_mode="r")

    @cached_property
    def taught(self) -> np.ndarray:
        """What the teacher makes of each degraded version, or the clean crop itself (see `rfsr.teach`), [N, K, S, S, 3]."""
        return np.load(self.folder / "taught.npy", mmap_mode="r")

    @cached_property
    def answered(self) -> np.ndarray:
        """Which of them are there, bool [N, K]."""
        return np.load(self.folder / "answered.npy", mmap_mode="r")

    @cached_property
    def facts(self) -> list[dict[str, Any]]:
        """Of each crop: `source`, the number of its photograph; `box`; `sets` and `scales`, the degradation of each version."""
        return json.loads((self.folder / "manifest.json").read_text())["crops"]

    @cached_property
    def sources(self) -> list[int]:
        """The number of the photograph each crop was cut from."""
        return [crop["source"] for crop in self.facts]

    @cached_property
    def training(self) -> np.ndarray:
        """Indices of the crops that stages train on."""
        return np.flatnonzero(np.array(self.sources) % HELD_OUT_EVERY != 0)

    @cached_property
    def held_out(self) -> np.ndarray:
        """Indices of the others, for checks."""
        return np.flatnonzero(np.array(self.sources) % HELD_OUT_EVERY == 0)


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
                waiting.write(crop.hr.tobytes() + crop.lr.tobytes() + crop.degraded.tobytes())
                facts.append({"source": crop.source, "box": crop.box, "sets": crop.sets, "scales": crop.scales})
        if not facts:
            raise ValueError(f"expected pictures with detail and sides of at least {config.side} under {images}, got none")
        order = np.random.default_rng(config.seed).permutation(len(facts))[: config.count]
        write_arrays(waiting, out, config, order)
    manifest = {
        "config": asdict(config),
        "sources": [{"file": str(path.relative_to(images)), "sha256": sha256_of(path)} for path in pictures],
        "crops": [facts[i] for i in order],
        "sha256": {name: sha256_of(out / name) for name in ("hr.npy", "lr.npy", "degraded.npy")},
    }
    (out / "manifest.json").write_text(json.dumps(manifest))


def write_arrays(waiting: IO[bytes], out: Path, config: PrepareConfig, order: np.ndarray) -> None:
    """hr.npy, lr.npy and degraded.npy from the records (a crop's three arrays) of `waiting`, in the given order."""
    picture = (config.side, config.side, 3)
    versions = (config.degradations, *picture)
    shapes = {"hr": picture, "lr": versions, "degraded": versions}
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    arrays = {
        name: np.lib.format.open_memmap(out / f"{name}.npy", mode="w+", dtype=np.uint8, shape=(len(order), *shape))
        for name, shape in shapes.items()
    }
    for row, record in enumerate(order.tolist()):
        waiting.seek(record * sum(sizes.values()))
        for name, shape in shapes.items():
            arrays[name][row] = np.frombuffer(waiting.read(sizes[name]), np.uint8).reshape(shape)
    for array in arrays.values():
        array.flush()


@dataclass(frozen=True)
class Crop:
    """One crop as `PackedCrops` has it, where it is from: (scale, top, left) of the source, and how it was degraded."""

    hr: np.ndarray
    lr: np.ndarray
    degraded: np.ndarray
    source: int
    box: tuple[float, int, int]
    sets: list[str]
    scales: list[int]


def crops_of(job: tuple[int, Path, PrepareConfig]) -> list[Crop]:
    """All crops of one picture, drawn from a generator seeded by (seed, its number)."""
    number, path, config = job
    rng = np.random.default_rng([config.seed, number])
    crops = []
    for hr, box in windows(open_rgb(path), rng, config):
        sets = pick(config.mixture, config.degradations, rng)
        scales = [int(scale) for scale in pick(config.scales, config.degradations, rng)]
        clean = from_rgb8(hr)
        small = [to_rgb8(degrade(clean, SETS[name], rng, scale=scale)) for name, scale in zip(sets, scales, strict=True)]
        lr = np.zeros((len(small), *hr.shape), np.uint8)
        for kept, picture in zip(lr, small, strict=True):
            kept[: picture.shape[0], : picture.shape[1]] = picture
        degraded = np.stack([enlarged(picture, config.side) for picture in small])
        crops.append(Crop(hr=hr, lr=lr, degraded=degraded, source=number, box=box, sets=sets, scales=scales))
    return crops


def pick(weights: dict[str, float], count: int, rng: np.random.Generator) -> list[str]:
    """`count` of the names, drawn by their weights."""
    shares = np.array(list(weights.values()))
    return [str(name) for name in rng.choice(list(weights), size=count, p=shares / shares.sum())]


def enlarged(rgb8: np.ndarray, side: int) -> np.ndarray:
    """A square uint8 picture as [side, side, 3], bicubic with Pillow, as every procedure enlarges its input."""
    return np.asarray(Image.fromarray(rgb8).resize((side, side), Image.Resampling.BICUBIC))


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
