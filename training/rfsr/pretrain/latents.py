"""What denoiser stages read: crops as scaled latents, with the tagger's embeddings and prompts, computed once and kept on disk."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from tqdm import tqdm

from rfsr.checkpoint import load_restorer, one_of
from rfsr.data import PackedCrops
from rfsr.families import Family
from rfsr.models.restorer import Restorer
from rfsr.models.tagger import DapeConfig, Tagger, TaggerConfig, normalise_image, open_tagger
from rfsr.models.text import MAX_TOKENS
from rfsr.models.vae import LeanAutoencoder, LeanConfig, StockAutoencoder, StockConfig, open_autoencoder
from rfsr.models.vocabulary import token_ids
from rfsr.pretrain.tagger import to01

BATCH = 32
PIECE = 1 << 24


@dataclass(frozen=True)
class FrozenParts:
    """The networks a denoiser is trained with, as their stages left them."""

    vae: LeanAutoencoder | StockAutoencoder
    latent_scale: float
    latent_shift: float
    tagger: Tagger
    tags: list[str]
    thresholds: list[float]
    tokenizer: Tokenizer
    facts: dict[str, dict]
    key: str
    """Names the weights: a digest of their files."""
    restorer: Restorer | None = None
    """The first stage."""
    pad_id: int = 0
    """What prompts are padded with."""

    @staticmethod
    def load(vae_run: Path, tagger_run: Path, restorer_run: Path | None = None) -> "FrozenParts":
        """From the run folders of the stages `vae`, `tagger` and, where there is a first stage, `restorer`."""
        vae_facts, tagger_facts = (json.loads((run / "facts.json").read_text()) for run in (vae_run, tagger_run))
        vae = open_autoencoder(one_of((LeanConfig, StockConfig), vae_facts["vaeConfig"]))
        vae.load_state_dict(load_file(vae_run / "model.safetensors"))
        tagger = open_tagger(one_of((TaggerConfig, DapeConfig), tagger_facts["taggerConfig"]))
        tagger.load_state_dict(load_file(tagger_run / "model.safetensors"))
        digest = hashlib.sha256()
        for run in (vae_run, tagger_run, *([restorer_run] if restorer_run else [])):
            with (run / "model.safetensors").open("rb") as weights:
                while piece := weights.read(PIECE):
                    digest.update(piece)
        facts = {"vae": vae_facts, "tagger": tagger_facts}
        restorer = None
        if restorer_run:
            facts["restorer"] = json.loads((restorer_run / "facts.json").read_text())
            restorer = load_restorer(restorer_run).requires_grad_(False).eval()
        return FrozenParts(
            vae=vae.requires_grad_(False).eval(),
            latent_scale=vae_facts["latentScale"],
            latent_shift=vae_facts["latentShift"],
            tagger=tagger.requires_grad_(False).eval(),
            tags=tagger_facts["tags"],
            thresholds=tagger_facts["thresholds"],
            tokenizer=Tokenizer.from_file(str(tagger_run / "tokenizer.json")),
            facts=facts,
            key=digest.hexdigest()[:12],
            restorer=restorer,
            pad_id=tagger_facts.get("padId", 0),
        )

    def to(self, device: torch.device) -> "FrozenParts":
        """Itself, its networks moved to where they are to compute."""
        for network in (self.vae, self.tagger, self.restorer):
            if network is not None:
                network.to(device)
        return self

    def first_stage(self, enlarged: Tensor) -> Tensor:
        """The picture whose latent is the denoiser's centre, of enlarged inputs [B, 3, 8h, 8w] in 0…1: the first stage's, or themselves."""
        if self.restorer is None:
            return enlarged
        return self.restorer(enlarged.contiguous(memory_format=torch.channels_last)).float().clamp(0, 1)

    def scaled_mean(self, rgb01: Tensor) -> Tensor:
        """Scaled posterior mean [B, C, h, w] of pictures [B, 3, 8h, 8w] in 0…1."""
        return (self.vae.encode_moments(rgb01 * 2 - 1)[0].float() - self.latent_shift) * self.latent_scale

    def decode01(self, latent: Tensor) -> Tensor:
        """Pictures [B, 3, 8h, 8w], nominally 0…1, of scaled latents [B, C, h, w]."""
        return self.vae.decode_latent(latent / self.latent_scale + self.latent_shift).float() / 2 + 0.5


@dataclass(frozen=True)
class LatentCrops:
    """Memory-mapped arrays of the first N crops: hr [N, C, h, w], centre [N, K, C, h, w], embeds [N, K, T, D] float16; tokens [N, K, 77] int32;
    first uint8 [N, K, S, S, 3].

    `first`: what the first stage makes of the degraded crops, or they themselves; `centre`: its latents.
    """

    hr: np.ndarray
    centre: np.ndarray
    first: np.ndarray
    embeds: np.ndarray
    tokens: np.ndarray
    residual_std: Tensor
    """Per-channel deviation of hr - centre, [C]."""


def prompt_text(family: Family, tags: list[str]) -> str:
    """The family's prompt with its own quality words."""
    return family.prompt(tags, "", family.positive)


def build_latents(
    crops: PackedCrops, parts: FrozenParts, cache: Path, family: Family, *, limit: int | None = None
) -> LatentCrops:
    """Encodes every crop, or the first `limit`, once, into cache/<key of the weights>; later calls open what is there. Prompts are the family's."""
    count = min(limit or len(crops.hr), len(crops.hr))
    folder = cache / f"latents-{parts.key}-{count}"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        encode_all(crops, parts, folder, count)
        (folder / "done").touch()
    names = ("hr", "centre", "first", "embeds", "said")
    hr, centre, first, embeds, said = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in names)
    sample = np.linspace(0, len(hr) - 1, min(1000, len(hr))).astype(int)
    difference = torch.from_numpy(hr[sample].astype(np.float32) - centre[sample, 0].astype(np.float32))
    tokens = np.empty((*said.shape[:2], MAX_TOKENS), np.int32)
    for at in np.ndindex(tokens.shape[:2]):
        tags = [parts.tags[index] for index in np.flatnonzero(said[at])]
        tokens[at] = token_ids(parts.tokenizer, prompt_text(family, tags), pad_id=parts.pad_id)
    spread = difference.std(dim=(0, 2, 3))
    return LatentCrops(hr=hr, centre=centre, first=first, embeds=embeds, tokens=tokens, residual_std=spread)


@torch.no_grad()
def encode_all(crops: PackedCrops, parts: FrozenParts, folder: Path, count: int) -> None:
    """Writes hr.npy, centre.npy, first.npy, embeds.npy and said.npy (which tags the tagger gives, [N, K, tags])."""
    kinds, side = crops.degraded.shape[1], crops.hr.shape[1]
    channels, cells = parts.vae.widths.latent_channels, side // 8
    tokens_per_image, width = parts.tagger.config.tokens, parts.tagger.config.embed_dim
    shapes = {
        "hr": ((count, channels, cells, cells), np.float16),
        "centre": ((count, kinds, channels, cells, cells), np.float16),
        "first": ((count, kinds, side, side, 3), np.uint8),
        "embeds": ((count, kinds, tokens_per_image, width), np.float16),
        "said": ((count, kinds, len(parts.tags)), np.bool_),
    }
    out = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)
        for name, (shape, dtype) in shapes.items()
    }
    thresholds = torch.tensor(parts.thresholds)
    device = next(parts.vae.parameters()).device
    for start in tqdm(range(0, count, BATCH), desc="latents", mininterval=10):
        part = slice(start, min(start + BATCH, count))
        out["hr"][part] = parts.scaled_mean(to01(crops.hr[part]).to(device)).cpu().numpy()
        for kind in range(kinds):
            degraded = to01(crops.degraded[part, kind]).to(device)
            first = parts.first_stage(degraded)
            out["first"][part, kind] = (first * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
            out["centre"][part, kind] = parts.scaled_mean(first).cpu().numpy()
            embeds, logits = parts.tagger(normalise_image(degraded, side=parts.tagger.config.side))
            out["embeds"][part, kind] = embeds.float().cpu().numpy()
            out["said"][part, kind] = (logits.float().sigmoid().cpu() > thresholds).numpy()
    for array in out.values():
        array.flush()


def fixed_prompts(parts: FrozenParts, family: Family) -> dict[str, Tensor]:
    """Token ids [77] of the prompts that replace a sample's own: no words, no tags, and the family's negative words."""
    texts = {"empty": "", "untagged": prompt_text(family, []), "negative": family.negative}
    return {name: torch.tensor(token_ids(parts.tokenizer, text, pad_id=parts.pad_id)) for name, text in texts.items()}
