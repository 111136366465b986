"""`rfsr pretrain`: trains one stage of a mini model or a mini reward, resumably; `STAGES` names them."""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from safetensors.torch import load_file

from rfsr.checkpoint import config_from, initialise_stage, write_runs
from rfsr.common import add_config_arguments, command_line, current_commit, load_config
from rfsr.data import PackedCrops
from rfsr.families import FAMILIES, PRIOR
from rfsr.features.squeezenet import SQUEEZENET, SqueezeNetFeatures
from rfsr.loop import LoopConfig, Stage, Trainer
from rfsr.pretrain.denoiser import DenoiserStage, DenoiserStageConfig
from rfsr.pretrain.latents import FrozenParts, build_latents
from rfsr.pretrain.preference import PreferenceConfig, PreferenceStage
from rfsr.pretrain.quality import LadderStage, QualityConfig, QualityStage, own_outputs
from rfsr.pretrain.restorer import RestorerStage, RestorerStageConfig
from rfsr.pretrain.tagger import TaggerStage, TaggerStageConfig
from rfsr.pretrain.trajectory import TrajectoryConfig, TrajectoryStage
from rfsr.pretrain.transfer import TransferConfig, TransferStage
from rfsr.pretrain.vae import VaeConfig, VaeStage
from rfsr.processes import open_processes, require_shared
from rfsr.rewards.mini_quality import MiniQuality
from rfsr.teach import open_teacher

SYNSETS = Path("imagenet_synset.txt")
TRANSFERS = tuple(name for name in FAMILIES if name != PRIOR)
"""Stages of the families that start from the prior, each of its family's name."""
STAGES = ("vae", "tagger", "denoiser", "trajectory", "restorer", *TRANSFERS, "quality", "preference")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr pretrain`."""
    add_config_arguments(parser, "`stage`, [loop] and the stage's own table")
    parser.add_argument("--run", type=Path, required=True, help="folder of this run: checkpoint, log, samples, weights")
    parser.add_argument("--crops", type=Path, required=True, help="packed crops, as `rfsr prepare` writes them")
    parser.add_argument("--nets", type=Path, required=True, help="folder with SqueezeNet's weights and the class names")
    parser.add_argument("--vae", type=Path, help="run of the stage vae (denoisers), or to go on from (vae)")
    parser.add_argument("--tagger", type=Path, help="run of the stage tagger (denoisers)")
    parser.add_argument("--restorer", type=Path, help="run of the stage restorer (denoisers), or to go on from (restorer)")
    parser.add_argument(
        "--denoiser", type=Path, help=f"run of a denoiser to start from ({', '.join(('trajectory', *TRANSFERS))})"
    )
    parser.add_argument(
        "--outputs-of", type=Path, help="exported bundle whose outputs the rewards learn to judge (quality, preference)"
    )
    parser.add_argument("--quality", type=Path, help="run or shipped folder of mini_quality to start from (preference)")
    parser.add_argument(
        "--init-from",
        type=Path,
        help=f"exported bundle whose weights to start from; for {', '.join(TRANSFERS)} one of {PRIOR}, as prior",
    )
    parser.add_argument("--minutes", type=float, help="stop cleanly, with a checkpoint, after this long")
    parser.add_argument("--cpu", action="store_true", help="use the CPU although there is a GPU")


def main(args: argparse.Namespace) -> None:
    """Runs the stage that the configuration names."""
    config = load_config(args.config, args.set)
    loop = config_from(LoopConfig, config["loop"])
    torch.manual_seed(loop.seed)
    own_vae = args.vae is not None
    state, unpacked = open_processes(cpu=args.cpu), args.run / "from-bundle"
    args.run.mkdir(parents=True, exist_ok=True)
    for folder in (args.run, args.crops):
        require_shared(folder)
    if args.init_from:
        # a bundle alone is enough: what no run was named for comes from it
        if state.is_main_process:
            write_runs(args.init_from, unpacked)
        state.wait_for_everyone()
        for name in ("vae", "tagger", "denoiser", "restorer"):
            found = unpacked / name
            setattr(args, name, getattr(args, name) or (found if found.exists() else None))
    # the main one encodes latents and makes outputs; the others find them
    with state.main_process_first():
        stage = build_stage(args, config)
    if args.init_from and not isinstance(stage, TransferStage | RestorerStage):
        initialise_stage(stage, args.init_from, keep=("vae",) if own_vae else ())
        if own_vae and isinstance(stage, DenoiserStage):
            stage.measure_residual()
    facts = {"command": command_line(), "commit": current_commit()}
    trainer = Trainer(stage, loop, args.run, facts=facts, cpu=args.cpu)
    parameters = sum(parameter.numel() for parameter in stage.trainable())
    trainer.accelerator.print(f"{stage.name}: {parameters:,} parameters, {trainer.accelerator.device}, seed {loop.seed}")
    trainer.train(minutes=args.minutes)
    if isinstance(stage, TaggerStage | PreferenceStage) and state.is_main_process:
        stage.write_tokenizer(args.run)
    trainer.accelerator.end_training()


def build_stage(args: argparse.Namespace, config: dict[str, Any]) -> Stage:
    """The stage with its data and frozen networks. Raises ValueError for a stage that does not exist."""
    crops = PackedCrops(args.crops)
    match config["stage"]:
        case "vae":
            stage = VaeStage(config_from(VaeConfig, config.get("vae", {})), crops, SqueezeNetFeatures(args.nets / SQUEEZENET))
            if args.vae:
                facts = json.loads((args.vae / "facts.json").read_text())
                stage.start_from(load_file(args.vae / "model.safetensors"), facts)
            return stage
        case "tagger":
            teacher = SqueezeNetFeatures(args.nets / SQUEEZENET)
            return TaggerStage(TaggerStageConfig(**config.get("tagger", {})), crops, teacher, args.nets / SYNSETS)
        case "restorer":
            return build_restorer(args, config, crops)
        case name if name in ("denoiser", "trajectory", *TRANSFERS):
            return build_denoiser(args, config, crops)
        case "quality" | "preference":
            return build_reward(args, config, crops)
        case other:
            raise ValueError(f"expected stage {', '.join(STAGES)}, got {other!r}")


def build_restorer(args: argparse.Namespace, config: dict[str, Any], crops: PackedCrops) -> RestorerStage:
    """The stage restorer, from a run named by --restorer or, of the mini's size, from the teacher."""
    table = config_from(RestorerStageConfig, config.get("restorer", {}))
    stage = RestorerStage(table, crops, SqueezeNetFeatures(args.nets / SQUEEZENET))
    if args.restorer:
        weights = load_file(args.restorer / "model.safetensors")
        blocks = json.loads((args.restorer / "facts.json").read_text())["loss"]["blocks"]
        if blocks == list(table.blocks):
            stage.load_state_dict(weights, strict=False)
        else:
            stage.grow_from(weights, blocks, open_teacher(args.nets))
    elif table.blocks:
        stage.start_from(open_teacher(args.nets))
    return stage


def build_denoiser(args: argparse.Namespace, config: dict[str, Any], crops: PackedCrops) -> DenoiserStage:
    """The stage denoiser, trajectory from a denoiser run or on its own, or another family's from a bundle as prior."""
    name = config["stage"]
    base = DenoiserStageConfig(**config.get("denoiser", {}), **({"family": name} if name in TRANSFERS else {}))
    family = FAMILIES[base.family]
    if args.restorer is None and (family.first_stage or family.configs[base.size].residual_to_condition):
        raise ValueError(f"expected --restorer for the stage {name}: its picture's latent is what the denoiser starts from")
    parts = FrozenParts.load(args.vae, args.tagger, args.restorer).to(PartialState().device)
    latents = build_latents(crops, parts, args.crops, family, limit=base.crops)
    if name == "denoiser":
        return DenoiserStage(base, crops, latents, parts)
    features = SqueezeNetFeatures(args.nets / SQUEEZENET)
    before = load_file(args.denoiser / "model.safetensors") if args.denoiser else None
    if name == "trajectory":
        table = config_from(TrajectoryConfig, config.get("trajectory", {}))
        stage = TrajectoryStage(table, base, crops, latents, parts, features)
        if before:
            stage.load_state_dict(before, strict=False)
            # a property of these latents, not of the run before
            stage.measure_residual()
    else:
        stage = TransferStage(config_from(TransferConfig, config.get("transfer", {})), base, crops, latents, parts, features)
        if before is None:
            raise ValueError(f"expected --init-from or --denoiser for the stage {name}, which starts from a prior")
        stage.start_from(before)
    if before:
        stage.started_from = json.loads((args.denoiser / "facts.json").read_text())
    return stage


def build_reward(args: argparse.Namespace, config: dict[str, Any], crops: PackedCrops) -> LadderStage:
    """The stage quality, or preference with the tagger of a run."""
    table = config.get("outputs", {})
    outputs = own_outputs(crops, args.outputs_of, count=table.get("count", 300), steps=table.get("steps", 10))
    if config["stage"] == "quality":
        return QualityStage(config_from(QualityConfig, config.get("quality", {})), crops, outputs)
    parts = FrozenParts.load(args.vae, args.tagger).to(PartialState().device)
    return PreferenceStage(
        config_from(PreferenceConfig, config.get("preference", {})), crops, outputs, parts, MiniQuality.load(args.quality)
    )
