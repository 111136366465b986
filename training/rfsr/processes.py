"""Several processes of one run, on CPUs or GPUs, of one node or several: how they are opened, and what they must share.

Started by `torchrun --nproc_per_node N -m -- rfsr finetune …` (without the dashes torchrun takes `--run` for an option of its own), or on
GPUs by `accelerate launch`.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs, broadcast_object_list

RANKED_BY = ("RANK", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Variables of launchers that started what they were told to."""
PATIENCE = timedelta(hours=4)
"""How long processes wait for the main one, which alone encodes latents, measures and saves."""


def open_processes(*, cpu: bool = False) -> PartialState:
    """Joins the processes that torchrun or accelerate started, on the CPU where asked or where there is nothing else.

    Throws ValueError under `accelerate launch --cpu`, which without MPI starts one process however many it is asked for.
    """
    of_several = os.environ.get("ACCELERATE_USE_CPU", "false").lower() == "true" and "MASTER_ADDR" in os.environ
    if of_several and not any(name in os.environ for name in RANKED_BY):
        raise ValueError(
            "expected several processes, got one from accelerate launch: use torchrun --nproc_per_node N -m -- rfsr …"
        )
    return PartialState(cpu=on_cpu(cpu=cpu), timeout=PATIENCE)


def open_accelerator(precision: str, *, cpu: bool = False) -> Accelerator:
    """Accelerate's, of the same processes."""
    open_processes(cpu=cpu)
    # No network here keeps statistics: buffers are constants, the same everywhere.
    handlers = [InitProcessGroupKwargs(timeout=PATIENCE), DistributedDataParallelKwargs(broadcast_buffers=False)]
    return Accelerator(mixed_precision=precision, cpu=on_cpu(cpu=cpu), kwargs_handlers=handlers)


def on_cpu(*, cpu: bool) -> bool:
    """Accelerate takes processes without an accelerator for runs of their own unless it is told."""
    return cpu or not torch.accelerator.is_available()


def require_shared(folder: Path) -> None:
    """Throws ValueError in every process where one does not see what the main process writes in `folder`: on nodes of their own disks a run
    would go on from different states.
    """
    state = PartialState()
    if state.num_processes == 1:
        return
    mark = folder / ".shared"
    word = [secrets.token_hex(8) if state.is_main_process else None]
    if state.is_main_process:
        mark.write_text(str(word[0]))
    broadcast_object_list(word)
    seen = torch.tensor([mark.exists() and mark.read_text() == word[0]], dtype=torch.float32, device=state.device)
    torch.distributed.all_reduce(seen, op=torch.distributed.ReduceOp.MIN)
    if not seen.item():
        raise ValueError(f"expected a folder that all nodes share, got {folder}")
    if state.is_main_process:
        mark.unlink()
