"""A module run by torchrun in two processes on CPUs."""

import os
import subprocess
import sys
from pathlib import Path


def in_two_processes(module: str, *words: str | Path) -> None:
    """As `torchrun --nproc-per-node 2 -m -- MODULE WORDS…` in the training folder, which must succeed."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]
    finished = subprocess.run(
        [sys.executable, *launcher, module, *map(str, words)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
