"""Converted runs go where a mini's do: fine-tuning and evaluation take them, without ONNX."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rfsr import finetune
from rfsr.checkpoint import load_runs, runs_in
from rfsr.families import FAMILIES
from rfsr.features.squeezenet import SQUEEZENET
from rfsr.pretrain.latents import FrozenParts, fixed_prompts
from rfsr.restorers import RunsRestorer
from rfsr.rewards.mini_quality import MiniQuality
from tests.published import Published, arguments

CONFIGS = Path(__file__).parents[2] / "configs"
RECIPE = """
[loop]
steps = 2
batch_size = 2
learning_rate = 1e-3
warmup = 1
log_every = 1
sample_every = 100

[rfsr]
latent_window = 8
steps = 5
features = "squeezenet"
rewards = { mini_quality = 0.5 }
"""


def test_two_steps_of_fine_tuning_move_the_denoiser_of_converted_runs(
    folder: Path, published: dict[str, Published], tmp_path: Path
) -> None:
    reward = tmp_path / "mini_quality"
    reward.mkdir()
    save_file(MiniQuality((4, 8)).state_dict(), reward / "model.safetensors")
    (reward / "facts.json").write_text(json.dumps({"channels": [4, 8]}))
    (tmp_path / "recipe.toml").write_text(RECIPE)
    before = published["seesr"].runs
    given = arguments(
        finetune, config=tmp_path / "recipe.toml", run=tmp_path / "run", init_from=before, crops=folder,
        reward=f"mini_quality={reward}", features=folder / SQUEEZENET,
    )  # fmt: skip
    given.cpu = True
    finetune.main(given)
    runs = {**runs_in(before), "denoiser": tmp_path / "run"}
    models, facts = load_runs(runs, tagged=True, image={})
    plain, _ = load_runs(runs_in(before), tagged=True, image={})
    assert facts["denoiser"]["denoiserConfig"] == "toy" and facts["denoiser"]["rfsr"]["steps"] == 5
    assert facts["denoiser"]["startedFrom"]["converted"]["size"] == "toy"
    moved = [not torch.equal(value, plain.denoiser.state_dict()[name]) for name, value in models.denoiser.state_dict().items()]
    assert np.mean(moved) > 0.5
    assert all(
        torch.equal(value, plain.text_encoder.state_dict()[name]) for name, value in models.text_encoder.state_dict().items()
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_a_familys_procedure_runs_on_converted_runs(family: str, published: dict[str, Published]) -> None:
    recipe = CONFIGS / f"export_toy_{family}.toml"
    restorer = RunsRestorer(recipe, published[family].runs, overrides={"steps": 2, "scale": 2, "seed": 3})
    assert restorer.settings["guidance"] == FAMILIES[family].guidance
    lr = np.random.default_rng(0).integers(0, 256, (36, 40, 3), dtype=np.uint8)
    found = restorer.restore(lr, picture="one")
    assert found.shape == (72, 80, 3) and found.dtype == np.uint8
    assert np.array_equal(found, restorer.restore(lr, picture="one"))


def test_prompts_of_a_run_are_padded_as_its_base_pads(published: dict[str, Published]) -> None:
    for family, pad in (("seesr", 0), ("pasd", 599)):
        runs = published[family].runs
        parts = FrozenParts.load(runs / "vae", runs / "tagger")
        empty = fixed_prompts(parts, FAMILIES[family])["empty"]
        assert empty.tolist() == [598, 599, *[pad] * 75]
