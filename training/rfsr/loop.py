"""The training loop of every stage, of pre-training and of fine-tuning: one loop, one block of state.

Every random draw of step n comes from generators seeded by (seed, n) and (seed, n, micro-batch), so the state to keep is the weights, the
optimizer and the step: a run that was stopped and resumed gives the same numbers as one that was not, and as many processes as one's micro-
batches allow see the same samples as one alone.
"""

import json
import math
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from diffusers.training_utils import EMAModel
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm

from rfsr.common import append_jsonl, write_grid
from rfsr.convolution import use_fast_convolutions
from rfsr.processes import open_accelerator, require_shared


@dataclass(frozen=True)
class LoopConfig:
    """Length, batch, optimizer and cadence of a run; the keys of the `[loop]` table of a stage's TOML file."""

    steps: int
    batch_size: int
    """Samples of one optimizer step, of all processes and micro-batches together."""
    learning_rate: float
    warmup: int = 100
    final_rate: float = 0.05
    """Cosine decay ends at this fraction of learning_rate at the last step."""
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    ema_warmup: float = 0.75
    """At step n the average's decay is at most 1 − (1 + n)^−this, so that it forgets a random start; at 0 it is ema_decay from the first step."""
    betas: tuple[float, float] = (0.9, 0.99)
    optimizer: Literal["adamw", "adamw8bit"] = "adamw"
    """`adamw8bit`: bitsandbytes' (an optional package), whose two moments take a byte each in place of four."""
    eps: float = 1e-8
    """Adam's, beside the root of the mean squared gradient: what gradients must be well above."""
    micro_batch: int | None = None
    """Samples that pass the networks at once; none: a process's whole share of the batch."""
    precision: Literal["bf16", "fp16", "no", "auto"] = "auto"
    """Autocast; islands that need float32 keep it by themselves. `auto`: bf16 where the hardware computes in it, else none."""
    seed: int = 0
    log_every: int = 25
    sample_every: int = 500
    checkpoint_minutes: float = 5.0


class Stage(nn.Module, ABC):
    """What a stage trains: modules, a loss over a drawn batch, and a picture of how it does."""

    name: str

    def agree(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """What every micro-batch of a step has in common, so that no process waits for another that drew more work: nothing by default."""
        return {}

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """A batch of `count` samples on the CPU; progress01 is the fraction of the run done, for curricula."""

    @abstractmethod
    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """Scalar losses, of what was drawn and agreed on; `loss` is what is minimised. `seed` seeds the noise."""

    @abstractmethod
    def sample_rows(self) -> list[Tensor]:
        """Rows of pictures, each [N, 3, H, W] in 0…1, that show how training goes, from fixed inputs and noise."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """JSON facts the exporter needs beside the weights."""

    def measure(self) -> dict[str, float]:
        """Figures on fixed inputs that show how training goes: nothing by default."""
        return {}

    def train(self, mode: bool = True) -> "Stage":
        """As a module's, but networks that hold weights and learn none of them stay in evaluation mode: their statistics are not ours to move,
        and with dropout they would judge at random.
        """
        super().train(mode)
        for network in frozen_parts(self):
            network.eval()
        return self

    def trainable(self) -> list[nn.Parameter]:
        """The parameters the optimizer and the moving average see."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def export_state(self) -> dict[str, Tensor]:
        """The weights later stages and the exporter read: by default all that is trainable, by name, and buffers."""
        names = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return {name: value for name, value in self.state_dict().items() if name in names}


def frozen_parts(module: nn.Module) -> Iterator[nn.Module]:
    """The outermost modules within that have parameters, all of them frozen."""
    for child in module.children():
        learn = [parameter.requires_grad for parameter in child.parameters()]
        if learn and not any(learn):
            yield child
        else:
            yield from frozen_parts(child)


def shares(config: LoopConfig, processes: int) -> tuple[int, int]:
    """Samples of a micro-batch, and how many of those each of `processes` computes for a step. Throws ValueError where the batch does not divide."""
    micro = config.micro_batch or config.batch_size // processes
    if micro == 0 or config.batch_size % (micro * processes):
        raise ValueError(
            f"expected a batch of {config.batch_size} in micro-batches of {config.micro_batch or 'one size'} on {processes} processes"
        )
    return micro, config.batch_size // (micro * processes)


def open_optimizer(parameters: list[nn.Parameter], config: LoopConfig) -> torch.optim.Optimizer:
    """As configured. Throws ImportError, naming the package, where that needs one that is not there."""
    if config.optimizer == "adamw8bit":
        from bitsandbytes.optim import AdamW8bit as AdamW
    else:
        from torch.optim import AdamW
    return AdamW(
        parameters, lr=config.learning_rate, betas=tuple(config.betas), eps=config.eps, weight_decay=config.weight_decay
    )


def average_decay(config: LoopConfig, step: int) -> float:
    """Of the moving average at a step counted from 0."""
    return min(config.ema_decay, 1 - (1 + step) ** -config.ema_warmup) if config.ema_warmup else config.ema_decay


def learning_rate(config: LoopConfig, step: int) -> float:
    """Linear warm-up, then a cosine from learning_rate to final_rate times it."""
    warm = min(1.0, (step + 1) / max(config.warmup, 1))
    cosine = 0.5 * (1 + math.cos(math.pi * min(step / config.steps, 1.0)))
    return config.learning_rate * warm * (config.final_rate + (1 - config.final_rate) * cosine)


class Trainer:
    """Runs a stage to its last step or for some minutes, from its last checkpoint if there is one."""

    def __init__(self, stage: Stage, config: LoopConfig, run: Path, *, facts: dict[str, Any], cpu: bool = False) -> None:
        self.accelerator = open_accelerator(chosen_precision(config.precision, cpu=cpu), cpu=cpu)
        self.micro_batch, self.turns = shares(config, self.accelerator.num_processes)
        self.config, self.run, self.command_facts = config, run, facts
        self.step, self.minutes_before = 0, 0.0
        self.recent: dict[str, list[Tensor]] = {}
        """Losses since the last line of the log."""
        self.stage = stage.to(self.accelerator.device).to(memory_format=torch.channels_last)
        if self.accelerator.device.type == "cpu":
            use_fast_convolutions(self.stage)
        optimizer = open_optimizer(stage.trainable(), config)
        self.ema = EMAModel(stage.trainable(), update_after_step=-1)  # its own first step would copy the weights
        self.ema.to(self.accelerator.device)
        self.wrapped, self.optimizer = self.accelerator.prepare(self.stage, optimizer)
        run.mkdir(parents=True, exist_ok=True)
        require_shared(run)
        if (run / "checkpoint.pt").exists():
            self.resume()

    def resume(self) -> None:
        """Continues from run/checkpoint.pt."""
        # mapped, not read: every process of a node sees the same pages of what may be tens of gigabytes
        state = torch.load(self.run / "checkpoint.pt", map_location="cpu", mmap=True, weights_only=True)
        with torch.no_grad():
            for parameter, value in zip(self.stage.trainable(), state["parameters"], strict=True):
                parameter.copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema.load_state_dict(state["ema"])
        self.ema.to(self.accelerator.device)
        self.step, self.minutes_before = state["step"], state["minutes"]
        self.accelerator.print(f"resumed {self.run} at step {self.step}")

    def train(self, *, minutes: float | None = None) -> None:
        """Steps until the configured count, or for `minutes` of wall time, then writes checkpoint and weights."""
        began = saved = time.monotonic()
        main = self.accelerator.is_main_process
        progress = tqdm(total=self.config.steps, initial=self.step, disable=not main, mininterval=10, desc=self.stage.name)
        self.stage.train()
        if main and self.step == 0:
            self.write_samples()
        while self.step < self.config.steps:
            for name, value in self.train_step().items():
                self.recent.setdefault(name, []).append(value.detach())
            self.step += 1
            progress.update()
            now = time.monotonic()
            if main and self.step % self.config.log_every == 0:
                self.log(elapsed_minutes=self.minutes_before + (now - began) / 60, progress=progress)
            if main and self.step % self.config.sample_every == 0:
                self.write_samples()
            if main and now - saved > self.config.checkpoint_minutes * 60:
                self.save(self.minutes_before + (now - began) / 60)
                saved = now
            if minutes is not None and self.agreed(now - began > minutes * 60):
                break
        progress.close()
        if main:
            self.write_samples()
            self.save(self.minutes_before + (time.monotonic() - began) / 60)
        self.accelerator.wait_for_everyone()

    def agreed(self, answer: bool) -> bool:
        """The main process's answer in every process: each has its own clock, and one that left alone would leave the others waiting."""
        said = torch.tensor([float(answer)], device=self.accelerator.device)
        return bool(broadcast(said, from_process=0).item())

    def train_step(self) -> dict[str, Tensor]:
        """One optimizer step; its losses."""
        config, processes = self.config, self.accelerator.num_processes
        progress01 = self.step / config.steps
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(config, self.step)
        # of the step's micro-batches, numbered from 1, each process takes every so many-th
        common = self.stage.agree(np.random.default_rng([config.seed, self.step, 0]))
        parts: list[dict[str, Tensor]] = []
        for turn in range(self.turns):
            number = 1 + turn * processes + self.accelerator.process_index
            rng = np.random.default_rng([config.seed, self.step, number])
            batch = self.stage.draw(rng, self.micro_batch, progress01) | common
            batch = {key: value.to(self.accelerator.device, non_blocking=True) for key, value in batch.items()}
            last = turn == self.turns - 1
            with nullcontext() if last else self.accelerator.no_sync(self.wrapped):
                with self.accelerator.autocast():
                    losses = self.wrapped(batch, int(rng.integers(2**31)), progress01)
                self.accelerator.backward(losses["loss"] / self.turns)
            parts.append({name: value.detach() for name, value in losses.items()})
        self.accelerator.clip_grad_norm_(self.stage.trainable(), config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        # both bounds: diffusers has a warm-up of its own between them
        self.ema.decay = self.ema.min_decay = average_decay(config, self.step)
        self.ema.step(self.stage.trainable())
        return {name: torch.stack([part[name] for part in parts if name in part]).mean() for name in merged_keys(parts)}

    def log(self, *, elapsed_minutes: float, progress: tqdm) -> None:
        """One line of JSON with the mean losses since the line before, and the same on the progress bar."""
        values = {key: float(f"{torch.stack(steps).mean().item():.5g}") for key, steps in self.recent.items()}
        self.recent.clear()
        if not math.isfinite(values["loss"]):
            raise RuntimeError(f"the loss is not finite at step {self.step}: {values}")
        append_jsonl(self.run / "log.jsonl", {"step": self.step, "minutes": round(elapsed_minutes, 2), **values})
        progress.set_postfix(values)

    def write_samples(self) -> None:
        """run/samples/STEP.png, made with the averaged weights; and what the stage measures, of both averaged and live weights."""
        live = self.measure()
        with self.averaged():
            averaged = self.measure()
            with torch.no_grad(), self.accelerator.autocast():
                rows = self.stage.sample_rows()
        write_grid(self.run / "samples" / f"{self.step:06d}.png", rows)
        if live:
            append_jsonl(self.run / "measures.jsonl", {"step": self.step, "live": live, "ema": averaged})

    def measure(self) -> dict[str, float]:
        """What the stage measures of the weights it has now."""
        with torch.no_grad(), self.accelerator.autocast():
            return {name: float(f"{value:.5g}") for name, value in self.stage.measure().items()}

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within, the stage has its averaged weights."""
        parameters = self.stage.trainable()
        self.ema.store(parameters)
        self.ema.copy_to(parameters)
        self.stage.eval()
        try:
            yield
        finally:
            self.ema.restore(parameters)
            self.stage.train()

    def save(self, minutes: float) -> None:
        """checkpoint.pt to resume from; model.safetensors (averaged weights) and facts.json for later stages and export."""
        state = {
            "parameters": [parameter.detach() for parameter in self.stage.trainable()],
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict(),
            "step": self.step,
            "minutes": minutes,
        }
        replace_file(self.run / "checkpoint.pt", lambda path: torch.save(state, path))
        with self.averaged():
            weights = {name: value.detach().float().contiguous().cpu() for name, value in self.stage.export_state().items()}
            stage_facts = self.stage.facts()
        replace_file(self.run / "model.safetensors", lambda path: save_file(weights, path))
        facts = {
            **self.command_facts,
            "stage": self.stage.name,
            "steps": self.step,
            "batchSize": self.config.batch_size,
            "minutes": round(minutes, 1),
            "device": describe_device(self.accelerator),
            **stage_facts,
        }
        replace_file(self.run / "facts.json", lambda path: path.write_text(json.dumps(facts, indent=1)))


def chosen_precision(precision: str, *, cpu: bool) -> str:
    """What `auto` means here: on a processor without bf16 arithmetic it would be emulated, at a tenth of float32's speed."""
    if precision != "auto":
        return precision
    if torch.cuda.is_available() and not cpu:
        return "bf16"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "no"


def merged_keys(parts: list[dict[str, Tensor]]) -> list[str]:
    """The names any part has, in the order of their first appearance."""
    return list(dict.fromkeys(name for part in parts for name in part))


def describe_device(accelerator: Accelerator) -> str:
    """ "NVIDIA … × 1" or "CPU × N threads"."""
    if accelerator.device.type == "cuda":
        return f"{torch.cuda.get_device_name()} × {accelerator.num_processes}"
    return f"CPU × {torch.get_num_threads() * accelerator.num_processes} threads"


def replace_file(path: Path, write: Any) -> None:
    """Calls write(temporary path), then puts the result in path's place: a stop midway leaves the old file whole."""
    temporary = path.with_name(path.name + ".part")
    write(temporary)
    os.replace(temporary, path)
