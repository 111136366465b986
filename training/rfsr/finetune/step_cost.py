"""What a fine-tuning step of a real bundle costs on this machine: seconds and memory, on made-up crops."""

import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rfsr.checkpoint import read_manifest, write_runs
from rfsr.data import PackedCrops
from rfsr.families import FAMILIES
from rfsr.features.vgg19 import VGG19Features
from rfsr.finetune.stage import RFSRConfig, RFSRStage
from rfsr.loop import LoopConfig, Trainer
from rfsr.pretrain.denoiser import DenoiserStageConfig
from rfsr.pretrain.latents import FrozenParts, build_latents
from rfsr.rewards import open_reward
from rfsr.rollout import Plan

CROPS, SIDE, REPEATS = 4, 256, 3


def step_cost(bundle: Path, rewards: Path, *, config: RFSRConfig, batch: int) -> dict[str, Any]:
    """Seconds of a whole step whose rollout stops at the end of each window, mean after a first one, and the process's peak memory.

    Gram matrices are of a VGG19 with random weights: the costliest choice. `rewards`: the folder of shipped rewards.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_crops(folder)
        write_runs(bundle, folder / "runs")
        restorer = folder / "runs/restorer"
        parts = FrozenParts.load(folder / "runs/vae", folder / "runs/tagger", restorer if restorer.exists() else None)
        crops = PackedCrops(folder)
        facts = json.loads((folder / "runs/denoiser/facts.json").read_text())
        stage = PlannedStage(
            config,
            DenoiserStageConfig(family=facts["family"], size=facts["denoiserConfig"]),
            crops,
            build_latents(crops, parts, folder, FAMILIES[facts["family"]]),
            parts,
            bundle=bundle,
            rewards={reward: open_reward(reward, rewards / reward) for reward in config.rewards},
            features=VGG19Features(),
        )
        trainer = Trainer(stage, LoopConfig(steps=100, batch_size=batch, learning_rate=0.0), folder / "run", facts={})
        seconds = {}
        for window, stop in (("early", stage.windows.early[1] - 1), ("late", stage.windows.late[1] - 1)):
            stage.planned = Plan(stage.windows.steps, stop)
            trainer.train_step()
            began = time.perf_counter()
            for _ in range(REPEATS):
                trainer.train_step()
            seconds[window] = round((time.perf_counter() - began) / REPEATS, 3)
    return {
        "bundle": read_manifest(bundle)["id"],
        "batch": batch,
        "pixels": 8 * config.latent_window,
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "peakMegabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }


class PlannedStage(RFSRStage):
    """RFSR's stage with every rollout planned alike."""

    planned: Plan

    def plan(self, rng: np.random.Generator) -> Plan:
        """The plan it was given."""
        return self.planned


def write_crops(folder: Path) -> None:
    """Packed crops of noise."""
    rng = np.random.default_rng(0)
    np.save(folder / "hr.npy", rng.integers(0, 256, (CROPS, SIDE, SIDE, 3), dtype=np.uint8))
    np.save(folder / "degraded.npy", rng.integers(0, 256, (CROPS, 1, SIDE, SIDE, 3), dtype=np.uint8))
    crops = [{"source": index} for index in range(CROPS)]
    (folder / "manifest.json").write_text(json.dumps({"crops": crops}))
