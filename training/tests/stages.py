"""Stages on crops made here, and a short run of one."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from rfsr.data import PackedCrops
from rfsr.features.squeezenet import SQUEEZENET, SqueezeNetFeatures
from rfsr.loop import LoopConfig, Stage, Trainer
from rfsr.pretrain.preference import PreferenceStage
from rfsr.pretrain.tagger import TaggerStage, TaggerStageConfig
from rfsr.pretrain.vae import VaeConfig, VaeStage
from tests.metrics.networks import write_networks

LOOP = LoopConfig(steps=4, batch_size=2, learning_rate=1e-3, warmup=2, log_every=1, sample_every=100)
SYNSETS = "\n".join(f"n{index:08d} thing{index % 5}, other name" for index in range(1000))


def pack_crops(folder: Path) -> Path:
    """Packed crops of noise with some structure, network weights and class names, in `folder`, which is returned."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (20, 16, 16, 3)).repeat(16, axis=1).repeat(16, axis=2)
    np.save(folder / "hr.npy", coarse.astype(np.uint8))
    small = coarse[:, ::4, ::4].astype(np.uint8)
    lr = np.zeros((20, 2, 256, 256, 3), np.uint8)
    lr[:, :, :64, :64] = small[:, None]
    np.save(folder / "lr.npy", lr)
    enlarged = [np.asarray(Image.fromarray(each).resize((256, 256), Image.Resampling.BICUBIC)) for each in small]
    np.save(folder / "degraded.npy", np.stack([np.stack(enlarged)] * 2, axis=1))
    np.save(folder / "taught.npy", np.stack([coarse] * 2, axis=1).astype(np.uint8))
    np.save(folder / "answered.npy", np.ones((20, 2), np.bool_))
    # every third was only reduced, so that the clean crop is its answer
    facts = [{"source": index % 10, "sets": ["none" if index % 3 == 0 else "b"] * 2, "scales": [4, 4]} for index in range(20)]
    (folder / "manifest.json").write_text(json.dumps({"crops": facts}))
    write_networks(folder)
    (folder / "synsets.txt").write_text(SYNSETS)
    return folder


def vae_stage(folder: Path) -> VaeStage:
    torch.manual_seed(0)
    return VaeStage(VaeConfig(crop_side=64), PackedCrops(folder), SqueezeNetFeatures(folder / SQUEEZENET))


def tagger_stage(folder: Path) -> TaggerStage:
    torch.manual_seed(0)
    teacher = SqueezeNetFeatures(folder / SQUEEZENET)
    return TaggerStage(TaggerStageConfig(), PackedCrops(folder), teacher, folder / "synsets.txt")


def train(stage: Stage, run: Path, loop: LoopConfig = LOOP) -> dict[str, torch.Tensor]:
    Trainer(stage, loop, run, facts={"command": "test", "commit": "none"}, cpu=True).train()
    if isinstance(stage, TaggerStage | PreferenceStage):
        stage.write_tokenizer(run)
    return load_file(run / "model.safetensors")
