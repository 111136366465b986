"""RFSR's stage on the nano bundle: which weights learn, from which step, against what."""

import argparse
import json
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from rfsr import export, finetune, rollout
from rfsr.checkpoint import config_from, read_manifest, write_runs
from rfsr.common import load_config
from rfsr.data import PackedCrops, PrepareConfig
from rfsr.degrade.stages import sharpen
from rfsr.families import FAMILIES
from rfsr.features.squeezenet import SQUEEZENET, SqueezeNetFeatures
from rfsr.finetune import plots
from rfsr.finetune.lora import add_lora, merged_state
from rfsr.finetune.stage import RFSRConfig, RFSRStage
from rfsr.loop import LoopConfig, Trainer, average_decay, shares
from rfsr.models.denoiser import Denoiser
from rfsr.models.seesr import CONFIGS
from rfsr.models.vocabulary import token_ids
from rfsr.pretrain.denoiser import DenoiserStageConfig
from rfsr.pretrain.latents import FrozenParts, build_latents, prompt_text
from rfsr.rewards.mini_quality import MiniQuality
from rfsr.rollout import Plan
from rfsr.windows import Span, Windows
from tests.processes import in_two_processes
from tests.stages import LOOP, train

ROOT = Path(__file__).parents[1]
CONFIG = RFSRConfig(latent_window=8, steps=5, rewards={"mini_quality": 0.5}, pixel_weight=1.0, regularisation_weight=1.0)


def rfsr_stage(folder: Path, nano: Path, config: RFSRConfig = CONFIG, *, family: str = "seesr") -> RFSRStage:
    torch.manual_seed(0)
    unpacked = folder / nano.name
    write_runs(nano, unpacked)
    restorer = unpacked / "restorer"
    parts = FrozenParts.load(unpacked / "vae", unpacked / "tagger", restorer if restorer.exists() else None)
    crops = PackedCrops(folder)
    return RFSRStage(
        config,
        DenoiserStageConfig(family=family, size="nano"),
        crops,
        build_latents(crops, parts, folder, FAMILIES[family]),
        parts,
        bundle=nano,
        rewards={"mini_quality": MiniQuality((4, 8))},
        features=SqueezeNetFeatures(folder / SQUEEZENET),
    )


def batch_of(stage: RFSRStage, stop: int, count: int = 2) -> dict[str, Tensor]:
    batch = stage.draw(np.random.default_rng(0), count, 0.0)
    return batch | {"plan": torch.tensor([float(stage.windows.steps), float(stop), 1.0])}


@pytest.mark.parametrize(
    ("family", "recipe", "trained"),
    [
        ("seesr", {}, (50, (0, 20), (40, 50))),
        ("diffbir", {"steps": 20}, (20, (0, 8), (16, 20))),
        ("pasd", {}, (20, (0, 8), (17, 20))),
        ("pasd", {"steps": 20, "early": (0, 3)}, (20, (0, 3), (17, 20))),
    ],
)
def test_a_recipe_that_says_nothing_of_windows_takes_the_familys(
    folder: Path, nano: Path, family: str, recipe: dict[str, Any], trained: tuple[int, Span, Span]
) -> None:
    config = replace(CONFIG, **{"steps": None, **recipe})
    stage = rfsr_stage(folder, nano.with_name(f"{family}-nano"), config, family=family)
    assert stage.windows == Windows(*trained)
    assert {key: stage.facts()["rfsr"][key] for key in ("steps", "early", "late")} == asdict(Windows(*trained))


@pytest.mark.parametrize("name", ["rfsr_mini", "rfsr_full"])
def test_the_recipes_serve_every_family(name: str) -> None:
    table = load_config(ROOT / f"configs/{name}.toml")["rfsr"]
    assert table.keys().isdisjoint({"early", "late"})
    assert isinstance(config_from(RFSRConfig, table), RFSRConfig)


def ablations() -> list[tuple[str, list[str]]]:
    """Name and settings of each row of the table of ablations in the README."""
    rows = [line.split("|")[2:4] for line in (ROOT / "README.md").read_text().splitlines() if re.match(r"\|.*\| `rfsr\.", line)]
    return [(name.strip(), re.findall("`([^`]+)`", settings)) for name, settings in rows]


def test_every_ablation_is_a_recipe_that_differs_from_the_minis() -> None:
    mini = config_from(RFSRConfig, load_config(ROOT / "configs/rfsr_mini.toml")["rfsr"])
    made = [config_from(RFSRConfig, load_config(ROOT / "configs/rfsr_mini.toml", each)["rfsr"]) for _, each in ablations()]
    assert len(made) == 11
    assert all(each != mini for each in made)


def test_the_ablations_of_the_windows_are_the_papers_rows() -> None:
    """Table 2 of the paper, in steps of 50 counted from 1; the recipes' rollouts have 20."""
    published = FAMILIES["seesr"].windows
    rows = {"longer early": ((0, 40), (40, 50)), "longer late": ((0, 20), (20, 50)),
            "every loss in every step": ((0, 50), (0, 50))}  # fmt: skip
    for name, (early, late) in rows.items():
        config = config_from(RFSRConfig, load_config(ROOT / "configs/rfsr_mini.toml", dict(ablations())[name])["rfsr"])
        made = published.fitted(config.steps, early=config.early, late=config.late)
        assert made == Windows(50, early, late).fitted(20), name


def test_the_published_recipe_sees_eight_pictures_a_step_averages_at_once_and_keeps_small_losses() -> None:
    loop = config_from(LoopConfig, load_config(ROOT / "configs/rfsr_full.toml")["loop"])
    assert loop.batch_size == 8 and {shares(loop, processes) for processes in (1, 2, 4)} == {(2, 4), (2, 2), (2, 1)}
    assert average_decay(loop, 0) == 0.999 and loop.eps < 1e-3 * 5e-5


def test_a_rollout_stops_in_every_step_of_the_windows_and_in_no_other(folder: Path, nano: Path) -> None:
    stage, rng = rfsr_stage(folder, nano), np.random.default_rng(0)
    assert {stage.plan(rng).stop for _ in range(200)} == {0, 1, 4}


def test_each_window_has_its_own_losses(folder: Path, nano: Path) -> None:
    stage = rfsr_stage(folder, nano)
    assert stage(batch_of(stage, 0), 1, 0.0).keys() == {"loss", "dwt"}
    late = stage(batch_of(stage, 4), 1, 0.0)
    assert late.keys() == {"loss", "mini_quality", "gram_kl"}
    assert late["loss"].item() == pytest.approx(0.5 * late["mini_quality"].item() + late["gram_kl"].item(), rel=1e-5)


def test_gradients_reach_unet_and_controlnet_only_and_only_from_the_last_step(folder: Path, nano: Path) -> None:
    stage = rfsr_stage(folder, nano)
    calls: list[bool] = []
    stage.denoiser.register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    for stop in (1, 4):
        stage(batch_of(stage, stop), 1, 0.0)["loss"].backward()
    assert calls == [False] * 1 + [True] + [False] * 4 + [True]
    moved = {name for name, parameter in stage.named_parameters() if parameter.grad is not None and parameter.grad.any()}
    assert {".".join(name.split(".")[:2]) for name in moved} == {"denoiser.unet", "denoiser.controlnet"}
    assert {name for name, parameter in stage.named_parameters() if parameter.requires_grad} >= moved
    assert not any(name.startswith(("text", "pretrained", "vae", "rewards", "features")) for name in moved)


def test_the_loss_of_the_last_step_has_the_gradient_of_its_formula(folder: Path, nano: Path) -> None:
    """One sampling step by hand, from the same start: x0 = (x - sqrt(1 - abar) eps) / sqrt(abar), decoded, its low band compared."""
    stage = rfsr_stage(folder, nano)
    batch = batch_of(stage, 0)
    stage(batch, 7, 0.0)["loss"].backward()
    ours = stage.denoiser.unet.conv_out.weight.grad.clone()
    stage.zero_grad()
    noise = torch.randn(batch["target"].shape, generator=torch.Generator().manual_seed(7))
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    abar = (1 - betas).cumprod(0)
    x = abar[999].sqrt().float() * batch["condition_latent"] + (1 - abar[999]).sqrt().float() * noise
    upscaled = batch["degraded"]
    eps = stage.denoiser(
        x,
        torch.full((2,), 801.0),
        stage.text_encoder(batch["tokens"]),
        stage.denoiser.embed_condition(upscaled),
        batch["image"],
        batch["condition_latent"],
    )
    x0 = (x - (1 - abar[801]).sqrt().float() * eps) / abar[801].sqrt().float()
    parts = stage.parts
    picture = (parts.vae.decode_latent(x0 / parts.latent_scale + parts.latent_shift) / 2 + 0.5).clamp(0, 1)
    # the Haar low band is half the sum over 2×2 squares: twice their mean
    low = torch.nn.functional.avg_pool2d(picture - batch["clean"], 2) * 2
    low.abs().mean().backward()
    torch.testing.assert_close(ours, stage.denoiser.unet.conv_out.weight.grad, atol=1e-6, rtol=1e-3)


def test_two_samples_are_two_single_ones(folder: Path, nano: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = rfsr_stage(folder, nano)
    batch = batch_of(stage, 4)
    # noise that depends on the sample, not on its place in a batch
    monkeypatch.setattr(rollout, "noise_like", lambda x, _: (37 * x).sin())
    monkeypatch.setattr("rfsr.pretrain.denoiser.noise_like", lambda x, _: (41 * x).cos())
    singles = [{name: v if name == "plan" else v[i : i + 1] for name, v in batch.items()} for i in range(2)]
    single = [stage(one, 1, 0.0) for one in singles]
    for name, value in stage(batch, 1, 0.0).items():
        torch.testing.assert_close(value, (single[0][name] + single[1][name]) / 2, atol=1e-6, rtol=1e-4)


def test_gram_kl_starts_at_zero_and_its_reference_never_changes(folder: Path, nano: Path, tmp_path: Path) -> None:
    stage = rfsr_stage(folder, nano)
    assert stage(batch_of(stage, 4), 1, 0.0)["gram_kl"].item() == 0
    before = {name: value.clone() for name, value in stage.pretrained.state_dict().items()}
    train(stage, tmp_path / "run", replace(LOOP, learning_rate=1e-2))
    assert all(torch.equal(value, before[name]) for name, value in stage.pretrained.state_dict().items())
    assert stage(batch_of(stage, 4), 1, 0.0)["gram_kl"].item() > 0


@pytest.mark.parametrize("regularisation", ["none", "lora", "kl"])
def test_other_regularisations_train(folder: Path, nano: Path, tmp_path: Path, regularisation: str) -> None:
    stage = rfsr_stage(folder, nano, replace(CONFIG, regularisation=regularisation, pixel="l1"))
    assert ("kl" in stage(batch_of(stage, 4), 1, 0.0)) == (regularisation == "kl")
    state = train(stage, tmp_path / "run", replace(LOOP, learning_rate=1e-2))
    # whatever was trained, what is written fits the plain networks
    other = Denoiser(CONFIGS["nano"])
    other.load_state_dict({name.removeprefix("denoiser."): v for name, v in state.items() if name.startswith("denoiser.")})
    assert any(not torch.equal(v, stage.pretrained.state_dict()[name]) for name, v in other.state_dict().items())


def test_adapters_merge_into_the_weights_they_stand_on() -> None:
    torch.manual_seed(0)
    network = Denoiser(CONFIGS["nano"])
    adapted = Denoiser(CONFIGS["nano"])
    adapted.load_state_dict(network.state_dict())
    add_lora(adapted, rank=2)
    for name, parameter in adapted.named_parameters():
        assert parameter.requires_grad == (".lora_" in name)
        if ".lora_" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    network.load_state_dict(merged_state(adapted))
    inputs = (
        torch.randn(1, 16, 8, 8), torch.tensor([500.0]), torch.randn(1, 77, 16),
        torch.randn(1, 16, 8, 8), torch.randn(1, 17, 16), torch.randn(1, 16, 8, 8),
    )  # fmt: skip
    torch.testing.assert_close(network(*inputs), adapted(*inputs), atol=1e-4, rtol=1e-4)


def test_a_stop_and_resume_gives_the_same_numbers_as_no_stop(folder: Path, nano: Path, tmp_path: Path) -> None:
    whole = train(rfsr_stage(folder, nano), tmp_path / "whole")
    Trainer(rfsr_stage(folder, nano), LOOP, tmp_path / "cut", facts={"command": "", "commit": ""}, cpu=True).train(minutes=0)
    resumed = train(rfsr_stage(folder, nano), tmp_path / "cut")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_checkpointing_changes_memory_not_gradients(folder: Path, nano: Path) -> None:
    gradients = []
    for checkpointing in (False, True):
        stage = rfsr_stage(folder, nano, replace(CONFIG, checkpointing=checkpointing))
        stage(batch_of(stage, 4), 1, 0.0)["loss"].backward()
        gradients.append({name: p.grad for name, p in stage.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-7, rtol=1e-4)


def test_what_is_measured_is_repeatable_and_starts_without_stylization(folder: Path, nano: Path) -> None:
    stage = rfsr_stage(folder, nano)
    first = stage.measure()
    measured = {"mini_quality", "psnr", "feature_distance", "low_band", "stylization"}
    assert first["stylization"] == 0 and set(first) == measured | {"gradient_dwt", "gradient_mini_quality", "gradient_gram_kl"}
    assert stage.measure() == first
    held_out = {PackedCrops(folder).sources[i] for i in stage.checked}
    assert held_out.isdisjoint({PackedCrops(folder).sources[i] for i in stage.training_crops})


def test_held_out_crops_are_measured_few_at_a_time_as_they_would_be_together(
    folder: Path, nano: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = rfsr_stage(folder, nano)
    monkeypatch.setattr(rollout, "noise_like", lambda x, _: (37 * x).sin())
    monkeypatch.setattr("rfsr.pretrain.denoiser.noise_like", lambda x, _: (41 * x).cos())
    assert [len(batch["clean"]) for batch in stage.checked_batches()] == [2] * (len(stage.checked) // 2)
    parts = stage.measure()
    stage.reference = []
    monkeypatch.setattr("rfsr.finetune.stage.CHECKED_AT_ONCE", 100)
    whole = stage.measure()
    for name in whole:
        if not name.startswith("gradient"):
            assert parts[name] == pytest.approx(whole[name], rel=1e-3, abs=1e-6)


def test_the_strength_of_losses_is_that_of_their_weighted_gradients(folder: Path, nano: Path) -> None:
    ones = rfsr_stage(folder, nano)
    batch = next(ones.checked_batches())
    with torch.no_grad():
        found = ones.gradients(batch)
    assert found["gradient_dwt"] > 0 and found["gradient_mini_quality"] > 0 and found["gradient_gram_kl"] == 0
    doubled = rfsr_stage(folder, nano, replace(CONFIG, pixel_weight=2.0, rewards={"mini_quality": 0.1}))
    with torch.no_grad():
        again = doubled.gradients(batch)
    assert again["gradient_dwt"] == pytest.approx(2 * found["gradient_dwt"], rel=1e-4)
    assert again["gradient_mini_quality"] == pytest.approx(0.2 * found["gradient_mini_quality"], rel=1e-4)


def test_tags_can_be_those_of_the_truth_and_truths_sharpened(folder: Path, nano: Path, tmp_path: Path) -> None:
    stage = rfsr_stage(folder, nano)
    stage.parts.thresholds[:] = [0.0] * len(stage.parts.thresholds)  # every tag is said
    tokens = finetune.tokens_of_truths(stage.crops, stage.parts, tmp_path, stage.family)
    every = token_ids(stage.parts.tokenizer, prompt_text(stage.family, stage.parts.tags))
    assert tokens.tolist() == [every] * len(stage.crops.hr)
    stage.truth_tokens = np.arange(20 * 77).reshape(20, 77)
    batch = stage.gather(np.array([3, 1]), np.array([0, 0]))
    assert batch["tokens"].tolist() == stage.truth_tokens[[3, 1]].tolist()
    plain = stage.draw(np.random.default_rng(0), 2, 0.0)["clean"]
    sharpened = rfsr_stage(folder, nano, replace(CONFIG, sharpen_truth=True)).draw(np.random.default_rng(0), 2, 0.0)["clean"]
    for ours, theirs in zip(sharpened, plain, strict=True):
        assert torch.equal(ours, sharpen(theirs))
    assert not torch.equal(sharpened, plain)


def test_the_crops_of_the_published_recipe_hold_its_window() -> None:
    recipe, crops = (load_config(ROOT / f"configs/{name}.toml") for name in ("rfsr_full", "rfsr_full_crops"))
    assert 8 * recipe["rfsr"]["latent_window"] == crops["prepare"]["side"] == 512
    assert config_from(PrepareConfig, crops["prepare"]).mixture == {"a": 1.0}


def test_rewards_read_tags_without_quality_words(folder: Path, nano: Path) -> None:
    stage = rfsr_stage(folder, nano)
    ids = [token_ids(stage.parts.tokenizer, prompt_text(FAMILIES["seesr"], tags)) for tags in (["bird", "tree"], [])]
    assert stage.words(torch.tensor(ids)) == ["bird, tree", ""]


@pytest.mark.parametrize(("family", "words"), [("diffbir", "bird, tree"), ("pasd", "bird, tree")])
def test_other_families_are_fine_tuned_on_their_own_sampling(folder: Path, nano: Path, family: str, words: str) -> None:
    stage = rfsr_stage(folder, nano.with_name(f"{family}-nano"), family=family)
    ids = token_ids(stage.parts.tokenizer, prompt_text(FAMILIES[family], ["bird", "tree"]))
    assert stage.words(torch.tensor([ids])) == [words]
    assert stage.timestep(Plan(5, 0)) == 999
    for stop, part in ((0, "dwt"), (4, "mini_quality")):
        losses = stage(batch_of(stage, stop), 1, 0.0)
        losses["loss"].backward()
        assert part in losses
    assert all(parameter.grad is not None for parameter in stage.denoiser.unet.parameters())


def test_a_missing_reward_is_named(folder: Path, nano: Path) -> None:
    with pytest.raises(ValueError, match="clip_iqa"):
        rfsr_stage(folder, nano, replace(CONFIG, rewards={"clip_iqa": 1.0}))


RECIPE = """
[loop]
steps = 2
batch_size = 1
learning_rate = 1e-3
log_every = 1

[rfsr]
latent_window = 8
steps = 5
features = "squeezenet"
rewards = { mini_quality = 0.5 }
"""
IDENTITY = """
[bundle]
id = "seesr-nano-rfsr"
title = "SeeSR nano, RFSR"
family = "seesr"
variant = "rfsr"
pairedWith = "seesr-nano"
tagged = true
size = "mini"
license = "Apache-2.0"

[image]
scale = 4
multipleOf = 32
minSide = 128
workingSide = 64
colorFix = "wavelet"
"""


def test_the_commands_make_a_bundle_that_shares_what_did_not_learn(folder: Path, nano: Path, tmp_path: Path) -> None:
    reward = tmp_path / "mini_quality"
    reward.mkdir()
    save_file(MiniQuality((4, 8)).state_dict(), reward / "model.safetensors")
    (reward / "facts.json").write_text(json.dumps({"channels": [4, 8]}))
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "identity.toml").write_text(IDENTITY)
    run, out = tmp_path / "run", tmp_path / "models" / "seesr-nano-rfsr"
    call(finetune, config=tmp_path / "recipe.toml", run=run, crops=folder, init_from=nano,
         features=folder / SQUEEZENET, reward=f"mini_quality={reward}")  # fmt: skip
    call(export, config=tmp_path / "identity.toml", out=out, denoiser=run,
         vae=run / "from-bundle/vae", tagger=run / "from-bundle/tagger")  # fmt: skip
    made, base = read_manifest(out), read_manifest(nano)
    hashes = {role: (made["graphs"][role][0]["files"][0]["sha256"], base["graphs"][role][0]["files"][0]["sha256"])
              for role in base["graphs"]}  # fmt: skip
    assert {role for role, (ours, theirs) in hashes.items() if ours != theirs} == {"denoiser", "conditionEncoder"}
    assert made["windows"] == {"steps": 5, "early": [0, 2], "late": [4, 5]}
    assert made["pairedWith"] == "seesr-nano" and max(made["parity"].values()) < 1e-4
    assert made["training"]["stages"][-1]["rfsr"]["late"] == [4, 5]
    call(plots, run=f"nano={run}", out=tmp_path / "plots", crop="1")
    for name in ("losses", "measures", "strips"):
        with Image.open(tmp_path / "plots" / f"{name}.png") as picture:
            assert picture.convert("L").getextrema()[0] < 128


def test_two_processes_fine_tune_from_one_encoding_into_one_run(folder: Path, nano: Path, tmp_path: Path) -> None:
    crops, run = tmp_path / "crops", tmp_path / "run"
    crops.mkdir()
    for path in (*folder.glob("*.npy"), folder / "manifest.json"):
        shutil.copy(path, crops)
    (tmp_path / "recipe.toml").write_text(
        RECIPE.replace("batch_size = 1", "batch_size = 2").replace("rewards = { mini_quality = 0.5 }", "rewards = {}")
    )
    in_two_processes("rfsr", "finetune", "--config", tmp_path / "recipe.toml", "--run", run, "--crops", crops,
                     "--init-from", nano, "--features", folder / SQUEEZENET)  # fmt: skip
    facts = json.loads((run / "facts.json").read_text())
    assert (facts["steps"], facts["batchSize"]) == (2, 2) and facts["device"] == "CPU × 2 threads"
    steps = [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2]  # of one process
    assert len(list(crops.glob("latents-*/done"))) == 1 and not list(tmp_path.rglob(".shared"))


def call(command: ModuleType, **options: Path | str) -> None:
    """A subcommand, as its command line would."""
    parser = argparse.ArgumentParser()
    command.configure(parser)
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command.main(parser.parse_args(words))
