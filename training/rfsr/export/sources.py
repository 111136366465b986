"""Where the exporter's models come from: finished training runs, or fixed random weights for tests."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from rfsr.checkpoint import config_from
from rfsr.models.seesr import CONFIGS, SeeSRDenoiser
from rfsr.models.tagger import MiniTagger, TaggerConfig
from rfsr.models.text import TextEncoder, mini_text_config
from rfsr.models.vae import LeanAutoencoder, LeanConfig
from rfsr.models.vocabulary import build_tokenizer
from rfsr.pipeline import SeeSRModels

NANO_TAGS = [
    "bird", "boat", "building", "car", "cat", "dog", "flower", "food", "horse",
    "mountain", "person", "sea", "sign", "table", "tree", "water", "window",
]  # fmt: skip


def models_from_runs(vae: Path, tagger: Path, denoiser: Path, *, image: dict[str, Any]) -> tuple[SeeSRModels, dict[str, Any]]:
    """Models of finished stages, and the training facts for the manifest. A trajectory run brings its own decoder."""
    facts = {name: json.loads((run / "facts.json").read_text()) for name, run in
             {"vae": vae, "tagger": tagger, "denoiser": denoiser}.items()}  # fmt: skip
    tokenizer = Tokenizer.from_file(str(tagger / "tokenizer.json"))
    state = load_file(denoiser / "model.safetensors")
    networks = SeeSRModels(
        vae=LeanAutoencoder(config_from(LeanConfig, facts["vae"]["vaeConfig"])),
        tagger=MiniTagger(config_from(TaggerConfig, facts["tagger"]["taggerConfig"])),
        text_encoder=TextEncoder(
            mini_text_config(tokenizer.get_vocab_size(), width=CONFIGS[facts["denoiser"]["denoiserConfig"]].unet.text_dim)
        ),
        denoiser=SeeSRDenoiser(CONFIGS[facts["denoiser"]["denoiserConfig"]]),
        tokenizer=tokenizer,
        tags=facts["tagger"]["tags"],
        thresholds=facts["tagger"]["thresholds"],
        latent_scale=facts["vae"]["latentScale"],
        latent_shift=facts["vae"]["latentShift"],
        image=image,
    )

    def part(prefix: str) -> dict[str, torch.Tensor]:
        return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}

    networks.denoiser.load_state_dict(part("denoiser."))
    networks.text_encoder.load_state_dict(part("text_encoder."))
    networks.vae.load_state_dict(part("vae.") or load_file(vae / "model.safetensors"))
    networks.tagger.load_state_dict(load_file(tagger / "model.safetensors"))
    return networks, {"stages": [stage_facts(found) for found in flatten(facts)], "configs": module_configs(networks)}


def flatten(facts: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Facts of every stage that led here, oldest first: a denoiser run names the run it started from."""
    stages = [facts["vae"], facts["tagger"]]
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
        "rfsr",
        "f1",
    )
    return {key: facts[key] for key in kept if key in facts}


def module_configs(models: SeeSRModels) -> dict[str, Any]:
    """Enough to rebuild the modules: what `rfsr.checkpoint.load_bundle` reads."""
    text = models.text_encoder.clip.config
    return {
        "vae": asdict(models.vae.config),
        "tagger": asdict(models.tagger.config),
        "text": {"vocab_size": text.vocab_size, "width": text.hidden_size},
        "denoiser": asdict(models.denoiser.config),
    }


def nano_models(*, image: dict[str, Any], moved: float = 0.0) -> tuple[SeeSRModels, dict[str, Any]]:
    """Random, well-scaled networks of a few thousand parameters. Zero convolutions are not zero, so that ControlNet counts.

    `moved`: deviation of what is added to the denoiser's weights afterwards, as fine-tuning would move it and nothing else.
    """
    torch.manual_seed(0)
    unet = CONFIGS["nano"].unet
    tokenizer = build_tokenizer(NANO_TAGS)
    vae = LeanAutoencoder(LeanConfig(latent_channels=unet.out_channels, encoder_channels=(8, 16), decoder_channels=(16, 8, 8)))
    axis = torch.linspace(0, 6, 64)
    waves = [torch.sin(axis[:, None] * (i + 1)) * torch.cos(axis[None] * (3 - i / 2)) for i in range(12)]
    vae.fit_pca(torch.stack(waves).reshape(4, 3, 64, 64) * 0.7 + 0.1 * torch.randn(4, 3, 64, 64))
    models = SeeSRModels(
        vae=vae,
        tagger=MiniTagger(TaggerConfig(side=64, channels=(8, 12, 16), embed_dim=unet.image_dim, tags=len(NANO_TAGS))),
        text_encoder=TextEncoder(mini_text_config(tokenizer.get_vocab_size(), width=unet.text_dim)),
        denoiser=SeeSRDenoiser(CONFIGS["nano"]),
        tokenizer=tokenizer,
        tags=NANO_TAGS,
        thresholds=[0.5] * len(NANO_TAGS),
        latent_scale=0.7,
        latent_shift=0.05,
        image=image,
    )
    with torch.no_grad():
        for module in models.modules():
            for parameter in module.parameters():
                parameter += 0.02 * torch.randn_like(parameter)
        models.denoiser.residual_std.fill_(0.5)
        for parameter in models.denoiser.parameters() if moved else ():
            parameter += moved * torch.randn_like(parameter)
    facts = {"stages": [], "note": "random weights, for tests", "configs": module_configs(models)}
    return models, facts
