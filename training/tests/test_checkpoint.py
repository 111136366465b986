"""A shipped bundle is a checkpoint: weights, runs and stages come back from it alone."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from rfsr.checkpoint import initialise_stage, load_bundle, load_weights, network_weights, write_runs
from rfsr.export.graphs import round_to_half
from rfsr.export.sources import models_from_runs, nano_models
from rfsr.models.denoiser import Denoiser
from rfsr.models.seesr import CONFIGS

NANO = Path(__file__).parents[2] / "tests/fixtures/models/seesr-nano"
CONFIG = {"bundle": {"family": "seesr", "tagged": True}, "image": {}}
NETWORKS = ("vae", "tagger", "text_encoder", "denoiser")


def test_an_imported_bundle_equals_the_exported_models_rounded_to_half_precision() -> None:
    wanted, _ = nano_models(CONFIG)
    found = load_bundle(NANO)
    for name in NETWORKS:
        expected, actual = getattr(wanted, name), getattr(found, name)
        round_to_half(expected)
        assert expected.state_dict().keys() == actual.state_dict().keys()
        for key, value in expected.state_dict().items():
            assert torch.equal(actual.state_dict()[key], value), f"{name}.{key}"
        assert not actual.training
    assert found.denoiser.config == wanted.denoiser.config and found.vae.widths == wanted.vae.widths
    assert (found.tags, found.thresholds) == (wanted.tags, wanted.thresholds)
    assert (found.latent_scale, found.latent_shift) == (wanted.latent_scale, wanted.latent_shift)
    assert found.tokenizer.to_str() == wanted.tokenizer.to_str()


def test_a_bundle_unpacks_into_runs_that_the_exporter_reads(tmp_path: Path) -> None:
    write_runs(NANO, tmp_path)
    wanted = load_bundle(NANO)
    found, facts = models_from_runs(tmp_path / "vae", tmp_path / "tagger", tmp_path / "denoiser", None, config=CONFIG)
    for name in NETWORKS:
        expected, actual = getattr(wanted, name).state_dict(), getattr(found, name).state_dict()
        assert all(torch.equal(actual[key], value) for key, value in expected.items()), name
    assert found.tags == wanted.tags and found.latent_scale == wanted.latent_scale
    assert [stage["stage"] for stage in facts["stages"]] == ["vae", "tagger", "denoiser"]


def test_unpacked_runs_keep_the_history_of_their_stages(tmp_path: Path) -> None:
    manifest = json.loads((NANO / "manifest.json").read_text())
    stages = ["vae", "tagger", "denoiser", "trajectory"]
    manifest["training"]["stages"] = [{"stage": name, "steps": index} for index, name in enumerate(stages)]
    for chain in manifest["graphs"].values():
        for file in (file for graph in chain for file in graph["files"]):
            file["path"] = str((NANO / file["path"]).resolve())
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    (bundle / "tokenizer.json").write_bytes((NANO / "tokenizer.json").read_bytes())
    write_runs(bundle, tmp_path)
    facts = json.loads((tmp_path / "denoiser/facts.json").read_text())
    assert (facts["stage"], facts["steps"], facts["startedFrom"]["steps"]) == ("trajectory", 3, 2)
    assert facts["denoiserConfig"] == "nano"
    _, training = models_from_runs(tmp_path / "vae", tmp_path / "tagger", tmp_path / "denoiser", None, config=CONFIG)
    assert [stage["stage"] for stage in training["stages"]] == stages


def test_a_stage_starts_from_the_networks_it_shares_with_the_bundle_and_keeps_the_rest() -> None:
    stage = nn.Module()
    torch.manual_seed(5)
    stage.denoiser, stage.own = Denoiser(CONFIGS["nano"]), nn.Linear(2, 2)
    own = stage.own.weight.clone()
    initialise_stage(stage, NANO)
    wanted = load_bundle(NANO).denoiser.state_dict()
    assert all(torch.equal(value, wanted[key]) for key, value in stage.denoiser.state_dict().items())
    assert torch.equal(stage.own.weight, own)
    assert all(parameter.requires_grad for parameter in stage.denoiser.parameters())


def test_weights_of_another_size_or_with_a_gap_are_refused() -> None:
    with pytest.raises(RuntimeError, match="shape"):
        load_weights(nn.Conv2d(16, 9, 1), {"weight": torch.zeros(3, 3), "bias": torch.zeros(9)})
    weights = network_weights(NANO, "tagger")
    del weights["norm.weight"]
    with pytest.raises(KeyError, match=r"norm\.weight"):
        load_weights(load_bundle(NANO).tagger, weights)


def test_unpacked_weights_are_plain_state_dicts(tmp_path: Path) -> None:
    write_runs(NANO, tmp_path)
    keys = load_file(tmp_path / "denoiser/model.safetensors").keys()
    assert {key.split(".")[0] for key in keys} == {"denoiser", "text_encoder"}
    assert "denoiser.residual_std" in keys
