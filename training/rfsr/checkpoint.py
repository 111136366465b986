"""From an exported bundle back to trainable modules: a shipped bundle is a checkpoint anyone can continue from."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from tokenizers import Tokenizer
from torch import Tensor, nn

from rfsr.models.blocks import UNetConfig
from rfsr.models.seesr import SeeSRConfig, SeeSRDenoiser
from rfsr.models.tagger import MiniTagger, TaggerConfig
from rfsr.models.text import TextEncoder, mini_text_config
from rfsr.models.vae import LeanAutoencoder, LeanConfig
from rfsr.pipeline import SeeSRModels

T = TypeVar("T")


def state_dict_from_graph(path: Path) -> dict[str, Tensor]:
    """Every initialiser of an ONNX file by name, float ones as float32: the exporter keeps parameter names."""
    graph = onnx.load(path).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    return {
        name: torch.from_numpy(np.array(array, dtype=np.float32 if array.dtype.kind == "f" else array.dtype))
        for name, array in arrays.items()
    }


def config_from(kind: type[T], table: dict[str, Any]) -> T:
    """A frozen dataclass from JSON: lists become tuples, nested dataclasses are built in turn."""
    values = {}
    for item in fields(kind):  # type: ignore[arg-type]  # every caller passes a dataclass
        if item.name in table:
            value = table[item.name]
            values[item.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def denoiser_config_from(table: dict[str, Any]) -> SeeSRConfig:
    """A SeeSRConfig from JSON."""
    return SeeSRConfig(unet=config_from(UNetConfig, table["unet"]), residual_to_condition=table["residual_to_condition"])


def load_weights(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """Copies every parameter and persistent buffer of `module` from `weights`. Throws KeyError naming one that is missing."""
    state = {}
    for name, value in module.state_dict().items():
        if name not in weights:
            raise KeyError(f"expected the weight {name} in the bundle")
        state[name] = weights[name].reshape(value.shape).to(value.dtype)
    module.load_state_dict(state)


def load_bundle(folder: Path) -> SeeSRModels:
    """A bundle's modules and numbers from its manifest and graphs alone, in evaluation mode."""
    manifest = json.loads((folder / "manifest.json").read_text())
    configs = manifest["training"]["configs"]

    def weights(*roles: str) -> dict[str, Tensor]:
        files = [folder / graph["files"][0]["path"] for role in roles for graph in manifest["graphs"][role]]
        return {name: value for file in files for name, value in state_dict_from_graph(file).items()}

    vae = LeanAutoencoder(config_from(LeanConfig, configs["vae"]))
    tagger = MiniTagger(config_from(TaggerConfig, configs["tagger"]))
    text = TextEncoder(mini_text_config(configs["text"]["vocab_size"], width=configs["text"]["width"]))
    denoiser = SeeSRDenoiser(denoiser_config_from(configs["denoiser"]))
    load_weights(vae, weights("vaeEncoder", "vaeDecoder"))
    load_weights(tagger, weights("tagger"))
    load_weights(text, weights("textEncoder"))
    load_weights(denoiser, weights("denoiser"))
    for module in (vae, tagger, text, denoiser):
        module.eval().requires_grad_(False)
    return SeeSRModels(
        vae=vae,
        tagger=tagger,
        text_encoder=text,
        denoiser=denoiser,
        tokenizer=Tokenizer.from_file(str(folder / manifest["tokenizer"]["path"])),
        tags=manifest["tags"]["labels"],
        thresholds=manifest["tags"]["thresholds"],
        latent_scale=manifest["latent"]["scale"],
        latent_shift=manifest["latent"]["shift"],
        image=manifest["image"],
    )
