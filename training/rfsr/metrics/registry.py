"""Every quality measure by name: its range, which way is better, and what it needs. One that cannot be had is declined, never faked.

What a loss, a discriminator or a reward of this project sees is a measure too, and marked: a model is no better for scoring well in what
it was trained on.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from rfsr.common import from_rgb8
from rfsr.features.network import feature_distance
from rfsr.features.squeezenet import SQUEEZENET, SqueezeNetFeatures
from rfsr.metrics.efficientnet import EFFICIENTNET, PACKAGE, open_efficientnet_distance
from rfsr.metrics.iqa import IQA_WEIGHTS, PYIQA, open_fid, open_pyiqa
from rfsr.metrics.iqa import PACKAGE as PYIQA_PACKAGE
from rfsr.metrics.niqe import PristineModel, niqe
from rfsr.metrics.patches import sliced_wasserstein
from rfsr.metrics.pixels import IDENTICAL_DB, psnr, ssim
from rfsr.metrics.texture import CELL_CLIP, cell_pattern, gradient_similarity, high_band_energy, seed_spread
from rfsr.rewards.mini_preference import MiniPreference, clean_words
from rfsr.rewards.mini_quality import MiniQuality

NIQE_PRISTINE = Path("niqe/niqe_pris_params.npz")
SHIPPED = Path(__file__).parents[2] / "weights"
"""The rewards this project trained, in the repository."""

Measure = Callable[..., float]
"""Takes a picture uint8 [H, W, 3], and a reference of the same shape where the metric needs one."""
Reason = Literal[
    "weights-missing", "package-missing", "reference-missing", "size-differs", "picture-unsuitable", "seeds-missing"
]
UNBOUNDED = float("inf")


@dataclass(frozen=True)
class Metric:
    """What is known of a measure. `better`: "one" is the nearer to 1, by its ratio to it.

    `weights`: the file or folder it needs, relative to the folder of networks unless it is absolute; `package`: what must be installed;
    `open`: makes it, given the weights. `seen`: a loss, a discriminator or a reward of this project sees it, so that it is no headline.
    `asked`: measured only where it is asked for.
    """

    name: str
    range: tuple[float, float]
    better: Literal["higher", "lower", "one"]
    needs_reference: bool
    open: Callable[[Path], Measure]
    weights: Path | None = None
    package: str | None = None
    seen: bool = False
    asked: bool = False

    def merit(self, value: float) -> float:
        """A number that is the higher the better."""
        if self.better == "one":
            return -abs(math.log(max(value, 1e-9)))
        return value if self.better == "higher" else -value


@dataclass(frozen=True)
class Declined:
    """A metric that was not computed, for which picture (None: for all), and why."""

    metric: str
    picture: str | None
    reason: Reason
    detail: str


def open_feature_distance(path: Path) -> Measure:
    """`fd`: SqueezeNet feature distance of two pictures of at least 48 pixels a side."""
    network = SqueezeNetFeatures(path).eval()

    @torch.no_grad()
    def measure(rgb8: np.ndarray, reference: np.ndarray) -> float:
        if min(rgb8.shape[:2]) < 48:
            raise ValueError(f"expected sides of at least 48, got {rgb8.shape[0]}×{rgb8.shape[1]}")
        return feature_distance(network(from_rgb8(rgb8)[None]), network(from_rgb8(reference)[None])).item()

    return measure


def open_quality(path: Path) -> Measure:
    """`mini_quality`: the reward's own score."""
    reward = MiniQuality.load(path).eval()

    @torch.no_grad()
    def measure(rgb8: np.ndarray) -> float:
        return reward.score(from_rgb8(rgb8)[None], [""]).item()

    return measure


def open_preference(path: Path) -> Measure:
    """`mini_preference`: the reward's score with the words its own tagger has for the reference, reduced as a degraded picture is."""
    reward, facts = MiniPreference.load(path).eval(), json.loads((path / "facts.json").read_text())
    thresholds = torch.tensor(facts["thresholds"])

    @torch.no_grad()
    def measure(rgb8: np.ndarray, reference: np.ndarray) -> float:
        words = clean_words(reward.tagger, from_rgb8(reference)[None], facts["tags"], thresholds)
        return reward.score(from_rgb8(rgb8)[None], words).item()

    return measure


METRICS = {
    metric.name: metric
    for metric in (
        Metric("psnr", (0, IDENTICAL_DB), "higher", True, lambda _: psnr),
        Metric("ssim", (-1, 1), "higher", True, lambda _: ssim),
        # Two vectors of unit length are at most 2 apart.
        Metric("ed", (0, 4), "lower", True, open_efficientnet_distance, EFFICIENTNET, PACKAGE),
        Metric(
            "niqe", (0, UNBOUNDED), "lower", False, lambda path: partial(niqe, model=PristineModel.load(path)), NIQE_PRISTINE
        ),
        Metric("cell_pattern", (0, CELL_CLIP), "lower", False, lambda _: cell_pattern),
        Metric("high_band", (0, UNBOUNDED), "one", True, lambda _: high_band_energy),
        Metric("sharpness", (0, 1), "higher", True, lambda _: gradient_similarity),
        Metric("swd", (0, UNBOUNDED), "lower", True, lambda _: sliced_wasserstein),
        # Two unit vectors without negative parts are at most sqrt(2) apart.
        Metric("fd", (0, 2), "lower", True, open_feature_distance, SQUEEZENET, seen=True),
        Metric("mini_quality", MiniQuality.range, "higher", False, open_quality, SHIPPED / "mini_quality", seen=True),
        Metric(
            "mini_preference", MiniPreference.range, "higher", True, open_preference, SHIPPED / "mini_preference", seen=True
        ),
        *(
            Metric(
                name,
                each.range,
                each.better,
                each.needs_reference,
                partial(open_pyiqa, each.name),
                IQA_WEIGHTS,
                PYIQA_PACKAGE,
                seen=each.seen,
                asked=True,
            )
            for name, each in PYIQA.items()
        ),
    )
}
SEED_SPREAD = Metric("seed_spread", (0, UNBOUNDED), "higher", True, lambda _: seed_spread)
"""Its measure takes the results of several seeds, [uint8 [H, W, 3], …], in place of a picture."""
FID = Metric("fid", (0, UNBOUNDED), "lower", True, open_fid, IQA_WEIGHTS, PYIQA_PACKAGE, asked=True)
"""Its measure takes two folders."""


class Measures:
    """The metrics that can be had with the given folder of networks (None: none are there), and those that cannot."""

    def __init__(self, nets: Path | None, names: list[str] | None = None, *, fid: bool = False) -> None:
        """`names` defaults to all but those that must be asked for. Throws ValueError for a name that is not in METRICS."""
        if unknown := set(names or []) - METRICS.keys():
            raise ValueError(f"expected metrics of {sorted(METRICS)}, got {sorted(unknown)}")
        self.declined: list[Declined] = []
        chosen = names or [name for name, metric in METRICS.items() if not metric.asked]
        found = {name: self.opened(METRICS[name], nets) for name in chosen}
        self.open: dict[str, Measure] = {name: measure for name, measure in found.items() if measure}
        self.fid = self.opened(FID, nets) if fid else None

    def opened(self, metric: Metric, nets: Path | None) -> Measure | None:
        """The metric's measure, or None and a line in `declined`."""
        path = (nets or Path()) / (metric.weights or "")
        if metric.weights and not (path.exists() and (nets is not None or metric.weights.is_absolute())):
            detail = f"expected {'/'.join(metric.weights.parts[-2:])} in the folder of networks, or shipped"
            self.declined.append(Declined(metric.name, None, "weights-missing", detail))
        elif metric.package and not find_spec(metric.package.replace("-", "_")):
            detail = f"expected it installed: pip install {metric.package}"
            self.declined.append(Declined(metric.name, None, "package-missing", detail))
        else:
            try:
                return metric.open(path)
            except FileNotFoundError as error:
                self.declined.append(Declined(metric.name, None, "weights-missing", str(error)))
        return None

    def score(self, rgb8: np.ndarray, reference: np.ndarray | None, *, picture: str) -> tuple[dict[str, float], list[Declined]]:
        """Every open metric of a picture uint8 [H, W, 3], and those its size or the lack of a reference rules out."""
        scores, declined = {}, []
        for name, measure in self.open.items():
            try:
                if not METRICS[name].needs_reference:
                    scores[name] = measure(rgb8)
                elif reference is None:
                    declined.append(Declined(name, picture, "reference-missing", "it compares with a reference"))
                elif rgb8.shape != reference.shape:
                    detail = f"{rgb8.shape[0]}×{rgb8.shape[1]} against {reference.shape[0]}×{reference.shape[1]}"
                    declined.append(Declined(name, picture, "size-differs", detail))
                else:
                    scores[name] = measure(rgb8, reference)
            except ValueError as error:
                declined.append(Declined(name, picture, "picture-unsuitable", str(error)))
        return scores, declined
