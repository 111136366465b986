"""The loop in one process and in two."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from rfsr.loop import LoopConfig, Trainer, average_decay, open_optimizer, shares
from rfsr.processes import open_processes
from tests.processes import in_two_processes
from tests.tiny_stage import TinyStage
from tests.two_processes import LOOP, trained

ROUNDING = 1e-6
"""Sums of gradients in another order, in single precision."""


def test_what_is_frozen_never_trains(tmp_path: Path) -> None:
    stage = TinyStage()
    before = {name: value.clone() for name, value in stage.judges.state_dict().items()}
    trainer = Trainer(stage, replace(LOOP, sample_every=1), tmp_path, facts={}, cpu=True)
    modes: list[bool] = []
    for module in stage.judges.modules():
        module.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    stage.network.register_forward_pre_hook(lambda module, _: modes.append(not module.training))
    trainer.train()
    assert modes and not any(modes)
    assert all(torch.equal(value, before[name]) for name, value in stage.judges.state_dict().items())


@pytest.mark.parametrize(
    ("batch", "micro", "processes", "want"),
    [(8, None, 1, (8, 1)), (8, None, 2, (4, 1)), (8, 2, 1, (2, 4)), (8, 2, 2, (2, 2)), (8, 1, 8, (1, 1))],
)
def test_the_batch_is_the_same_on_any_number_of_processes(
    batch: int, micro: int | None, processes: int, want: tuple[int, int]
) -> None:
    config = LoopConfig(steps=1, batch_size=batch, micro_batch=micro, learning_rate=1.0)
    assert shares(config, processes) == want and want[0] * want[1] * processes == batch


@pytest.mark.parametrize(("batch", "micro", "processes"), [(8, 3, 1), (8, 2, 3), (8, None, 3), (8, None, 16)])
def test_a_batch_that_does_not_divide_is_refused(batch: int, micro: int | None, processes: int) -> None:
    with pytest.raises(ValueError, match="expected a batch of 8"):
        shares(LoopConfig(steps=1, batch_size=batch, micro_batch=micro, learning_rate=1.0), processes)


def test_the_average_has_the_decay_it_says_from_the_first_step_or_after_a_warm_up() -> None:
    config = LoopConfig(steps=1, batch_size=1, learning_rate=1.0, ema_decay=0.999, ema_warmup=0.0)
    assert {average_decay(config, step) for step in (0, 1, 100_000)} == {0.999}
    warmed = [average_decay(replace(config, ema_warmup=0.75), step) for step in (0, 1, 9998, 10_000)]
    assert warmed[:2] == [0.0, 1 - 2**-0.75] and warmed[2] < 0.999 == warmed[3]


@pytest.mark.parametrize("warmup", [0.0, 0.75])
def test_the_moving_average_has_its_closed_form(warmup: float, tmp_path: Path) -> None:
    config = replace(LOOP, ema_decay=0.9, ema_warmup=warmup)
    trainer = Trainer(TinyStage(), config, tmp_path, facts={}, cpu=True)
    (weight, *_) = trainer.stage.trainable()
    expected = weight.detach().clone()
    for step in range(4):
        trainer.train_step()
        trainer.step += 1
        decay = min(0.9, 1 - (1 + step) ** -0.75) if warmup else 0.9
        expected = decay * expected + (1 - decay) * weight.detach()
        torch.testing.assert_close(trainer.ema.shadow_params[0], expected, atol=ROUNDING, rtol=ROUNDING)


def test_adam_moves_weights_by_the_rate_however_small_the_loss_is(tmp_path: Path) -> None:
    moved = []
    for scale in (1.0, 1e-9):
        stage = TinyStage()
        forward = stage.forward
        stage.forward = lambda *given, forward=forward, scale=scale: {"loss": scale * forward(*given)["loss"]}
        before = stage.network[0].weight.detach().clone()
        Trainer(stage, replace(LOOP, eps=1e-15, clip_norm=1e9), tmp_path / str(scale), facts={}, cpu=True).train_step()
        moved.append(stage.network[0].weight.detach() - before)
    torch.testing.assert_close(moved[1], moved[0], atol=1e-4, rtol=0.01)
    assert moved[0].abs().max() > 5e-3  # the learning rate is 1e-2


def test_an_optimizer_of_eight_bits_is_bitsandbytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class AdamW8bit(torch.optim.AdamW):
        pass

    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", SimpleNamespace(AdamW8bit=AdamW8bit))
    stage = TinyStage()
    found = open_optimizer(stage.trainable(), replace(LOOP, optimizer="adamw8bit", eps=1e-15))
    assert isinstance(found, AdamW8bit) and found.param_groups[0]["eps"] == 1e-15
    assert type(open_optimizer(stage.trainable(), LOOP)) is torch.optim.AdamW
    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", None)
    with pytest.raises(ImportError, match="bitsandbytes"):
        open_optimizer(stage.trainable(), replace(LOOP, optimizer="adamw8bit"))


def test_two_processes_give_what_one_gives_stop_together_and_go_on(tmp_path: Path) -> None:
    in_two_processes("tests.two_processes", tmp_path)
    one, other = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert one["processes"] == other["processes"] == 2
    alone = trained(tmp_path / "alone", cpu=True)
    for name, values in (("weights", alone.stage.trainable()), ("average", alone.ema.shadow_params)):
        for ours, theirs, single in zip(one[name], other[name], values, strict=True):
            assert ours == theirs
            torch.testing.assert_close(torch.tensor(ours), single.detach(), atol=ROUNDING, rtol=ROUNDING)
    # two micro-batches in each process where one has four, all of a step with the same plan
    assert one["stops"] == other["stops"] == alone.stage.stops[::2]
    assert one["stoppedAt"] == other["stoppedAt"] == 2
    assert one["resumed"] == other["resumed"] == one["weights"]
    assert all("all nodes share" in each["refused"] for each in (one, other))
    assert json.loads((tmp_path / "whole/facts.json").read_text())["batchSize"] == 4


def test_one_process_where_accelerate_was_asked_for_several_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ValueError, match="torchrun --nproc_per_node N -m -- rfsr"):
        open_processes(cpu=True)
