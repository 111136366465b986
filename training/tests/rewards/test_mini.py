"""The mini rewards: ladders know their order, the stages learn it, and what is shipped scores as what was trained."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rfsr.data import PackedCrops
from rfsr.export import reward as export_reward
from rfsr.pretrain.latents import FrozenParts
from rfsr.pretrain.preference import PreferenceConfig, PreferenceStage
from rfsr.pretrain.quality import KINDS, OwnOutputs, QualityConfig, QualityStage, own_outputs
from rfsr.rewards import open_reward
from rfsr.rewards.ladders import FAULTS
from rfsr.rewards.mini_quality import MiniQuality
from tests.stages import LOOP, train

SMALL = QualityConfig(channels=(8, 16), window=64)


@pytest.fixture(scope="module")
def outputs(folder: Path) -> OwnOutputs:
    """Clean crops pushed towards grey, as a super-resolver's results."""
    index = np.arange(0, 20, 2)
    return OwnOutputs(index, (PackedCrops(folder).hr[index] // 2 + 64).astype(np.uint8))


def quality_stage(folder: Path, outputs: OwnOutputs) -> QualityStage:
    torch.manual_seed(0)
    return QualityStage(SMALL, PackedCrops(folder), outputs)


def preference_stage(folder: Path, outputs: OwnOutputs, parts: FrozenParts) -> PreferenceStage:
    torch.manual_seed(0)
    return PreferenceStage(PreferenceConfig(ladders=SMALL), PackedCrops(folder), outputs, parts, MiniQuality(SMALL.channels))


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_grows_with_its_strength_from_almost_nothing(kind: str) -> None:
    axis = torch.linspace(0, 3, 64)
    clean = (0.5 + 0.3 * torch.sin(7 * axis[:, None] * axis)).expand(3, 64, 64)
    errors = []
    for strength in (0.0, 0.3, 0.6, 1.0):
        errors.append((FAULTS[kind](clean, strength, np.random.default_rng(0)) - clean).abs().mean().item())
    assert errors[0] < 0.01
    assert errors == sorted(errors) and errors[-1] > 0.01


def test_ladders_are_windows_of_one_crop_in_rising_order(folder: Path, outputs: OwnOutputs) -> None:
    stage = quality_stage(folder, outputs)
    batch = stage.draw(np.random.default_rng(0), 8, 0.0)
    assert batch["pictures"].shape == (8, 4, 3, 64, 64)
    assert (batch["strengths"].diff(dim=1) >= 0).all()
    held = {index for index, source in enumerate(stage.crops.sources) if source % 10 == 0}
    assert held.isdisjoint(batch["index"].tolist())


def test_the_output_ladder_ends_in_the_super_resolvers_picture(folder: Path, outputs: OwnOutputs) -> None:
    stage = quality_stage(folder, outputs)
    crop = int(outputs.index[3])
    ladder = stage.ladder(crop, "output", np.array([0.0, 1.0]), np.random.default_rng(1))
    whole = torch.from_numpy(outputs.rgb8[3].copy()).permute(2, 0, 1).float() / 255
    windows = whole.unfold(1, 64, 1).unfold(2, 64, 1)
    assert (windows - ladder[1][:, None, None]).abs().amax(dim=(0, 3, 4)).min() < 1e-6


def test_the_loss_falls_when_scores_follow_the_order(folder: Path, outputs: OwnOutputs) -> None:
    stage = quality_stage(folder, outputs)
    strengths = torch.tensor([[0.0, 0.3, 0.9]])
    right = stage.losses(torch.tensor([[2.0, 0.5, -2.0]]), strengths)
    wrong = stage.losses(torch.tensor([[-2.0, 0.5, 2.0]]), strengths)
    assert right["rank"] < 0.3 < wrong["rank"] and right["level"] < wrong["level"]


def test_quality_trains_and_ships(folder: Path, outputs: OwnOutputs, tmp_path: Path) -> None:
    train(quality_stage(folder, outputs), tmp_path / "run", replace(LOOP, steps=2))
    facts = json.loads((tmp_path / "run/facts.json").read_text())
    assert set(facts["rankCorrelation"]) == set(KINDS)
    trained, shipped = ship("mini_quality", tmp_path)
    picture = torch.rand(2, 3, 48, 64, requires_grad=True)
    score = shipped.score(picture, ["", ""])
    torch.testing.assert_close(score, trained.score(picture, ["", ""]), atol=2e-3, rtol=0)
    assert ((score > 0) & (score < 1)).all()
    shipped.loss(picture, ["", ""]).backward()
    assert picture.grad is not None and picture.grad.abs().sum() > 0


def test_preference_trains_ships_and_reads_words(folder: Path, outputs: OwnOutputs, parts: FrozenParts, tmp_path: Path) -> None:
    train(preference_stage(folder, outputs, parts), tmp_path / "run", replace(LOOP, steps=2))
    trained, shipped = ship("mini_preference", tmp_path)
    picture = torch.rand(1, 3, 64, 64).expand(2, -1, -1, -1)
    words = [", ".join(parts.tags[:2]), ""]
    score = shipped.score(picture, words)
    torch.testing.assert_close(score, trained.score(picture, words), atol=2e-2, rtol=0)
    assert score[0] != score[1]


def ship(name: str, folder: Path) -> tuple[torch.nn.Module, torch.nn.Module]:
    export_reward.main(argparse.Namespace(run=folder / "run", out=folder / name))
    assert (folder / name / "model.safetensors").stat().st_size < (folder / "run/model.safetensors").stat().st_size
    return open_reward(name, folder / "run"), open_reward(name, folder / name)


def test_a_bundles_own_outputs_are_made_once(folder: Path, nano: Path) -> None:
    crops = PackedCrops(folder)
    made = own_outputs(crops, nano, count=2, steps=1)
    assert made.index.tolist() == [0, 19] and made.rgb8.shape == (2, 256, 256, 3)
    [path] = folder.glob("outputs-*-2.npy")
    before = path.stat().st_mtime_ns
    own_outputs(crops, nano, count=2, steps=1)
    assert path.stat().st_mtime_ns == before


def test_an_unknown_reward_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mini_preference"):
        open_reward("beauty", tmp_path)
