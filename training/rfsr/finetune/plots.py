"""`rfsr plot`: what fine-tuning runs did, as pictures: loss parts, rewards and quality over iterations, and strips of samples.

Several runs share a figure (the paper's figures 2 and 7: with and without Gram-KL).
"""

import argparse
import json
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from rfsr.common import named_path

SMOOTHED = 15
"""Steps that a loss curve averages over: every step has its own timestep, so single losses jump."""
STRIP_ROW = 2
"""The trained network's results in a sample grid (`RFSRStage.sample_rows`)."""
GRID_ROWS = 4
STRIP_SHOWN = 6


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr plot`."""
    parser.add_argument("--run", action="append", required=True, metavar="NAME=DIR", help="a fine-tuning run; may be repeated")
    parser.add_argument("--crop", type=int, default=0, help="which of the shown crops the strips follow")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")


def main(args: argparse.Namespace) -> None:
    """Writes losses.png, measures.png and strips.png. Throws ValueError for a --run without a name."""
    runs = dict(named_path("--run NAME=DIR", text) for text in args.run)
    args.out.mkdir(parents=True, exist_ok=True)
    plot_losses({name: read_lines(run / "log.jsonl") for name, run in runs.items()}, args.out / "losses.png")
    plot_measures({name: read_lines(run / "measures.jsonl") for name, run in runs.items()}, args.out / "measures.png")
    plot_strips(runs, args.out / "strips.png", crop=args.crop)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """A JSONL file; of lines with the same step the last counts, since a resumed run writes some again."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return list({row["step"]: row for row in rows}.values())


def panels(names: list[str]) -> tuple[plt.Figure, dict[str, plt.Axes]]:
    """A figure with one titled panel a name, at most three a row."""
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4 * columns, 2.8 * rows), squeeze=False, layout="constrained")
    for spare in axes.flat[len(names) :]:
        spare.remove()
    titled = dict(zip(names, axes.flat, strict=False))
    for name, axis in titled.items():
        axis.set_title(name)
        axis.grid(alpha=0.3)
        axis.set_xlabel("step")
    return figure, titled


def plot_losses(logs: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Every loss part over steps, one panel a part, one line a run."""
    parts = dict.fromkeys(key for log in logs.values() for row in log for key in row if key not in ("step", "minutes"))
    figure, axes = panels(list(parts))
    for name, log in logs.items():
        for part, axis in axes.items():
            points = np.array([(row["step"], row[part]) for row in log if part in row])
            if len(points) == 0:
                continue
            width = min(SMOOTHED, len(points))
            smooth = np.convolve(points[:, 1], np.full(width, 1 / width), mode="valid")
            axis.plot(points[width - 1 :, 0], smooth, label=name)
    finish(figure, axes, path)


def plot_measures(logs: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Every measure on the held-out crops: averaged weights as a line, live ones dotted."""
    figure, axes = panels(list(dict.fromkeys(key for log in logs.values() for row in log for key in row["ema"])))
    colours = cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"])
    for (name, log), colour in zip(logs.items(), colours, strict=False):
        steps = [row["step"] for row in log]
        for measure, axis in axes.items():
            axis.plot(steps, [row["ema"].get(measure, np.nan) for row in log], label=name, color=colour)
            axis.plot(steps, [row["live"].get(measure, np.nan) for row in log], ":", color=colour, alpha=0.6)
    finish(figure, axes, path)


def finish(figure: plt.Figure, axes: dict[str, plt.Axes], path: Path) -> None:
    """Legend in the first panel, and the file."""
    next(iter(axes.values())).legend(fontsize="small")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plot_strips(runs: dict[str, Path], path: Path, *, crop: int) -> None:
    """One crop over iterations, one row a run, from its sample grids."""
    strips = {name: sample_strip(run, crop) for name, run in runs.items()}
    columns = max(len(strip) for strip in strips.values())
    figure, axes = plt.subplots(
        len(strips), columns, figsize=(2.2 * columns, 2.4 * len(strips)), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for row, (name, strip) in zip(axes, strips.items(), strict=True):
        for axis, (step, pixels) in zip(row, strip, strict=False):
            axis.imshow(pixels)
            axis.set_title(f"{name}, {step}", fontsize="small")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def sample_strip(run: Path, crop: int) -> list[tuple[int, np.ndarray]]:
    """(step, uint8 [S, S, 3]) of a held-out crop, for steps spread over the run."""
    grids = sorted((run / "samples").glob("*.png"))
    chosen = [grids[i] for i in np.unique(np.linspace(0, len(grids) - 1, STRIP_SHOWN).astype(int))]
    strip = []
    for grid in chosen:
        pixels = np.asarray(Image.open(grid))
        side = len(pixels) // GRID_ROWS
        strip.append((int(grid.stem), pixels[STRIP_ROW * side : (STRIP_ROW + 1) * side, crop * side : (crop + 1) * side]))
    return strip
