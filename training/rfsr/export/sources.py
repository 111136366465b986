"""Where the exporter's models come from: finished training runs, or fixed random weights for tests."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from rfsr.checkpoint import load_runs
from rfsr.families import FAMILIES, text_config
from rfsr.models.denoiser import Denoiser
from rfsr.models.restorer import CONFIGS as RESTORER_CONFIGS
from rfsr.models.restorer import open_restorer
from rfsr.models.tagger import MiniTagger, TaggerConfig
from rfsr.models.text import TextConfig, TextEncoder
from rfsr.models.vae import LeanAutoencoder, LeanConfig
from rfsr.models.vocabulary import build_tokenizer
from rfsr.pipelines.parts import BundleModels

NANO_TAGS = [
    "bird", "boat", "building", "car", "cat", "dog", "flower", "food", "horse",
    "mountain", "person", "sea", "sign", "table", "tree", "water", "window",
]  # fmt: skip

NANO_EMBED_DIM = 16


def models_from_runs(
    vae: Path, tagger: Path, denoiser: Path, restorer: Path | None, *, config: dict[str, Any]
) -> tuple[BundleModels, dict[str, Any]]:
    """Models of finished stages, and the training facts for the manifest.

    `config`: the export's, of which family, tagged and image are read. Throws ValueError for a denoiser of another family.
    """
    runs = {"vae": vae, "tagger": tagger, "denoiser": denoiser} | ({"restorer": restorer} if restorer else {})
    models, facts = load_runs(runs, tagged=config["bundle"]["tagged"], image=config["image"])
    family = config["bundle"]["family"]
    if models.family != family:
        raise ValueError(f"expected a denoiser of the family {family}, got {models.family}")
    return models, {"stages": [stage_facts(found) for found in flatten(facts)], "configs": module_configs(models)}


def flatten(facts: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Facts of every stage that led here, oldest first: a denoiser run names the run it started from."""
    stages = [facts[name] for name in ("vae", "tagger", "restorer") if name in facts]
    chain = [facts["denoiser"]]
    while "startedFrom" in chain[0]:
        chain.insert(0, chain[0]["startedFrom"])
    return stages + chain


def stage_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """What a reader of a manifest wants to know of a stage."""
    kept = (
        "stage",
        "command",
        "commit",
        "steps",
        "batchSize",
        "minutes",
        "device",
        "loss",
        "mixture",
        "trajectory",
        "family",
        "rfsr",
        "transplanted",
        "converted",
        "f1",
    )
    return {key: facts[key] for key in kept if key in facts}


def module_configs(models: BundleModels) -> dict[str, Any]:
    """Enough to rebuild the modules: what `rfsr.checkpoint.load_bundle` reads."""
    text = models.text_encoder.config
    usual = asdict(TextConfig(text.vocab_size))
    return {
        "vae": asdict(models.vae.widths),
        "tagger": asdict(models.tagger.config),
        "text": {key: value for key, value in asdict(text).items() if key in ("vocab_size", "width") or value != usual[key]},
        "denoiser": asdict(models.denoiser.config),
        **({} if models.restorer is None else {"restorer": asdict(models.restorer.config)}),
    }


def nano_models(config: dict[str, Any], *, moved: float = 0.0) -> tuple[BundleModels, dict[str, Any]]:
    """Random, well-scaled networks of a few thousand parameters. Zero convolutions are not zero, so that ControlNet counts.

    `config`: the export's, of which family, tagged, image and the first stage's size are read. What families share is the same for all.
    `moved`: deviation of what is added to the denoiser's weights afterwards, as fine-tuning would move it and nothing else.
    """
    family = config["bundle"]["family"]
    denoiser_config = FAMILIES[family].configs["nano"]
    unet = denoiser_config.unet
    tokenizer = build_tokenizer(NANO_TAGS)
    text = text_config(family, "nano", tokenizer.get_vocab_size())
    restorer_config = config.get("random", {}).get("restorer")
    tagger = TaggerConfig(side=64, channels=(8, 12, 16), embed_dim=NANO_EMBED_DIM, tags=len(NANO_TAGS))
    models = BundleModels(
        family=family,
        tagged=config["bundle"]["tagged"],
        vae=scattered(lambda: nano_autoencoder(unet.out_channels), seed=0),
        tagger=scattered(lambda: MiniTagger(tagger), seed=1),
        text_encoder=scattered(lambda: TextEncoder(text), seed=2),
        denoiser=scattered(lambda: Denoiser(denoiser_config), seed=3),
        restorer=scattered(lambda: open_restorer(RESTORER_CONFIGS[restorer_config]), seed=4) if restorer_config else None,
        tokenizer=tokenizer,
        tags=NANO_TAGS,
        thresholds=[0.5] * len(NANO_TAGS),
        latent_scale=0.7,
        latent_shift=0.05,
        image=config["image"],
    )
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        models.denoiser.residual_std.fill_(0.5)
        for parameter in models.denoiser.parameters() if moved else ():
            parameter += moved * torch.randn(parameter.shape, generator=generator)
    facts = {"stages": [], "note": "random weights, for tests", "configs": module_configs(models)}
    return models, facts


M = TypeVar("M", bound=nn.Module)


def scattered(build: Callable[[], M], *, seed: int) -> M:
    """A module whose weights follow from the seed alone, none of them zero."""
    torch.manual_seed(seed)
    module = build()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    return module


def nano_autoencoder(channels: int) -> LeanAutoencoder:
    """A small autoencoder fitted to waves."""
    vae = LeanAutoencoder(LeanConfig(latent_channels=channels, encoder_channels=(8, 16), decoder_channels=(16, 8, 8)))
    axis = torch.linspace(0, 6, 64)
    waves = [torch.sin(axis[:, None] * (i + 1)) * torch.cos(axis[None] * (3 - i / 2)) for i in range(12)]
    vae.fit_pca(torch.stack(waves).reshape(4, 3, 64, 64) * 0.7 + 0.1 * torch.randn(4, 3, 64, 64))
    return vae
