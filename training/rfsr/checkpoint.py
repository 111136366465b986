"""From an exported bundle, or from runs as the stages leave them, to modules: a shipped bundle is a checkpoint anyone can continue from."""

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from rfsr.families import FAMILIES, text_config
from rfsr.models.denoiser import Denoiser, DenoiserConfig
from rfsr.models.restorer import CONFIGS as RESTORER_CONFIGS
from rfsr.models.restorer import Restorer, SwinIRConfig, open_restorer
from rfsr.models.rrdb import RRDBConfig
from rfsr.models.tagger import DapeConfig, TaggerConfig, open_tagger
from rfsr.models.text import TextConfig, TextEncoder
from rfsr.models.vae import LeanConfig, StockConfig, open_autoencoder
from rfsr.pipelines.parts import BundleModels

T = TypeVar("T")
NETWORK_ROLES = {
    "vae": ("vaeEncoder", "vaeDecoder"),
    "tagger": ("tagger",),
    "text_encoder": ("textEncoder",),
    "denoiser": ("conditionEncoder", "denoiser"),
    "restorer": ("restorer",),
}
"""The graphs that hold a network's weights, by the network's name in `BundleModels` and in training stages."""


def state_dict_from_graph(path: Path) -> dict[str, Tensor]:
    """Every initialiser of an ONNX file by name, float ones as float32: the exporter keeps parameter names."""
    graph = onnx.load(path).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    return {
        name: torch.from_numpy(np.array(array, dtype=np.float32 if array.dtype.kind == "f" else array.dtype))
        for name, array in arrays.items()
    }


def config_from(kind: type[T], table: dict[str, Any]) -> T:
    """A frozen dataclass from JSON or TOML: lists become tuples, nested dataclasses are built in turn.

    Throws ValueError for a key that is not a field.
    """
    if unknown := table.keys() - {item.name for item in fields(kind)}:  # type: ignore[arg-type]
        raise ValueError(f"expected keys of {kind.__name__}, got {sorted(unknown)}")
    values = {}
    for item in fields(kind):  # type: ignore[arg-type]  # every caller passes a dataclass
        if item.name in table:
            value = table[item.name]
            if isinstance(value, dict) and is_dataclass(item.type):
                value = config_from(item.type, value)
            values[item.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def one_of(kinds: tuple[type[T], ...], table: dict[str, Any]) -> T:
    """The first of some dataclasses that has every key of a table, made from it. Throws ValueError where none has."""
    for kind in kinds:
        if table.keys() <= {item.name for item in fields(kind)}:  # type: ignore[arg-type]
            return config_from(kind, table)
    raise ValueError(f"expected keys of {' or '.join(kind.__name__ for kind in kinds)}, got {sorted(table)}")


def load_weights(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """Copies every parameter and persistent buffer of `module` from `weights`. Throws KeyError naming one that is missing."""
    state = {}
    for name, value in module.state_dict().items():
        if name not in weights:
            raise KeyError(f"expected the weight {name} in the bundle")
        state[name] = weights[name].reshape(value.shape).to(value.dtype)
    module.load_state_dict(state)


def read_manifest(bundle: Path) -> dict[str, Any]:
    """manifest.json of a bundle's folder."""
    return json.loads((bundle / "manifest.json").read_text())


def is_bundle(folder: Path) -> bool:
    """Whether a folder holds an exported bundle; else it holds runs, each in a folder of its part's name."""
    return (folder / "manifest.json").exists()


def run_weights(run: Path, network: str) -> dict[str, Tensor]:
    """The state dict of one network (a key of NETWORK_ROLES) of a run; a run of several names each before its weights."""
    with safe_open(run / "model.safetensors", framework="pt") as file:
        names, prefix = list(file.keys()), f"{network}."
        if any(name.startswith(prefix) for name in names):
            return {name.removeprefix(prefix): file.get_tensor(name) for name in names if name.startswith(prefix)}
        return {name: file.get_tensor(name) for name in names}


def network_weights(bundle: Path, network: str) -> dict[str, Tensor]:
    """The state dict of one network (a key of NETWORK_ROLES) of a folder of runs, or of a bundle, as its graphs hold it, constants included."""
    if not is_bundle(bundle):
        return run_weights(bundle / ("denoiser" if network == "text_encoder" else network), network)
    graphs = read_manifest(bundle)["graphs"]
    chains = [graphs[role] for role in NETWORK_ROLES[network] if role in graphs]
    files = [bundle / file["path"] for chain in chains for graph in chain for file in graph["files"]]
    return {name: value for file in files for name, value in state_dict_from_graph(file).items()}


def load_bundle(folder: Path) -> BundleModels:
    """A bundle's modules and numbers from its manifest and graphs alone, in evaluation mode."""
    manifest = read_manifest(folder)
    configs = manifest["training"]["configs"]
    vae = open_autoencoder(one_of((LeanConfig, StockConfig), configs["vae"]))
    tagger = open_tagger(one_of((TaggerConfig, DapeConfig), configs["tagger"]))
    text = TextEncoder(config_from(TextConfig, configs["text"]))
    denoiser = Denoiser(config_from(DenoiserConfig, configs["denoiser"]))
    restorer = restorer_from(configs["restorer"]) if "restorer" in configs else None
    networks = {"vae": vae, "tagger": tagger, "text_encoder": text, "denoiser": denoiser, "restorer": restorer}
    for name, module in networks.items():
        if module is None:
            continue
        load_weights(module, network_weights(folder, name))
        module.eval().requires_grad_(False)
    return BundleModels(
        family=manifest["family"],
        tagged=manifest["tagged"],
        vae=vae,
        tagger=tagger,
        text_encoder=text,
        denoiser=denoiser,
        restorer=restorer,
        tokenizer=Tokenizer.from_file(str(folder / manifest["tokenizer"]["path"])),
        tags=manifest["tags"]["labels"],
        thresholds=manifest["tags"]["thresholds"],
        latent_scale=manifest["latent"]["scale"],
        latent_shift=manifest["latent"]["shift"],
        image=manifest["image"],
        pad_id=manifest["tokenizer"]["padId"],
    )


def load_runs(runs: dict[str, Path], *, tagged: bool, image: dict[str, Any]) -> tuple[BundleModels, dict[str, dict[str, Any]]]:
    """The same of the runs of the parts vae, tagger, denoiser and perhaps restorer, and the facts of each."""
    facts = {name: json.loads((run / "facts.json").read_text()) for name, run in runs.items()}
    family, size = facts["denoiser"]["family"], facts["denoiser"]["denoiserConfig"]
    tokenizer = Tokenizer.from_file(str(runs["tagger"] / "tokenizer.json"))
    models = BundleModels(
        family=family,
        tagged=tagged,
        vae=open_autoencoder(one_of((LeanConfig, StockConfig), facts["vae"]["vaeConfig"])),
        tagger=open_tagger(one_of((TaggerConfig, DapeConfig), facts["tagger"]["taggerConfig"])),
        text_encoder=TextEncoder(text_config(family, size, tokenizer.get_vocab_size())),
        denoiser=Denoiser(FAMILIES[family].configs[size]),
        restorer=load_restorer(runs["restorer"]) if "restorer" in runs else None,
        tokenizer=tokenizer,
        tags=facts["tagger"]["tags"],
        thresholds=facts["tagger"]["thresholds"],
        latent_scale=facts["vae"]["latentScale"],
        latent_shift=facts["vae"]["latentShift"],
        image=image,
        pad_id=facts["tagger"].get("padId", 0),
    )
    for name, run in (("vae", "vae"), ("tagger", "tagger"), ("text_encoder", "denoiser"), ("denoiser", "denoiser")):
        load_weights(getattr(models, name), run_weights(runs[run], name))
    for module in models.modules():
        module.eval().requires_grad_(False)
    return models, facts


def runs_in(folder: Path) -> dict[str, Path]:
    """The runs of a folder that `rfsr convert` or `write_runs` filled, by part. Throws FileNotFoundError for a part that is missing."""
    for name in ("vae", "tagger", "denoiser"):
        if not (folder / name / "facts.json").exists():
            raise FileNotFoundError(f"expected the run {folder / name} with its facts.json")
    return {
        path.name: path for path in sorted(folder.iterdir()) if path.name in NETWORK_ROLES and (path / "facts.json").exists()
    }


def restorer_from(table: dict[str, Any]) -> Restorer:
    """A fresh first stage of the configuration that a manifest has."""
    return open_restorer(one_of((SwinIRConfig, RRDBConfig), table))


def load_restorer(run: Path) -> Restorer:
    """The first stage as a run of the stage `restorer` left it; a discriminator that lies beside it is for training alone."""
    restorer = open_restorer(RESTORER_CONFIGS[json.loads((run / "facts.json").read_text())["restorerConfig"]])
    restorer.load_state_dict(run_weights(run, "restorer"))
    return restorer


def initialise_stage(stage: nn.Module, bundle: Path, *, keep: tuple[str, ...] = ()) -> None:
    """Copies the weights of a bundle, or of runs, into every network a training stage holds under its usual name, but for those to keep.

    Throws KeyError or RuntimeError when the bundle's networks are of another size.
    """
    for name in NETWORK_ROLES:
        module = getattr(stage, name, None)
        if module is not None and name not in keep:
            load_weights(module, network_weights(bundle, name))


def load_prior(module: nn.Module, weights: dict[str, Tensor], *, new: tuple[str, ...]) -> None:
    """Copies into `module` what it has in common with another network's `weights`; the rest keeps its start.

    Throws KeyError for a missing weight whose name holds none of `new`.
    """
    own = module.state_dict()
    missing = [name for name in own if name not in weights]
    if unexpected := [name for name in missing if not any(part in name.split(".") for part in new)]:
        raise KeyError(f"expected the weight {unexpected[0]} in the prior")
    kept = {name: weights[name].reshape(value.shape) for name, value in own.items() if name in weights}
    module.load_state_dict({**own, **kept})


def name_of(config: Any, configs: dict[str, Any]) -> str:
    """Under which name a configuration stands in its table. Throws StopIteration where it does not."""
    return next(name for name, known in configs.items() if known == config)


def write_runs(bundle: Path, folder: Path) -> None:
    """Unpacks a bundle into folder/{vae,tagger,denoiser} and, where it has one, folder/restorer.

    These are runs as the stages leave them, for later stages and the exporter.
    """
    models, manifest = load_bundle(bundle), read_manifest(bundle)
    named: dict[str, dict[str, Any]] = {}
    for stage in manifest["training"]["stages"]:
        kind = stage["stage"] if stage["stage"] in ("vae", "tagger", "restorer") else "denoiser"
        # a trajectory stage stands on a denoiser stage: each names the one before
        named[kind] = {**stage, "startedFrom": named[kind]} if kind in named else stage
    size = name_of(models.denoiser.config, FAMILIES[models.family].configs)
    configs = manifest["training"]["configs"]
    parts = {"denoiser": models.denoiser, "text_encoder": models.text_encoder}
    joint = {f"{part}.{key}": value for part, module in parts.items() for key, value in module.state_dict().items()}
    runs = {
        "vae": (
            models.vae.state_dict(),
            {"vaeConfig": configs["vae"], "latentScale": models.latent_scale, "latentShift": models.latent_shift},
        ),
        "tagger": (
            models.tagger.state_dict(),
            {
                "taggerConfig": configs["tagger"],
                "tags": models.tags,
                "thresholds": models.thresholds,
                "padId": models.pad_id,
            },
        ),
        "denoiser": (joint, {"family": models.family, "denoiserConfig": size}),
    }
    if models.restorer is not None:
        weights = {f"restorer.{key}": value for key, value in models.restorer.state_dict().items()}
        runs["restorer"] = (weights, {"restorerConfig": name_of(models.restorer.config, RESTORER_CONFIGS)})
    for name, (weights, facts) in runs.items():
        run = folder / name
        run.mkdir(parents=True, exist_ok=True)
        save_file({key: value.contiguous() for key, value in weights.items()}, run / "model.safetensors")
        (run / "facts.json").write_text(json.dumps({"stage": name, **named.get(name, {}), **facts}, indent=1))
    models.tokenizer.save(str(folder / "tagger" / "tokenizer.json"))
