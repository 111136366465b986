"""Held-out pairs to measure on: references and the low-resolution inputs made from them, reproducible picture by picture."""

import math
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from rfsr.common import from_rgb8, list_pictures, open_rgb, to_rgb8
from rfsr.degrade.params import SETS
from rfsr.degrade.pipeline import degrade

MULTIPLE = 32


def degraded_pair(
    picture: Image.Image, *, degradation: str, rng: np.random.Generator, scale: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """A whole RGB picture as (reference, low-resolution input), both uint8 [H, W, 3].

    The reference is cut at the right and bottom to multiples of 32 and of `scale`; `degradation` names a set of `rfsr.degrade.params.SETS`.
    """
    multiple = math.lcm(MULTIPLE, scale)
    pixels = np.asarray(picture)
    reference = np.ascontiguousarray(pixels[: pixels.shape[0] // multiple * multiple, : pixels.shape[1] // multiple * multiple])
    return reference, to_rgb8(degrade(from_rgb8(reference), SETS[degradation], rng, scale=scale))


def pair_generator(name: str, *, seed: int) -> np.random.Generator:
    """The generator of one picture, by its file name without suffix: a subset or another order gives the same inputs."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def write_pairs(images: Path, out: Path, *, degradation: str, seed: int) -> None:
    """out/hr/NAME.png and out/lr/NAME.png of every picture under `images`."""
    for folder in ("hr", "lr"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for path in list_pictures(images):
        pair = degraded_pair(open_rgb(path), degradation=degradation, rng=pair_generator(path.stem, seed=seed))
        for folder, pixels in zip(("hr", "lr"), pair, strict=True):
            Image.fromarray(pixels).save(out / folder / f"{path.stem}.png")
