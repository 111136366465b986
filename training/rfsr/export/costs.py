"""What running a graph takes: memory, measured with ONNX Runtime, and arithmetic, counted with torch.

`memory` and `macs` (multiply-accumulates) of an entry are for a batch of one and grow as fixed + perCell·n + perCellSquared·n² with the
n = h·w latent cells of a run; a batch of two needs twice of both. `loadedBytes` is what the compiled graph holds between runs.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from rfsr.export.graphs import PART_CELLS, GraphSpec, as_arguments

MAX_ERROR = 0.25
"""Of a measured peak: a formula farther off plans nothing."""
GROWTHS = ((1,), (0, 1), (1, 2), (0, 2))
"""Powers of n that memory may grow with, simplest first."""
SHARES = (0.5, 0.75, 1.0)
"""Sides that are measured, of the largest piece the graph's tiling rule makes, or of PART_CELLS. At smaller ones rounding to pages tells."""
PEAK = Path(__file__).with_name("peak.py")


class CostError(RuntimeError):
    """Nothing could be measured, or no formula comes near what was."""


def graph_costs(spec: GraphSpec, model: Path, rule: dict[str, Any] | None) -> dict[str, Any]:
    """`memory` and `macs` of a manifest entry; `rule`: its tiling. Throws CostError when the measured peaks follow no formula."""
    macs = macs_of(spec)
    return {"memory": memory_of(spec, model, rule) | tensor_growth(spec, macs), "macs": macs}


def memory_of(spec: GraphSpec, model: Path, rule: dict[str, Any] | None) -> dict[str, float]:
    """Bytes of the compiled graph, and the formula of what a run takes beyond them: inputs, everything between, outputs."""
    sides = sides_of(spec, rule)
    found = [peak_bytes(spec, model, side) for side in sides]
    terms = fit_growth([side**2 for side in sides], [run for _, run in found], spec.role)
    names = ("fixedBytes", "bytesPerCell", "bytesPerCellSquared")
    loaded = max(load for load, _ in found)
    return {"loadedBytes": rounded(loaded)} | {name: rounded(value) for name, value in zip(names, terms, strict=True)}


def sides_of(spec: GraphSpec, rule: dict[str, Any] | None) -> list[int]:
    """Sides in cells at which a graph is measured; [0] for one without spatial inputs."""
    if not is_spatial(spec):
        return [0]
    rule = rule or {"kind": "halo", "cells": 0, "part": PART_CELLS}
    largest = rule["tile"] if rule["kind"] == "blend" else rule["part"] + 2 * rule["cells"]
    return [round(share * largest / spec.cell_multiple) * spec.cell_multiple for share in SHARES]


def is_spatial(spec: GraphSpec) -> bool:
    """Whether inputs have the picture's height and width."""
    return any("h" in str(dim) for dims in spec.inputs.values() for dim in dims)


def peak_bytes(spec: GraphSpec, model: Path, side: int, *, batch: int = 1) -> tuple[int, int]:
    """Bytes that loading takes, and that a run on side × side cells takes beyond it, in a fresh process.

    Throws CostError where it cannot be measured: on other systems than Linux, or when the run fails.
    """
    inputs = spec.inputs_at(batch=batch, height=side, width=side, seed=0)
    feeds = {
        name: (str(value.numpy().dtype), list(value.shape)) for name, value in zip(spec.inputs, inputs.values(), strict=True)
    }
    done = subprocess.run([sys.executable, PEAK, model, json.dumps(feeds)], capture_output=True, text=True)
    if done.returncode != 0:
        raise CostError(f"{spec.role}: expected to measure memory, which works on Linux only, got: {done.stderr.strip()}")
    found = json.loads(done.stdout)
    return found["load"], found["run"]


def fit_growth(cells: list[int], peaks: list[int], role: str) -> tuple[float, float, float]:
    """Coefficients of n⁰, n¹ and n², none negative: the simplest growth that errs at most MAX_ERROR, by least squares of relative errors."""
    if cells == [0]:
        return peaks[0], 0, 0
    for powers in GROWTHS:
        powered = np.array([[n**power / peak for power in powers] for n, peak in zip(cells, peaks, strict=True)])
        values = np.linalg.lstsq(powered, np.ones(len(peaks)), rcond=None)[0]
        if (values >= 0).all() and np.abs(powered @ values - 1).max() <= MAX_ERROR:
            terms = dict(zip(powers, values.tolist(), strict=True))
            return terms.get(0, 0), terms.get(1, 0), terms.get(2, 0)
    raise CostError(f"{role}: no growth is within {MAX_ERROR:.0%} of {peaks} bytes at {cells} cells")


def rounded(value: float) -> float:
    """To three digits: more would not repeat."""
    return whole(float(f"{value:.3g}"))


def macs_of(spec: GraphSpec) -> dict[str, float]:
    """Multiply-accumulates of convolutions and matrix products, counted at three sizes through which the formula passes exactly."""
    if not is_spatial(spec):
        return {"fixed": count_macs(spec, 0, 0), "perCell": 0, "perCellSquared": 0}
    cells = spec.cell_multiple
    sizes = [(cells * rows, cells * columns) for rows, columns in ((1, 1), (1, 2), (2, 2))]
    powered = [[1, h * w, (h * w) ** 2] for h, w in sizes]
    terms = np.linalg.solve(np.array(powered, float), [count_macs(spec, h, w) for h, w in sizes])
    return dict(zip(("fixed", "perCell", "perCellSquared"), (whole(round(term, 3)) for term in terms.tolist()), strict=True))


class LargestTensor(TorchDispatchMode):
    """Within it, `bytes` becomes the size of the largest tensor that any operation gives."""

    bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """An operation of PyTorch, watched."""
        found = func(*args, **(kwargs or {}))
        for value in found if isinstance(found, tuple | list) else (found,):
            if isinstance(value, Tensor):
                self.bytes = max(self.bytes, value.nbytes)
        return found


@torch.no_grad()
def tensor_growth(spec: GraphSpec, macs: dict[str, float]) -> dict[str, float]:
    """`tensorBytesPerCell`: of the largest tensor of a run, for graphs that grow with the cells alone; empty for those that attend.

    Counted at PART_CELLS a side: of a smaller run its borders would be a larger share.
    """
    if not is_spatial(spec) or macs["perCellSquared"]:
        return {}
    with LargestTensor() as largest:
        spec.module.eval()(**as_arguments(spec.inputs_at(batch=1, height=PART_CELLS, width=PART_CELLS, seed=0)))
    return {"tensorBytesPerCell": rounded(largest.bytes / PART_CELLS**2)}


def whole(value: float) -> float:
    """An integer where the value is one."""
    return int(value) if value.is_integer() else value


@torch.no_grad()
def count_macs(spec: GraphSpec, height: int, width: int) -> int:
    """Multiply-accumulates of one run on so many cells."""
    forward: Callable[..., Any] = spec.module.eval()
    # the counter knows matrix products, not the CPU's fused attention
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        forward(**as_arguments(spec.inputs_at(batch=1, height=height, width=width, seed=0)))
    return counter.get_total_flops() // 2
