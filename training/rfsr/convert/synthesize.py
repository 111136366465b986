"""`rfsr synthesize`: checkpoints of random values in the published files' names, shapes, types and layout, to check the way from there.

Values are scaled so that activations stay sane, and nothing is zero that training makes something else. Left out of RAM's file are its tag encoder
and its text decoder, which nothing here reads.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from rfsr.convert import LDM_PREFIXES, TAGS, THRESHOLDS
from rfsr.convert.names import Naming, clip_name, diffbir_naming, ldm_vae_naming, old_vae_name, open_clip_name, ram_name, same
from rfsr.convert.tokenizer import END, START
from rfsr.families import FAMILIES
from rfsr.models.denoiser import Denoiser
from rfsr.models.published import SIZES
from rfsr.models.restorer import CONFIGS as RESTORER_CONFIGS
from rfsr.models.restorer import SwinIR, SwinIRConfig
from rfsr.models.tagger import DapeConfig, DapeTagger
from rfsr.models.text import MAX_TOKENS, TextConfig, TextEncoder
from rfsr.models.vae import StockAutoencoder
from rfsr.schedule import alphas_cumprod

LORA_RANK = 8
LETTERS = "etaoinshrdlcumwfgypbvkjxqz"
M = TypeVar("M", bound=nn.Module)


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr synthesize`."""
    parser.add_argument("--family", choices=FAMILIES, required=True)
    parser.add_argument("--width", choices=SIZES, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder that gets the files")


def main(args: argparse.Namespace) -> None:
    """Writes a family's files. `rfsr convert` takes them with the options that are printed."""
    written = WRITERS[args.family](args.out, args.width)
    print(" ".join(f"--{option} {path}" for option, path in written.items()))


def random_network(build: Callable[[], M], *, seed: int) -> M:
    """A network with its usual initial values, and small ones wherever those are zero or one throughout."""
    torch.manual_seed(seed)
    module = build().requires_grad_(False)
    for parameter in module.parameters():
        if parameter.dim() < 2:
            parameter += 0.05 * torch.randn(parameter.shape)
        elif not parameter.any():
            parameter += torch.randn(parameter.shape) * (0.25 / parameter[0].numel()) ** 0.5
    return module


def published(module: nn.Module, naming: Naming, *, prefix: str = "") -> dict[str, Tensor]:
    """The module's weights as the published files have them."""
    pieces: dict[str, list[Tensor]] = {}
    for name, value in module.state_dict().items():
        source = naming(name)
        rows = pieces.setdefault(source.name, [value] * source.of)
        rows[source.part] = value[..., None, None] if source.as_convolution else value
    return {prefix + name: torch.cat(rows) if len(rows) > 1 else rows[0] for name, rows in pieces.items()}


def save(tensors: dict[str, Tensor], path: Path, *, under: str | None = None) -> Path:
    """Writes one file, of the kind its ending says; `under`: the key that a pickle keeps its tensors under."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file({name: value.contiguous() for name, value in tensors.items()}, path)
    else:
        torch.save(tensors if under is None else {under: tensors, "global_step": 1}, path)
    return path


def write_seesr(out: Path, width: str) -> dict[str, Path]:
    """SeeSR's folder, Stable Diffusion 2 base, RAM and DAPE. Gives the options of `rfsr convert`."""
    denoiser = random_network(lambda: Denoiser(FAMILIES["seesr"].configs[width]), seed=0)
    save(published(denoiser.unet, same), out / "seesr/unet/diffusion_pytorch_model.safetensors")
    save(published(denoiser.controlnet, same), out / "seesr/controlnet/diffusion_pytorch_model.safetensors")
    write_base(out / "stable-diffusion-2-base", width, base="sd2", ending=".safetensors")
    options = {"model": out / "seesr", "base": out / "stable-diffusion-2-base", **write_ram(out, SIZES[width].tagger)}
    return options | {"dape": write_dape(out / "DAPE.pth", SIZES[width].tagger)}


def write_pasd(out: Path, width: str) -> dict[str, Path]:
    """PASD's folder, Stable Diffusion 1.5 as its older files are, and RAM. Gives the options of `rfsr convert`."""
    denoiser = random_network(lambda: Denoiser(FAMILIES["pasd"].configs[width], rgb_heads=True), seed=0)
    model = out / "pasd/checkpoint-100000"
    save(published(denoiser.unet, same), model / "unet/diffusion_pytorch_model.safetensors")
    save(published(denoiser.controlnet, same), model / "controlnet/diffusion_pytorch_model.safetensors")
    write_base(out / "stable-diffusion-v1-5", width, base="sd1", ending=".bin")
    return {"model": model, "base": out / "stable-diffusion-v1-5", **write_ram(out, SIZES[width].tagger)}


def write_diffbir(out: Path, width: str) -> dict[str, Path]:
    """DiffBIR's whole checkpoint, its ControlNet alone (v1_general.pth), its first stage, Stable Diffusion 2.1 base and RAM."""
    config, size = FAMILIES["diffbir"].configs[width], SIZES[width]
    denoiser = random_network(lambda: Denoiser(config), seed=0)
    naming = diffbir_naming(config.unet)
    base = out / "stable-diffusion-2-1-base"
    vae, text = write_base(base, width, base="sd2", ending=".safetensors")
    save(published(denoiser.unet, same), base / "unet/diffusion_pytorch_model.safetensors")
    control = published(denoiser.controlnet, naming)
    save(control, out / "v1_general.pth")
    restorer = random_network(lambda: SwinIR(swinir(width)), seed=4)
    first = published(restorer, same) | swinir_tables(restorer)
    encoder = {
        name: value.clone() for name, value in published(vae, ldm_vae_naming(len(size.vae.block_out_channels))).items()
        if name.startswith(("encoder.", "quant_conv."))
    }  # fmt: skip
    alphas = alphas_cumprod()
    parts = {
        "unet": published(denoiser.unet, naming),
        "vae": published(vae, ldm_vae_naming(len(size.vae.block_out_channels))),
        "text": open_clip(text, size.text["sd2"]),
        "control": control,
        "condition encoder": encoder,
        "first stage": published(random_network(lambda: SwinIR(swinir(width)), seed=5), same),
    }
    whole = {LDM_PREFIXES[part] + name: value for part, found in parts.items() for name, value in found.items()}
    schedule = {"betas": 1 - alphas / torch.cat([torch.ones(1), alphas[:-1]]), "alphas_cumprod": alphas}
    model = save(whole | schedule, out / "general_full_v1.ckpt", under="state_dict")
    swin = save({f"module.{name}": value for name, value in first.items()}, out / "general_swinir_v1.ckpt", under="state_dict")
    return {"model": model, "swinir": swin, "base": base, **write_ram(out, size.tagger)}


WRITERS: dict[str, Callable[[Path, str], dict[str, Path]]] = {
    "seesr": write_seesr,
    "diffbir": write_diffbir,
    "pasd": write_pasd,
}


def swinir(width: str) -> SwinIRConfig:
    """The published first stage's configuration of a width."""
    config = RESTORER_CONFIGS[width]
    assert isinstance(config, SwinIRConfig)
    return config


def swinir_tables(restorer: SwinIR) -> dict[str, Tensor]:
    """The tables that the published file has beside the weights."""
    return {
        f"{name}.relative_position_index": module.relative_position_index
        for name, module in restorer.named_modules()
        if hasattr(module, "relative_position_index")
    }


def open_clip(text: TextEncoder, config: TextConfig) -> dict[str, Tensor]:
    """OpenCLIP's text tower, with the last block that nobody uses."""
    found = published(text, open_clip_name)
    block = f"transformer.resblocks.{config.layers - 1}."
    last = {
        name.replace(block, f"transformer.resblocks.{config.layers}."): x for name, x in found.items() if name.startswith(block)
    }
    return found | last | {"text_projection": torch.randn(config.width, config.width), "logit_scale": torch.tensor(4.6)}


def write_base(folder: Path, width: str, *, base: str, ending: str) -> tuple[StockAutoencoder, TextEncoder]:
    """A Stable Diffusion's autoencoder, text encoder and tokenizer in diffusers' layout; .bin with the older names."""
    size = SIZES[width]
    vae = random_network(lambda: StockAutoencoder(size.vae), seed=1)
    text = random_network(lambda: TextEncoder(size.text[base]), seed=2)
    old = ending == ".bin"
    save(published(vae, old_vae_name if old else same), folder / f"vae/diffusion_pytorch_model{ending}")
    tables = {"text_model.embeddings.position_ids": torch.arange(MAX_TOKENS)[None]} if old else {}
    save(published(text, clip_name) | tables, folder / "text_encoder" / ("pytorch_model.bin" if old else "model.safetensors"))
    write_tokenizer(folder / "tokenizer", size.text[base].vocab_size, pad="!" if base == "sd2" else END)
    return vae, text


def write_tokenizer(folder: Path, count: int, *, pad: str) -> None:
    """CLIP's tokenizer files with a made-up table of `count` tokens: single bytes, pairs of letters and more, marks."""
    folder.mkdir(parents=True, exist_ok=True)
    single = byte_letters()
    tokens, merges = [*single, *(letter + "</w>" for letter in single)], []
    stems, room = list(LETTERS), count - len(tokens) - 2
    for stem in stems:  # grows while it is gone through: pairs, then triples
        for letter in LETTERS:
            merges += [(stem, letter), (stem, letter + "</w>")]
            stems.append(stem + letter)
        if len(merges) >= room:
            break
    merges = merges[:room]
    tokens += ["".join(pair) for pair in merges] + [START, END]
    files: dict[str, Any] = {
        "vocab.json": {token: index for index, token in enumerate(tokens)},
        "special_tokens_map.json": {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": pad},
        "tokenizer_config.json": {"model_max_length": MAX_TOKENS, "tokenizer_class": "CLIPTokenizer"},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def byte_letters() -> list[str]:
    """A printable letter for each byte, in the order of GPT-2's table, which CLIP has too: "!" is the first."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(256 - len(printable))]


def write_ram(out: Path, config: DapeConfig) -> dict[str, Path]:
    """RAM's checkpoint, tags and thresholds. Gives the options of `rfsr convert`."""
    tagger = random_network(lambda: DapeTagger(config), seed=3)
    tensors = {name.replace("tagging_head", "vision_multi"): value for name, value in published(tagger, ram_name).items()}
    cells = config.window**2
    tensors["visual_encoder.layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(cells, cells, dtype=torch.long)
    path = save(tensors, out / "ram_swin_large_14m.pth", under="model")
    tags = out / "ram/data"
    tags.mkdir(parents=True, exist_ok=True)
    (tags / TAGS).write_text("".join(f"tag {index}\n" for index in range(config.tags)))
    (tags / THRESHOLDS).write_text("".join(f"{0.5 + index % 5 / 20}\n" for index in range(config.tags)))
    return {"ram": path, "tags": tags}


def write_dape(path: Path, config: DapeConfig) -> Path:
    """DAPE's adapters: of query and value in the Swin transformer, of query and key in the head; the tag encoder's as its training leaves them."""
    generator = torch.Generator().manual_seed(6)

    def pair(name: str, down: tuple[int, int], up: tuple[int, int], *, trained: bool = True) -> dict[str, Tensor]:
        values = torch.randn(up, generator=generator) * 0.1 if trained else torch.zeros(up)
        return {f"{name}.lora_A": torch.randn(down, generator=generator) / down[1] ** 0.5, f"{name}.lora_B": values}

    found: dict[str, Tensor] = {}
    for stage, depth in enumerate(config.depths):
        channels = config.swin_dim * 2**stage
        for block in range(depth):
            name = f"visual_encoder.layers.{stage}.blocks.{block}.attn.qkv"
            found |= pair(name, (2 * LORA_RANK, channels), (2 * channels, LORA_RANK))
    width = config.query_dim
    for layer in range(config.query_layers):
        for network in ("tagging_head", "tag_encoder"):
            for which, inputs in (("query", width), ("key", config.embed_dim)):
                name = f"{network}.encoder.layer.{layer}.crossattention.self.{which}"
                found |= pair(name, (LORA_RANK, inputs), (width, LORA_RANK), trained=network == "tagging_head")
    return save(found, path)
