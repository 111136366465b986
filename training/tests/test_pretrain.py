"""The loop resumes exactly, and every stage trains, on crops and networks made here."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rfsr.data import PackedCrops
from rfsr.families import FAMILIES
from rfsr.features.squeezenet import SQUEEZENET, SqueezeNetFeatures
from rfsr.loop import Trainer, learning_rate
from rfsr.pretrain.denoiser import DenoiserStage, DenoiserStageConfig
from rfsr.pretrain.latents import FrozenParts, build_latents
from rfsr.pretrain.trajectory import TrajectoryConfig, TrajectoryStage
from rfsr.rollout import Plan
from tests.stages import LOOP, tagger_stage, train, vae_stage


def denoiser_stage(folder: Path, parts: FrozenParts) -> DenoiserStage:
    torch.manual_seed(0)
    crops = PackedCrops(folder)
    return DenoiserStage(DenoiserStageConfig(), crops, build_latents(crops, parts, folder, FAMILIES["seesr"]), parts)


def trajectory_stage(folder: Path, parts: FrozenParts) -> TrajectoryStage:
    torch.manual_seed(0)
    crops = PackedCrops(folder)
    config = TrajectoryConfig(steps=(2, 3), latent_window=8)
    features = SqueezeNetFeatures(folder / SQUEEZENET)
    return TrajectoryStage(
        config, DenoiserStageConfig(), crops, build_latents(crops, parts, folder, FAMILIES["seesr"]), parts, features
    )


def test_a_stop_and_resume_gives_the_same_numbers_as_no_stop(folder: Path, tmp_path: Path) -> None:
    whole = train(vae_stage(folder), tmp_path / "whole")
    stopped = Trainer(vae_stage(folder), LOOP, tmp_path / "cut", facts={"command": "", "commit": ""}, cpu=True)
    stopped.train(minutes=0)
    assert stopped.step == 1
    resumed = train(vae_stage(folder), tmp_path / "cut")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_no_stage_trains_on_the_photographs_of_the_checks(
    folder: Path, parts: FrozenParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = PackedCrops(folder)
    assert {crops.sources[i] for i in crops.held_out}.isdisjoint({crops.sources[i] for i in crops.training})
    assert sorted([*crops.held_out, *crops.training]) == list(range(len(crops.hr)))
    drawn: list[int] = []
    for stage, method in (
        (denoiser_stage(folder, parts), "gather"),
        (trajectory_stage(folder, parts), "gather"),
        (tagger_stage(folder), "pair"),
    ):
        plain = getattr(stage, method)

        def noted(index: np.ndarray, kind: np.ndarray, plain: Any = plain) -> dict[str, torch.Tensor]:
            drawn.extend(index.tolist())
            return plain(index, kind)

        monkeypatch.setattr(stage, method, noted)
        for step in range(10):
            stage.draw(np.random.default_rng(step), 12, 0.0)
        assert set(drawn) == set(crops.training), stage.name
        drawn.clear()
    vae = vae_stage(folder)
    marked = np.zeros_like(crops.hr)
    marked[crops.held_out] = 255
    vae.crops.__dict__["hr"] = marked
    assert vae.draw(np.random.default_rng(0), 200, 0.0)["rgb"].max() < 0


def test_logs_are_lines_of_json_and_samples_are_pictures(folder: Path, tmp_path: Path) -> None:
    train(vae_stage(folder), tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert (tmp_path / "run" / "samples" / "000004.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((tmp_path / "run" / "facts.json").read_text())["steps"] == 4


def test_the_denoiser_learns_its_target_from_true_noise(folder: Path, parts: FrozenParts) -> None:
    stage = denoiser_stage(folder, parts)
    batch = stage.gather(np.arange(3), np.zeros(3, dtype=int))
    eps = torch.randn_like(batch["target"])
    timestep = torch.tensor([1, 500, 999])
    abar = stage.alphas[timestep][:, None, None, None]
    sample = abar.sqrt() * batch["target"] + (1 - abar).sqrt() * eps
    raw = stage.raw_target(batch, sample, timestep, eps)
    scaled, skip_gain, out_gain = stage.denoiser.precondition(sample, timestep, batch["condition_latent"])
    torch.testing.assert_close(skip_gain * scaled + out_gain * raw, eps, atol=1e-4, rtol=1e-4)


def test_prompts_follow_their_shares(folder: Path, parts: FrozenParts) -> None:
    stage = denoiser_stage(folder, parts)
    batch = stage.gather(np.zeros(4, dtype=int), np.zeros(4, dtype=int))
    batch["prompt_kind"] = torch.tensor([0.01, 0.20, 0.50, 0.99])
    tokens, negative = stage.choose_prompts(batch)
    assert negative.tolist() == [True, False, False, False]
    assert torch.equal(tokens[0], stage.prompt_negative)
    assert torch.equal(tokens[1], stage.prompt_untagged)
    assert torch.equal(tokens[2], batch["tokens"][2])
    assert torch.equal(tokens[3], stage.prompt_empty)


def test_denoiser_and_trajectory_stages_train(folder: Path, parts: FrozenParts, tmp_path: Path) -> None:
    two = replace(LOOP, steps=2)
    before = {name: value.clone() for name, value in denoiser_stage(folder, parts).export_state().items()}
    after = train(denoiser_stage(folder, parts), tmp_path / "denoiser", two)
    assert set(after) == set(before) and any(not torch.equal(after[name], before[name]) for name in before)
    joint = train(trajectory_stage(folder, parts), tmp_path / "trajectory", two)
    assert {name.split(".")[0] for name in joint} == {"denoiser", "text_encoder"}


def test_only_the_planned_step_of_a_rollout_carries_gradient(folder: Path, parts: FrozenParts) -> None:
    stage = trajectory_stage(folder, parts)
    batch = stage.draw(np.random.default_rng(0), 1, 0.0)
    calls: list[bool] = []
    stage.denoiser.register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    plan = Plan(steps=3, stop=2)
    stage.last_step(stage.denoiser, batch, stage.visit(batch, plan, torch.Generator().manual_seed(0)), plan).sum().backward()
    assert calls == [False, False, True]


def test_the_learning_rate_warms_up_and_falls_to_its_end() -> None:
    loop = replace(LOOP, steps=100, warmup=10, final_rate=0.1)
    rates = [learning_rate(loop, step) for step in range(100)]
    assert rates[0] == pytest.approx(loop.learning_rate / 10, rel=1e-3)
    assert max(rates) <= loop.learning_rate
    assert rates[-1] == pytest.approx(0.1 * loop.learning_rate, rel=0.01)
