"""RRDBNet: the published names, the first stage made of it, its start from a teacher, its training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from rfsr.adversary import Adversary, adversarial_losses
from rfsr.data import PackedCrops
from rfsr.features.squeezenet import SQUEEZENET, SqueezeNetFeatures
from rfsr.models.restorer import CONFIGS, open_restorer
from rfsr.models.rrdb import RRDBConfig, RRDBNet
from rfsr.pretrain.restorer import RestorerStage, RestorerStageConfig, mesh
from rfsr.teach import TEACHER, open_teacher, teach
from tests.stages import LOOP, train

SMALL = RRDBConfig(channels=8, growth=4, blocks=3)
STAGE = RestorerStageConfig(size="nano", crop_side=64, blocks=(1,), adversarial_from01=0.5)
FLAT_TOLERANCE = 2e-6
"""Of a few dozen float32 convolutions over the same values, in whatever order."""


@pytest.fixture
def taught(folder: Path) -> Path:
    """Crops with the answers of a teacher of random weights."""
    torch.manual_seed(0)
    teacher = RRDBNet(SMALL).eval().requires_grad_(False)
    np.load(folder / "answered.npy", mmap_mode="r+")[:] = False
    teach(PackedCrops(folder), teacher)
    return folder


def stage_of(folder: Path, config: RestorerStageConfig = STAGE) -> RestorerStage:
    torch.manual_seed(0)
    return RestorerStage(config, PackedCrops(folder), SqueezeNetFeatures(folder / SQUEEZENET))


def test_the_teacher_has_the_published_layers_and_is_read_from_half_precision(tmp_path: Path) -> None:
    with torch.device("meta"):
        whole = RRDBNet(RRDBConfig())
    assert sum(parameter.numel() for parameter in whole.parameters()) == 16_697_987
    assert {"conv_first.weight", "body.22.rdb3.conv5.bias", "conv_body.weight", "conv_last.bias"} <= whole.state_dict().keys()
    (tmp_path / TEACHER).parent.mkdir()
    weights = {name: torch.zeros(value.shape, dtype=torch.float16) for name, value in whole.state_dict().items()}
    save_file(weights, tmp_path / TEACHER)
    teacher = open_teacher(tmp_path)
    assert not teacher.training and teacher(torch.rand(1, 3, 5, 7)).shape == (1, 3, 20, 28)


@torch.no_grad()
def test_the_first_stage_keeps_the_size_and_leaves_no_frame_on_a_flat_picture() -> None:
    torch.manual_seed(0)
    network = open_restorer(CONFIGS["nano"]).eval()
    flat = torch.tensor([0.2, 0.5, 0.7])[None, :, None, None].expand(2, 3, 12, 20)
    restored = network(flat)
    assert restored.shape == flat.shape
    cells = F.pixel_unshuffle(restored, 4)
    assert (cells - cells[..., 1:2, 2:3]).abs().max() < FLAT_TOLERANCE


@torch.no_grad()
def test_where_the_mask_is_open_the_input_passes_as_it_is() -> None:
    network = open_restorer(CONFIGS["nano"]).eval()
    network.conv_mask.bias.fill_(100.0)
    picture = torch.rand(1, 3, 8, 8)
    assert torch.allclose(network(picture), picture, atol=FLAT_TOLERANCE)


def test_answers_are_the_clean_crop_where_it_was_only_reduced_and_the_teachers_elsewhere(taught: Path) -> None:
    crops = PackedCrops(taught)
    assert crops.answered.all()
    for index, facts in enumerate(crops.facts):
        assert np.array_equal(crops.taught[index, 0], crops.hr[index]) == (facts["sets"][0] == "none")


def test_teaching_goes_on_where_it_was_stopped(taught: Path, tmp_path: Path) -> None:
    crops = PackedCrops(taught)
    np.load(crops.folder / "answered.npy", mmap_mode="r+")[:] = True
    before = crops.taught[:].copy()
    teach(crops, RRDBNet(SMALL).eval())
    assert np.array_equal(crops.taught, before)


def test_it_starts_as_the_teacher_whose_layers_it_takes_over(taught: Path) -> None:
    stage = stage_of(taught)
    torch.manual_seed(1)
    teacher = RRDBNet(replace(SMALL, blocks=2)).eval()
    stage.start_from(teacher)
    assert torch.equal(stage.restorer.body[0].rdb2.conv3.weight, teacher.body[1].rdb2.conv3.weight)
    assert torch.equal(stage.restorer.conv_up2.weight, teacher.conv_up2.weight)
    crops = PackedCrops(taught)
    small = torch.from_numpy(crops.small(0, 0).copy()).permute(2, 0, 1)[None] / 255
    large = torch.from_numpy(crops.degraded[0, 0].copy()).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        theirs = F.conv2d(small, teacher.conv_first.weight, teacher.conv_first.bias)
        ours = F.conv2d(F.pixel_unshuffle(large, 4), stage.restorer.conv_first.weight, stage.restorer.conv_first.bias)
    assert (ours - theirs).square().mean() < 0.02 * theirs.var()


def test_it_learns_the_answers_and_keeps_some_photographs_apart(taught: Path, tmp_path: Path) -> None:
    # the input itself as its answer, which even a small network learns in a moment
    np.load(taught / "taught.npy", mmap_mode="r+")[:] = PackedCrops(taught).degraded
    stage = stage_of(taught, replace(STAGE, adversarial=0.0, feature=0.0))
    batch = stage.draw(np.random.default_rng(0), 6, 0.0)
    assert batch["degraded"].shape == batch["answer"].shape == (6, 3, 64, 64)
    assert set(stage.checked).isdisjoint(stage.training_crops)
    before = stage(batch, 0, 0.0)["loss"].item()
    train(stage, tmp_path / "run", replace(LOOP, steps=60, learning_rate=3e-3))
    assert stage(batch, 0, 0.0)["loss"].item() < 0.9 * before


def test_it_draws_the_teachers_answers_as_often_as_is_asked(taught: Path) -> None:
    crops = PackedCrops(taught)
    np.load(taught / "taught.npy", mmap_mode="r+")[:] = 0
    for share in (0.0, 1.0):
        stage = stage_of(taught, replace(STAGE, taught=share))
        answers = np.load(taught / "taught.npy", mmap_mode="r+")
        for row, index in enumerate(stage.training_crops):
            answers[index, stage.taught[row]] = 255
        assert stage.taught.any() and not stage.taught.all()
        assert stage.draw(np.random.default_rng(0), 8, 0.0)["answer"].mean().item() == share
    assert crops.answered.all()


def test_it_grows_by_the_teachers_blocks_and_keeps_its_own(taught: Path) -> None:
    torch.manual_seed(2)
    teacher = RRDBNet(replace(SMALL, blocks=3)).eval()
    before = stage_of(taught)
    larger = stage_of(taught, replace(STAGE, size="nano", blocks=(2, 1)))
    larger.restorer = RRDBNet(replace(larger.restorer.config, blocks=2))
    larger.grow_from(before.export_state(), [1], teacher)
    assert torch.equal(larger.restorer.body[0].rdb1.conv1.weight, teacher.body[2].rdb1.conv1.weight)
    assert torch.equal(larger.restorer.body[1].rdb1.conv1.weight, before.restorer.body[0].rdb1.conv1.weight)
    assert torch.equal(larger.restorer.conv_first.weight, before.restorer.conv_first.weight)


def test_a_mesh_of_the_cells_is_told_from_noise_and_from_a_shift_of_colour() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = 0.02 * torch.randn(2, 3, 160, 160, generator=generator)
    lines = 0.02 * (torch.arange(160) % 4 == 0).float()
    assert mesh(torch.full((1, 3, 160, 160), 0.3)).item() < 1e-6
    assert mesh(noise + lines).item() > 3 * mesh(noise).item()


def test_windows_of_input_and_answer_are_turned_alike(taught: Path) -> None:
    stage = stage_of(taught)
    np.load(taught / "taught.npy", mmap_mode="r+")[:] = stage.crops.degraded
    batch = stage.draw(np.random.default_rng(3), 8, 0.0)
    assert torch.equal(batch["degraded"], batch["answer"])


def test_the_discriminator_joins_later_and_each_side_learns_from_its_own_loss(taught: Path) -> None:
    stage = stage_of(taught)
    batch = stage.draw(np.random.default_rng(0), 2, 0.0)
    assert "generator" not in stage(batch, 0, 0.4)
    losses = stage(batch, 0, 0.6)
    adversary, restorer = (list(part.parameters()) for part in (stage.adversary, stage.restorer))
    assert all(
        each is None for each in torch.autograd.grad(losses["generator"], adversary, retain_graph=True, allow_unused=True)
    )
    assert all(
        each is None for each in torch.autograd.grad(losses["discriminator"], restorer, retain_graph=True, allow_unused=True)
    )
    assert any(each.abs().sum() > 0 for each in torch.autograd.grad(losses["generator"], restorer, retain_graph=True))
    assert all(each is not None for each in torch.autograd.grad(losses["discriminator"], adversary, allow_unused=True))


def test_the_pixel_network_tells_a_grain_from_none(folder: Path) -> None:
    torch.manual_seed(0)
    features, adversary = SqueezeNetFeatures(folder / SQUEEZENET), Adversary()
    optimizer = torch.optim.Adam(adversary.parameters(), lr=2e-3)
    rows = torch.arange(64)
    grain = 0.05 * ((rows[:, None] + rows) % 2 * 2 - 1)
    real = torch.rand(4, 3, 8, 8).repeat_interleave(8, dim=2).repeat_interleave(8, dim=3) * 0.8 + 0.1
    for _ in range(60):
        fake = (real + grain).requires_grad_()
        _, wrong = adversarial_losses(
            adversary, features, ours=fake, our_maps=features(fake), real=real, generator=torch.Generator().manual_seed(0)
        )
        optimizer.zero_grad()
        wrong.backward()
        optimizer.step()
    with torch.no_grad():
        clean, grainy = (adversary.pixels(picture * 2 - 1).mean() for picture in (real, real + grain))
    assert clean > grainy + 0.5
