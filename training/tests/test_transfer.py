"""Stages restorer, diffbir and pasd: what they start from, what learns, and that they are trained on their own sampling."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from rfsr.checkpoint import load_prior, write_runs
from rfsr.data import PackedCrops
from rfsr.families import FAMILIES
from rfsr.features.squeezenet import SQUEEZENET, SqueezeNetFeatures
from rfsr.pretrain import TRANSFERS
from rfsr.pretrain.denoiser import DenoiserStageConfig
from rfsr.pretrain.latents import FrozenParts, build_latents
from rfsr.pretrain.restorer import RestorerStage, RestorerStageConfig
from rfsr.pretrain.transfer import TransferConfig, TransferStage
from tests.stages import LOOP, train

CONFIG = TransferConfig(latent_window=16, steps=(4, 5))


@pytest.fixture(scope="module")
def prior(folder: Path, nano: Path) -> Path:
    """SeeSR's nano bundle as runs."""
    write_runs(nano, folder / "prior")
    return folder / "prior"


@pytest.fixture(scope="module")
def restorer(folder: Path) -> Path:
    """A first stage after one step."""
    torch.manual_seed(0)
    stage = RestorerStage(
        RestorerStageConfig(size="nano", crop_side=64), PackedCrops(folder), SqueezeNetFeatures(folder / SQUEEZENET)
    )
    train(stage, folder / "restorer", replace(LOOP, steps=1))
    return folder / "restorer"


def transfer_stage(family: str, folder: Path, prior: Path, restorer: Path, *, config: TransferConfig = CONFIG) -> TransferStage:
    torch.manual_seed(0)
    parts = FrozenParts.load(prior / "vae", prior / "tagger", restorer if FAMILIES[family].first_stage else None)
    crops = PackedCrops(folder)
    latents = build_latents(crops, parts, folder, FAMILIES[family])
    base = DenoiserStageConfig(family=family, size="nano")
    stage = TransferStage(config, base, crops, latents, parts, SqueezeNetFeatures(folder / SQUEEZENET))
    stage.start_from(load_file(prior / "denoiser" / "model.safetensors"))
    return stage


@pytest.mark.parametrize("family", TRANSFERS)
def test_a_family_starts_from_the_prior_and_trains_its_denoiser_alone(
    folder: Path, prior: Path, restorer: Path, tmp_path: Path, family: str
) -> None:
    stage = transfer_stage(family, folder, prior, restorer)
    before = load_file(prior / "denoiser" / "model.safetensors")
    assert torch.equal(stage.denoiser.unet.conv_out.weight, before["denoiser.unet.conv_out.weight"])
    assert {name.split(".")[0] for name, value in stage.named_parameters() if value.requires_grad} == {"denoiser"}
    state = train(stage, tmp_path / "run")
    assert not torch.equal(state["denoiser.unet.conv_out.weight"], before["denoiser.unet.conv_out.weight"])
    assert torch.equal(
        state["text_encoder.clip.embeddings.token_embedding.weight"],
        before["text_encoder.clip.embeddings.token_embedding.weight"],
    )
    assert not any(name.startswith("vae.") for name in state)
    assert any("to_rgbs" in name for name in state) == FAMILIES[family].rgb_heads


def test_pasd_learns_small_pictures_without_degradation(folder: Path, prior: Path, restorer: Path) -> None:
    stage = transfer_stage("pasd", folder, prior, restorer)
    rng = np.random.default_rng(0)
    batch = stage.draw(rng, 2, 0.0) | stage.agree(rng)
    losses = stage(batch, 1, 0.0)
    losses["rgb"].backward()
    heads = stage.denoiser.controlnet.controlnet_cond_embedding.to_rgbs
    assert all(head.weight.grad is not None for head in heads) and len(heads) == 3
    assert losses["rgb"].item() == pytest.approx(stage.rgb_loss(batch).item(), rel=1e-3)


def test_half_of_diffbirs_samples_have_no_words(folder: Path, prior: Path, restorer: Path) -> None:
    stage = transfer_stage("diffbir", folder, prior, restorer, config=replace(CONFIG, untagged=0.5))
    tokens: list[Tensor] = [stage.draw(np.random.default_rng(seed), 8, 0.0)["tokens"] for seed in range(40)]
    bare = (torch.cat(tokens) == stage.prompt_untagged.cpu()).all(dim=1).float().mean().item()
    # 320 draws of a fair coin: five deviations are 0.14; pictures without tags count as bare too
    assert bare > 0.36
    every = transfer_stage("diffbir", folder, prior, restorer, config=replace(CONFIG, untagged=1.0))
    assert (every.draw(np.random.default_rng(0), 8, 0.0)["tokens"] == every.prompt_untagged.cpu()).all()


def test_diffbirs_latents_are_those_of_its_first_stage(folder: Path, prior: Path, restorer: Path) -> None:
    plain, staged = (transfer_stage(family, folder, prior, restorer).latents for family in ("pasd", "diffbir"))
    assert np.array_equal(plain.hr, staged.hr) and not np.array_equal(plain.centre, staged.centre)
    assert np.array_equal(plain.first, PackedCrops(folder).degraded) and not np.array_equal(staged.first, plain.first)


def test_a_picture_is_a_correction_only_where_the_residual_to_the_first_stage_is_predicted(
    folder: Path, prior: Path, restorer: Path
) -> None:
    stage = transfer_stage("diffbir", folder, prior, restorer)
    batch = stage.draw(np.random.default_rng(0), 2, 0.0)
    assert torch.allclose(stage.picture_of(batch, batch["condition_latent"]), batch["first"], atol=1e-5)
    stage.denoiser.config = replace(stage.denoiser.config, residual_to_condition=False)
    assert torch.equal(stage.picture_of(batch, batch["target"]), stage.parts.decode01(batch["target"]))


def test_a_prior_that_lacks_more_than_what_is_new_is_refused(folder: Path, prior: Path, restorer: Path) -> None:
    stage = transfer_stage("diffbir", folder, prior, restorer)
    with pytest.raises(KeyError, match="expected the weight"):
        load_prior(stage.denoiser, {}, new=("pixel_attentions",))
