"""What `test_loop.py` runs in two processes, under torchrun: a run, a run that is stopped and goes on, and one on disks of their own."""

import json
import sys
import time
from itertools import count
from pathlib import Path

from accelerate import PartialState

from rfsr.loop import LoopConfig, Trainer
from rfsr.processes import require_shared
from tests.tiny_stage import TinyStage

LOOP = LoopConfig(
    steps=3, batch_size=4, micro_batch=1, learning_rate=1e-2, warmup=1, precision="no", log_every=1, sample_every=100
)


def trained(run: Path, *, minutes: float | None = None, cpu: bool = False) -> Trainer:
    """A trainer after its run."""
    trainer = Trainer(TinyStage(), LOOP, run, facts={}, cpu=cpu)
    trainer.train(minutes=minutes)
    return trainer


def main(folder: Path) -> None:
    """Writes what each process saw to folder/RANK.json."""
    whole = trained(folder / "whole")
    rank = PartialState().process_index
    # by the second process's clock the minutes are over at once, by the first's, which counts, after two steps of three
    clock, ticks = time.monotonic, count(0, 10**6 if rank else 1)
    time.monotonic = lambda: float(next(ticks))
    stopped = trained(folder / "cut", minutes=1.5 / 60)
    time.monotonic = clock
    resumed = trained(folder / "cut")
    try:
        own = folder / f"disk-{rank}"
        own.mkdir()
        require_shared(own)
        refused = ""
    except ValueError as error:
        refused = str(error)
    found = {
        "processes": whole.accelerator.num_processes,
        "weights": [parameter.tolist() for parameter in whole.stage.trainable()],
        "average": [value.tolist() for value in whole.ema.shadow_params],
        "stops": whole.stage.stops,
        "stoppedAt": stopped.step,
        "resumed": [parameter.tolist() for parameter in resumed.stage.trainable()],
        "refused": refused,
    }
    (folder / f"{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
