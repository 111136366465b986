"""From modules to ONNX files: dynamic shapes, decomposed attention, weights stored in half precision under their own names."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx_ir
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxscript.optimizer import optimize_ir
from torch import Tensor, nn
from torch.export import Dim

from rfsr.models.denoiser import Denoiser
from rfsr.models.restorer import SwinIR
from rfsr.models.rrdb import RRDBNet
from rfsr.models.vae import LeanAutoencoder
from rfsr.pipelines.parts import BundleModels

OPSET = 20
MAX_TOKENS = 77


@dataclass(frozen=True)
class GraphSpec:
    """A graph to export: its module, and the manifest's names and dims of what goes in and out.

    An input is the argument of the module's `forward` of the same name, in snake case. `cell_multiple`: latent sides are multiples of this.
    """

    role: str
    module: nn.Module
    inputs: dict[str, list[int | str]]
    outputs: dict[str, list[int | str]]
    cell_multiple: int = 4

    @property
    def ids(self) -> bool:
        """Whether the input is token ids (int64)."""
        return "tokenIds" in self.inputs

    def inputs_at(self, *, batch: int, height: int, width: int, seed: int) -> dict[str, Tensor]:
        """Random inputs of the given batch and latent cells, by the module's names, for parity checks."""
        generator = torch.Generator().manual_seed(seed)
        sizes = {"B": batch, "h": height, "w": width, "8*h": 8 * height, "8*w": 8 * width}
        found = {}
        for name, dims in self.inputs.items():
            shape = [sizes[dim] if isinstance(dim, str) else dim for dim in dims]
            if name == "tokenIds":
                value = torch.randint(0, 20, shape, generator=generator)
            elif name == "timestep":
                value = torch.randint(0, 1000, shape, generator=generator).float()
            elif name in ("condition", "degraded"):
                value = torch.rand(shape, generator=generator)
            else:
                value = torch.randn(shape, generator=generator)
            found[snake_case(name)] = value
        return found


TILE_CELLS, PIXEL_TILE_CELLS, TILE_OVERLAP = 128, 96, 32
"""Largest tiles, 1024 pixels, and SeeSR's 768 where pixel attention's scores would pass what a GPU binds at once; SeeSR's overlap as RFSR's copy has it."""
PART_CELLS = 64
RRDB_OVERLAP = 8
"""Its convolutions reach 25 cells, of which a part would have to be computed three times over; beyond a few, little of that tells."""
PROBE_CELLS = 40
"""Half the length of the strip on which a graph's reach is measured."""


def tiling_rule(spec: GraphSpec) -> dict[str, Any] | None:
    """How the studio may run a graph in pieces, or None where it may not: one without spatial inputs, and one that sees everything.

    Attention reaches everywhere: tiles are blended. What only convolves reaches a few cells, which are measured. What normalises over
    the picture (GroupNorm) reaches everywhere too, and its parts would each have other colours.
    """
    spatial = [name for name, dims in spec.inputs.items() if "h" in str(dims[2:3])]
    if not spatial:
        return None
    if isinstance(spec.module, Denoiser | SwinIR):
        pixels = isinstance(spec.module, Denoiser) and any(spec.module.config.unet.pixel_levels)
        return {"kind": "blend", "tile": PIXEL_TILE_CELLS if pixels else TILE_CELLS, "overlap": TILE_OVERLAP}
    if isinstance(spec.module, RRDBNet):
        return {"kind": "blend", "tile": PART_CELLS, "overlap": RRDB_OVERLAP}
    cells = reach(spec, spatial[0])
    return {"kind": "halo", "cells": cells, "part": PART_CELLS} if cells < PROBE_CELLS else None


@torch.no_grad()
def reach(spec: GraphSpec, name: str) -> int:
    """Cells, rounded up to the graph's multiple, by which a change of an input changes its outputs; PROBE_CELLS for as far as is measured."""
    (given,) = spec.inputs_at(batch=1, height=2 * PROBE_CELLS, width=spec.cell_multiple, seed=0).values()
    changed = given.clone()
    rows = given.shape[2] // 2
    changed[:, :, rows:] += torch.randn(changed[:, :, rows:].shape, generator=torch.Generator().manual_seed(1))
    farthest = 0.0
    for before, after in zip(outputs_of(spec, name, given), outputs_of(spec, name, changed), strict=True):
        touched = (before != after).any(dim=3)[0].any(dim=0).nonzero().min().item()
        farthest = max(farthest, PROBE_CELLS - touched * 2 * PROBE_CELLS / before.shape[2])
    return math.ceil(farthest / spec.cell_multiple) * spec.cell_multiple


def outputs_of(spec: GraphSpec, name: str, value: Tensor) -> tuple[Tensor, ...]:
    """What the module makes of its one input."""
    found = spec.module(**{snake_case(name): value})
    return found if isinstance(found, tuple) else (found,)


def snake_case(name: str) -> str:
    """A name of the manifest as Python writes it."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


class VaeEncoderGraph(nn.Module):
    """rgbPm1 to posterior moments. Parameters keep the autoencoder's names."""

    def __init__(self, vae: LeanAutoencoder) -> None:
        super().__init__()
        self.pca_in, self.encoder = vae.pca_in, vae.encoder
        object.__setattr__(self, "vae", vae)  # not a submodule: the names above are the parameters' names

    def forward(self, rgb_pm1: Tensor) -> tuple[Tensor, Tensor]:
        """See `Autoencoder.encode_moments`."""
        return self.vae.encode_moments(rgb_pm1)


class VaeDecoderGraph(nn.Module):
    """Latent to rgbPm1; `linear` for the preview decoder."""

    def __init__(self, vae: LeanAutoencoder, *, linear: bool) -> None:
        super().__init__()
        self.pca_out, self.linear = vae.pca_out, linear
        if not linear:
            self.decoder = vae.decoder
        object.__setattr__(self, "vae", vae)

    def forward(self, latent: Tensor) -> Tensor:
        """See `Autoencoder.decode_latent`."""
        return self.vae.decode_linear(latent) if self.linear else self.vae.decode_latent(latent)


class ConditionEncoderGraph(nn.Module):
    """The ControlNet's condition embedding, on its own because it is the same at every step."""

    def __init__(self, denoiser: Denoiser) -> None:
        super().__init__()
        self.controlnet = nn.Module()
        self.controlnet.controlnet_cond_embedding = denoiser.controlnet.controlnet_cond_embedding

    def forward(self, condition: Tensor) -> Tensor:
        """See `Denoiser.embed_condition`."""
        return self.controlnet.controlnet_cond_embedding(condition)


def graph_specs(models: BundleModels) -> list[GraphSpec]:
    """Every graph of a bundle."""
    config, side = models.denoiser.config.unet, models.tagger.config.side
    channels = models.vae.widths.latent_channels
    tokens = models.tagger.config.tokens
    latent, rgb = ["B", channels, "h", "w"], ["B", 3, "8*h", "8*w"]
    embedding = ["B", config.block_out_channels[0], "h", "w"]
    image_embeds = ["B", tokens, models.tagger.config.embed_dim]
    conditions = {"condition_embedding": embedding, "image_embeds": image_embeds, "condition_latent": latent}
    context = ["B", MAX_TOKENS, config.text_dim]
    specs = [
        ("tagger", models.tagger, {"image": ["B", 3, side, side]}, {"imageEmbeds": image_embeds, "tagLogits": ["B", len(models.tags)]}),
        ("textEncoder", models.text_encoder, {"tokenIds": ["B", MAX_TOKENS]}, {"context": context}),
        ("vaeEncoder", VaeEncoderGraph(models.vae), {"rgbPm1": rgb}, {"mean": latent, "std": latent}),
        ("vaeDecoder", VaeDecoderGraph(models.vae, linear=False), {"latent": latent}, {"rgbPm1": rgb}),
        ("previewDecoder", VaeDecoderGraph(models.vae, linear=True), {"latent": latent}, {"rgbPm1": rgb}),
        ("denoiser", models.denoiser,
         {"sample": latent, "timestep": ["B"], "context": context} | {camel_case(name): conditions[name] for name in models.denoiser.reads},
         {"prediction": latent}),
    ]  # fmt: skip
    if "condition_embedding" in models.denoiser.reads:
        specs.append(
            ("conditionEncoder", ConditionEncoderGraph(models.denoiser), {"condition": rgb}, {"conditionEmbedding": embedding})
        )
    found = [GraphSpec(role, module, inputs, outputs) for role, module, inputs, outputs in specs]
    if models.restorer is not None:
        found.append(
            GraphSpec("restorer", models.restorer, {"degraded": rgb}, {"restored": rgb}, max(1, models.restorer.multiple // 8))
        )
    return found


def camel_case(name: str) -> str:
    """A name of Python as the manifest writes it."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def export_graph(spec: GraphSpec) -> onnx.ModelProto:
    """The ONNX model of a spec, weights in half precision."""
    # diffusers' upsampling takes another path from a batch of 64
    batch, rows, columns, cells = Dim("B", max=63), Dim("rows"), Dim("columns"), spec.cell_multiple
    named = {"B": batch, "h": cells * rows, "w": cells * columns, "8*h": 8 * cells * rows, "8*w": 8 * cells * columns}
    shapes = {
        snake_case(name): {axis: named[dim] for axis, dim in enumerate(dims) if isinstance(dim, str)}
        for name, dims in spec.inputs.items()
    }
    example = spec.inputs_at(batch=2, height=3 * cells, width=2 * cells, seed=0)
    # captured here: left to the exporter, a second and slower capture follows
    captured = torch.export.export(spec.module.eval(), (), kwargs=example, dynamic_shapes=shapes, strict=False)
    program = torch.onnx.export(
        captured, dynamo=True, opset_version=OPSET, input_names=list(spec.inputs), output_names=list(spec.outputs),
        optimize=False, verbose=False,
    )  # fmt: skip
    assert program is not None
    kept = set(spec.module.state_dict())

    def may_fold(node: onnx_ir.Node) -> bool | None:
        # folding into a weight would rename it, and store it whole
        return False if any(value is not None and value.name in kept for value in node.inputs) else None

    optimize_ir(program.model, should_fold=may_fold)
    model = program.model_proto
    for node in model.graph.node:
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    store_half(model, {name for name, _ in spec.module.named_parameters()})
    onnx.checker.check_model(model)
    return model


def store_half(model: onnx.ModelProto, parameters: set[str]) -> None:
    """Replaces float32 parameters by float16 ones of the same name, each cast back where it is used."""
    casts, renamed = [], {}
    for item in model.graph.initializer:
        if item.name in parameters and item.data_type == TensorProto.FLOAT:
            half = numpy_helper.from_array(numpy_helper.to_array(item).astype(np.float16), item.name)
            renamed[item.name] = f"{item.name}.f32"
            casts.append(helper.make_node("Cast", [item.name], [renamed[item.name]], to=TensorProto.FLOAT))
            item.CopyFrom(half)
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)
    for index, cast in enumerate(casts):
        model.graph.node.insert(index, cast)


def round_to_half(module: nn.Module) -> None:
    """Rounds every parameter to half precision, as the graphs store them, so that torch and graph are comparable."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.half().float())
