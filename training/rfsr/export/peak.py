"""Run by itself, in a fresh process without torch: bytes that loading a graph takes, and that running it takes beyond that.

Only Linux tells a process its own peak and lets it begin anew (proc(5)).

`python peak.py MODEL '{"sample": ["float32", [1, 16, 32, 32]], ...}'` prints `{"load": bytes, "run": bytes}`.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

RUNS = 2
"""The first plans its memory, the second runs as all later ones do."""


def resident(key: str) -> int:
    """Bytes of this process in memory: `VmRSS` now, `VmHWM` at most since the peak was last reset."""
    found = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


def reset_peak() -> None:
    """Lets VmHWM start again from VmRSS (Linux, proc(5): clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def main(model: str, feeds: dict[str, tuple[str, list[int]]]) -> None:
    """Prints what loading and running take. The inputs themselves count with the run, as its outputs do."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = []
    for _ in range(2):  # the first brings the runtime's own needs along: the second is counted
        before = resident("VmRSS")
        sessions.append(ort.InferenceSession(model, options, providers=["CPUExecutionProvider"]))
    loaded = resident("VmRSS")
    reset_peak()
    values = {name: np.ones(shape, dtype) for name, (dtype, shape) in feeds.items()}
    for _ in range(RUNS):
        sessions[-1].run(None, values)
    print(json.dumps({"load": loaded - before, "run": resident("VmHWM") - loaded}))


main(sys.argv[1], json.loads(sys.argv[2]))
