"""`rfsr convert`: a family's published checkpoints to runs, as the stages leave them, for `finetune`, `evaluate` and `export`.

SeeSR: `--model` its folder (unet, controlnet), `--base` Stable Diffusion 2 base, `--ram`, `--dape`. DiffBIR: `--model` general_full_v1.ckpt or
v1_general.pth, `--swinir` general_swinir_v1.ckpt, `--base` Stable Diffusion 2.1 base. PASD: `--model` its folder, `--base` Stable Diffusion
1.5. All need `--ram`: RAM's tags stand in the place of PASD's captions and are DiffBIR's where it is tagged; DAPE's adapters are merged
into it where they are given. A part that is there is not converted again.
"""

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from rfsr.common import command_line, current_commit, sha256_of
from rfsr.convert.dape import DapeMerged
from rfsr.convert.files import ConversionError, Renamed, Tensors, listed, open_tensors, take
from rfsr.convert.names import Naming, clip_name, diffbir_naming, ldm_vae_naming, old_vae_name, open_clip_name, ram_name, same
from rfsr.convert.tokenizer import read_tokenizer
from rfsr.families import FAMILIES
from rfsr.models.denoiser import Denoiser
from rfsr.models.published import LATENT_SCALE, SIZES
from rfsr.models.restorer import CONFIGS as RESTORER_CONFIGS
from rfsr.models.restorer import open_restorer
from rfsr.models.tagger import DapeTagger
from rfsr.models.text import TextEncoder
from rfsr.models.vae import StockAutoencoder

WEIGHTS = ("diffusion_pytorch_model.safetensors", "model.safetensors", "diffusion_pytorch_model.bin", "pytorch_model.bin")
"""Names of weights in diffusers' folders, first choice first."""
TAGS, THRESHOLDS = "ram_tag_list.txt", "ram_tag_list_threshold.txt"
COMPUTED = (r"relative_position_index$", r"attn_mask$", r"position_ids$")
"""Tables that follow from the sizes; they are computed here, for any picture."""
RAM_UNUSED = (*COMPUTED, r"^tag_encoder\.", r"^text_decoder\.", r"^tagging_head\.embeddings\.")
TEXT_UNUSED = (*COMPUTED, r"^text_projection", r"^logit_scale$")
SCHEDULE = (
    r"^(betas|alphas_cumprod|alphas_cumprod_prev|logvar)$",
    r"^(sqrt_|log_one_minus_|posterior_)\w+$",
    r"^lvlb_weights$",
)
LDM_PREFIXES = {
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
    "text": "cond_stage_model.model.",
    "control": "control_model.",
    "condition encoder": "cond_encoder.",
    # replaced by the one that --swinir names, as the published program does
    "first stage": "preprocess_model.",
}


@dataclass(frozen=True)
class Stored:
    """A network's published tensors, their naming, and the files they are in."""

    tensors: Tensors
    naming: Naming
    files: tuple[Path, ...]
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A run to write: the networks in it, each under its prefix, with what they are made from, and its facts."""

    networks: dict[str, tuple[Callable[[], nn.Module], Stored]]
    facts: dict[str, Any]
    tokenizer: str | None = None


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr convert`."""
    parser.add_argument("--family", choices=FAMILIES, required=True)
    parser.add_argument("--model", type=Path, required=True, help="the family's folder (seesr, pasd) or checkpoint (diffbir)")
    parser.add_argument(
        "--base", type=Path, required=True, help="folder of the Stable Diffusion it stands on; DiffBIR's may be one file"
    )
    parser.add_argument("--tokenizer", type=Path, help="folder with vocab.json; that of the base where nothing is said")
    parser.add_argument("--ram", type=Path, required=True, help="ram_swin_large_14m.pth")
    parser.add_argument("--tags", type=Path, required=True, help=f"folder with {TAGS} and {THRESHOLDS} (ram/data of SeeSR)")
    parser.add_argument("--dape", type=Path, help="DAPE.pth (seesr)")
    parser.add_argument("--swinir", type=Path, help="general_swinir_v1.ckpt (diffbir)")
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--ignore-unknown", action="store_true", help="convert although files hold tensors nobody knows")
    parser.add_argument("--out", type=Path, required=True, help="folder that gets a run for each part")


def main(args: argparse.Namespace) -> None:
    """Converts every part that is not there. Ends with a sentence where a checkpoint does not fit."""
    try:
        convert(args)
    except ConversionError as error:
        raise SystemExit(str(error)) from error


def convert(args: argparse.Namespace) -> None:
    """As `main`. Throws ConversionError."""
    digests: dict[Path, str] = {}
    for name, part in parts_of(args).items():
        files = sorted({file for _, stored in part.networks.values() for file in stored.files})
        if is_there(args.out / name, files, size=args.size):
            print(f"{name}: is there")
            continue
        weights: dict[str, Tensor] = {}
        for prefix, (build, stored) in part.networks.items():
            with torch.device("meta"):
                module = build()
            what = f"{name} ({', '.join(file.name for file in stored.files)})"
            found = take(stored.tensors, module, stored.naming, what=what, unused=stored.unused, strict=not args.ignore_unknown)
            weights |= {prefix + key: value for key, value in found.items()}
        for file in files:
            digests[file] = digests.get(file) or sha256_of(file)
        kept = [{"name": file.name, "sizeBytes": file.stat().st_size, "sha256": digests[file]} for file in files]
        facts = {"stage": name, "command": command_line(), "commit": current_commit(), **part.facts}
        write_run(args.out / name, weights, facts | {"converted": {"size": args.size, "files": kept}}, part.tokenizer)
        print(f"{name}: {sum(value.numel() for value in weights.values()) / 1e6:.2f} million numbers")


def is_there(run: Path, files: list[Path], *, size: str) -> bool:
    """Whether a run was converted from files of these names and lengths before."""
    if not (run / "facts.json").exists():
        return False
    known = json.loads((run / "facts.json").read_text()).get("converted", {})
    before = [(file["name"], file["sizeBytes"]) for file in known.get("files", [])]
    return known.get("size") == size and before == [(file.name, file.stat().st_size) for file in files]


def write_run(run: Path, weights: dict[str, Tensor], facts: dict[str, Any], tokenizer: str | None) -> None:
    """A run's folder; facts.json comes last, so that a run that was cut off is begun again."""
    run.mkdir(parents=True, exist_ok=True)
    (run / "facts.json").unlink(missing_ok=True)
    save_file(weights, run / "model.safetensors")
    if tokenizer is not None:
        (run / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    (run / "facts.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")


def parts_of(args: argparse.Namespace) -> dict[str, Part]:
    """Every run to write. Throws ConversionError for a file that is missing or not asked for."""
    family, size = FAMILIES[args.family], SIZES[args.size]
    for option, needed in (("dape", args.family == "seesr"), ("swinir", family.first_stage)):
        if needed and getattr(args, option) is None:
            raise ConversionError(f"{args.family} needs --{option}.")
    if args.swinir and not family.first_stage:
        raise ConversionError(f"{args.family} has no first stage, so --swinir belongs to another family.")
    config = family.configs[args.size]
    stored = checkpoint_of(args)
    tokenizer, pad_id = read_tokenizer(args.tokenizer or args.base / "tokenizer")
    tags, thresholds = read_tags(args.tags, count=size.tagger.tags)
    parts = {
        "vae": Part(
            {"": (lambda: StockAutoencoder(size.vae), stored["vae"])},
            {"vaeConfig": asdict(size.vae), "latentScale": LATENT_SCALE, "latentShift": 0.0},
        ),
        "tagger": Part(
            {"": (lambda: DapeTagger(size.tagger), ram(args))},
            {"taggerConfig": asdict(size.tagger), "tags": tags, "thresholds": thresholds, "padId": pad_id},
            tokenizer.to_str(),
        ),
        "denoiser": Part(
            {
                "denoiser.unet.": (lambda: Denoiser(config).unet, stored["unet"]),
                "denoiser.controlnet.": (lambda: Denoiser(config, rgb_heads=family.rgb_heads).controlnet, stored["control"]),
                "text_encoder.": (lambda: TextEncoder(size.text[family.base]), stored["text"]),
            },
            {"family": args.family, "denoiserConfig": args.size},
        ),
    }
    if family.first_stage:
        swinir = Stored(open_tensors(args.swinir), same, (args.swinir,), COMPUTED)
        first = {"restorer.": (lambda: open_restorer(RESTORER_CONFIGS[args.size]), swinir)}
        parts["restorer"] = Part(first, {"restorerConfig": args.size})
    return parts


def checkpoint_of(args: argparse.Namespace) -> dict[str, Stored]:
    """The networks vae, text, unet and control of a family's checkpoint and its base."""
    if args.family != "diffbir":
        own = {name: weights_in(args.model / folder) for name, folder in (("unet", "unet"), ("control", "controlnet"))}
        return base_of(args) | {name: Stored(open_tensors(path), same, (path,)) for name, path in own.items()}
    tensors = open_tensors(args.model)
    naming = diffbir_naming(FAMILIES[args.family].configs[args.size].unet)
    if not any(name.startswith(LDM_PREFIXES["control"]) for name in tensors):
        return base_of(args) | {"control": Stored(tensors, naming, (args.model,))}
    whole = ldm_networks(args.model, tensors, args)
    check_condition_encoder(tensors)
    return whole | {"control": Stored(Renamed(tensors, prefix=LDM_PREFIXES["control"]), naming, (args.model,))}


def base_of(args: argparse.Namespace) -> dict[str, Stored]:
    """The networks vae, text and, where the folder has one, unet of a Stable Diffusion: diffusers' folder, or one file."""
    if not args.base.is_dir():
        return ldm_networks(args.base, open_tensors(args.base), args)
    vae, text = weights_in(args.base / "vae"), weights_in(args.base / "text_encoder")
    tensors = open_tensors(vae)
    old = any(name.endswith(".proj_attn.weight") for name in tensors)
    found = {
        "vae": Stored(tensors, old_vae_name if old else same, (vae,)),
        "text": Stored(open_tensors(text), clip_name, (text,), TEXT_UNUSED),
    }
    if args.family == "diffbir":
        unet = weights_in(args.base / "unet")
        found["unet"] = Stored(open_tensors(unet), same, (unet,))
    return found


def ldm_networks(file: Path, tensors: Tensors, args: argparse.Namespace) -> dict[str, Stored]:
    """The same of one file in the latent diffusion models' layout. Throws ConversionError for tensors outside all its known parts."""
    known = (*(f"^{re.escape(prefix)}" for prefix in LDM_PREFIXES.values()), *SCHEDULE)
    unknown = sorted(name for name in tensors if not any(re.search(pattern, name) for pattern in known))
    if unknown and not args.ignore_unknown:
        raise ConversionError(f"{file.name} does not fit: {listed('unknown', unknown)}")
    size, family = SIZES[args.size], FAMILIES[args.family]
    # OpenCLIP's last block is there and not used
    last = rf"^transformer\.resblocks\.{size.text[family.base].layers}\."
    namings = {
        "unet": (diffbir_naming(family.configs[args.size].unet), ()),
        "vae": (ldm_vae_naming(len(size.vae.block_out_channels)), ()),
        "text": (open_clip_name, (*TEXT_UNUSED, last)),
    }
    return {
        name: Stored(Renamed(tensors, prefix=LDM_PREFIXES[name]), naming, (file,), unused)
        for name, (naming, unused) in namings.items()
    }


def ram(args: argparse.Namespace) -> Stored:
    """RAM, with DAPE's adapters where they are given."""
    tensors: Tensors = Renamed(open_tensors(args.ram), renaming={"vision_multi": "tagging_head"})
    if args.dape is None:
        return Stored(tensors, ram_name, (args.ram,), RAM_UNUSED)
    return Stored(DapeMerged(tensors, open_tensors(args.dape)), ram_name, (args.ram, args.dape), RAM_UNUSED)


def check_condition_encoder(tensors: Tensors) -> None:
    """Throws ConversionError unless DiffBIR's encoder of the condition, where the file has one, is the autoencoder's, which stands in for it."""
    condition, vae = (Renamed(tensors, prefix=LDM_PREFIXES[name]) for name in ("condition encoder", "vae"))
    different = [name for name in condition if not torch.equal(condition[name], vae[name])]
    if different:
        raise ConversionError(f"The condition's encoder is not the autoencoder's: {listed('tensors differ', different)}")


def weights_in(folder: Path) -> Path:
    """The file of weights in a folder of diffusers. Throws ConversionError where there is none."""
    for name in WEIGHTS:
        if (folder / name).exists():
            return folder / name
    raise ConversionError(f"There are no weights in {folder}: {', '.join(WEIGHTS)}.")


def read_tags(folder: Path, *, count: int) -> tuple[list[str], list[float]]:
    """RAM's tags and the probability each must pass. Throws ConversionError where there are not `count` of both."""
    for name in (TAGS, THRESHOLDS):
        if not (folder / name).exists():
            raise ConversionError(f"There is no file {folder / name}.")
    tags = (folder / TAGS).read_text(encoding="utf-8").splitlines()
    thresholds = [float(line) for line in (folder / THRESHOLDS).read_text(encoding="utf-8").split()]
    if (len(tags), len(thresholds)) != (count, count):
        raise ConversionError(f"There are {len(tags)} tags and {len(thresholds)} thresholds in {folder}, but {count} outputs.")
    return tags, thresholds
