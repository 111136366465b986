"""`rfsr finetune`: turns a bundle's super-resolver into its RFSR version (arXiv 2412.03268), resumably."""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from tqdm import tqdm

from rfsr.checkpoint import config_from, is_bundle, read_manifest, write_runs
from rfsr.common import add_config_arguments, command_line, current_commit, load_config, named_path
from rfsr.data import PackedCrops
from rfsr.families import FAMILIES, Family
from rfsr.features import open_features
from rfsr.finetune.stage import RFSRConfig, RFSRStage
from rfsr.loop import LoopConfig, Trainer
from rfsr.models.tagger import normalise_image, tags_said
from rfsr.models.vocabulary import token_ids
from rfsr.pretrain.denoiser import DenoiserStageConfig
from rfsr.pretrain.latents import FrozenParts, build_latents, prompt_text
from rfsr.pretrain.tagger import to01
from rfsr.processes import open_processes, require_shared
from rfsr.rewards import open_reward

TAGGED_AT_ONCE = 16


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr finetune`."""
    add_config_arguments(parser, "[loop] and [rfsr]")
    parser.add_argument(
        "--run", type=Path, required=True, help="folder of this run: checkpoint, log, measures, samples, weights"
    )
    parser.add_argument(
        "--init-from",
        type=Path,
        required=True,
        help="the pretrained super-resolver: an exported bundle, or runs as `rfsr convert` writes them",
    )
    parser.add_argument("--crops", type=Path, required=True, help="packed crops, as `rfsr prepare` writes them")
    parser.add_argument(
        "--reward",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="a reward's weights; may be repeated; those without weight in the configuration are measured only",
    )
    parser.add_argument("--features", type=Path, required=True, help="weights of the network whose Gram matrices are compared")
    parser.add_argument("--minutes", type=float, help="stop cleanly, with a checkpoint, after this long")
    parser.add_argument("--cpu", action="store_true", help="use the CPU although there is a GPU")


def main(args: argparse.Namespace) -> None:
    """Fine-tunes until the configured step, or for some minutes."""
    config = load_config(args.config, args.set)
    loop = config_from(LoopConfig, config["loop"])
    torch.manual_seed(loop.seed)
    open_processes(cpu=args.cpu)
    stage = build_stage(args, config_from(RFSRConfig, config["rfsr"]))
    facts = {"command": command_line(), "commit": current_commit()}
    trainer = Trainer(stage, loop, args.run, facts=facts, cpu=args.cpu)
    parameters = sum(parameter.numel() for parameter in stage.trainable())
    trainer.accelerator.print(f"rfsr: {parameters:,} parameters, {trainer.accelerator.device}, seed {loop.seed}")
    trainer.train(minutes=args.minutes)
    trainer.accelerator.end_training()


def build_stage(args: argparse.Namespace, config: RFSRConfig) -> RFSRStage:
    """The stage from a bundle, crops, rewards and features. Throws ValueError for a --reward without a name."""
    paths = dict(named_path("--reward NAME=PATH", text) for text in args.reward)
    state, runs = PartialState(), args.init_from
    if is_bundle(args.init_from):
        runs = args.run / "from-bundle"
        runs.mkdir(parents=True, exist_ok=True)
    for folder in (runs, args.crops):
        require_shared(folder)
    if is_bundle(args.init_from):
        if state.is_main_process:
            write_runs(args.init_from, runs)
        state.wait_for_everyone()
    restorer = runs / "restorer"
    parts = FrozenParts.load(runs / "vae", runs / "tagger", restorer if restorer.exists() else None).to(state.device)
    before = json.loads((runs / "denoiser" / "facts.json").read_text())
    crops = PackedCrops(args.crops)
    family = FAMILIES[before["family"]]
    of_truths = "truth" in (config.tags, family.tags_of if config.tags == "published" else None)
    with state.main_process_first():
        latents = build_latents(crops, parts, args.crops, family, limit=config.crops)
        truth_tokens = tokens_of_truths(crops, parts, args.crops, family) if of_truths else None
    stage = RFSRStage(
        config,
        DenoiserStageConfig(family=before["family"], size=before["denoiserConfig"]),
        crops,
        latents,
        parts,
        bundle=runs,
        rewards={name: open_reward(name, path) for name, path in paths.items()},
        features=open_features(config.features, args.features),
        truth_tokens=truth_tokens,
    )
    stage.started_from = {**before, "bundle": read_manifest(args.init_from)["id"] if is_bundle(args.init_from) else runs.name}
    return stage


@torch.no_grad()
def tokens_of_truths(crops: PackedCrops, parts: FrozenParts, cache: Path, family: Family) -> np.ndarray:
    """Prompts [N, 77] int32 with the tags of the clean crops, read once and kept in the folder `cache`."""
    prefix = hashlib.sha256(prompt_text(family, ["tag"]).encode()).hexdigest()[:8]
    path = cache / f"truth-tokens-{parts.key}-{prefix}.npy"
    if not path.exists():
        device, thresholds = next(parts.tagger.parameters()).device, torch.tensor(parts.thresholds)
        rows: list[list[int]] = []
        for start in tqdm(range(0, len(crops.hr), TAGGED_AT_ONCE), desc="tags", mininterval=10):
            clean = to01(crops.hr[start : start + TAGGED_AT_ONCE]).to(device)
            _, logits = parts.tagger(normalise_image(clean, side=parts.tagger.config.side))
            said = tags_said(logits, parts.tags, thresholds)
            rows += [token_ids(parts.tokenizer, prompt_text(family, tags), pad_id=parts.pad_id) for tags in said]
        np.save(path, np.array(rows, np.int32))
    return np.load(path)
