"""From modules to ONNX files: dynamic shapes, decomposed attention, weights stored in half precision under their own names."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx_ir
import torch
from onnxscript.optimizer import optimize_ir
from torch import Tensor, nn
from torch.export import Dim

from rfsr.export.attention import CELLS
from rfsr.models.denoiser import Denoiser
from rfsr.models.restorer import SwinIR
from rfsr.models.rrdb import RRDBNet
from rfsr.models.tagger import DapeTagger
from rfsr.models.text import MAX_TOKENS
from rfsr.models.vae import LeanAutoencoder, StockAutoencoder
from rfsr.pipelines.parts import BundleModels

OPSET = 20
RESIDUAL = "residual"
"""What the ControlNet's outputs are called, each with its number; together they are one argument of the UNet's."""
SHARES = (1, 2, 4, 8, 16)
"""Of the latent's cells that a level of the UNet has, a side."""


@dataclass(frozen=True)
class GraphSpec:
    """A graph to export: its module, and the manifest's names and dims of what goes in and out.

    An input is the argument of the module's `forward` of the same name, in snake case; residuals are one argument, a list.
    Dims: `h` and `w` are latent cells, `8*h` is pixels, `y2` and `x2` are half as many cells, and so on. `cell_multiple`: latent sides are multiples
    of this. `part`: of a role that is a chain, the graph's own name.
    """

    role: str
    module: nn.Module
    inputs: dict[str, list[int | str]]
    outputs: dict[str, list[int | str]]
    cell_multiple: int = 4
    part: str | None = None

    @property
    def id(self) -> str:
        """The graph's name in the manifest."""
        return self.part or self.role

    @property
    def ids(self) -> bool:
        """Whether the input is token ids (int64)."""
        return "tokenIds" in self.inputs

    def inputs_at(self, *, batch: int, height: int, width: int, seed: int) -> dict[str, Tensor]:
        """Random inputs of the given batch and latent cells, by the module's names, for parity checks."""
        generator = torch.Generator().manual_seed(seed)
        sizes = named_sizes(batch, height, width)
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


def named_sizes(batch: int, height: int, width: int) -> dict[str, int]:
    """What the named dims of a graph are on so many latent cells."""
    sizes = {"B": batch, "h": height, "w": width, "8*h": 8 * height, "8*w": 8 * width}
    return sizes | {f"{side}{share}": cells // share for share in SHARES for side, cells in (("y", height), ("x", width))}


def as_arguments(inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs by name as the arguments of a module's `forward`: residuals in a list."""
    found: dict[str, Any] = {}
    for name, value in inputs.items():
        if re.fullmatch(RESIDUAL + r"\d+", name):
            found.setdefault(RESIDUAL, []).append(value)
        else:
            found[name] = value
    return found


TILE_CELLS, PIXEL_TILE_CELLS, TILE_OVERLAP = 128, 96, 32
"""Largest tiles, 1024 pixels, and SeeSR's 768 where pixel attention's scores would pass what a GPU binds at once; SeeSR's overlap as RFSR's copy has it."""
PART_OVERLAP = 16
"""Of the published sizes' tiles, which are as small as the networks were trained on (512 pixels): see `rfsr.export.attention`."""
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
    if isinstance(spec.module, ControlNetGraph | UNetGraph):
        return {"kind": "blend", "tile": CELLS, "overlap": PART_OVERLAP}
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

    def __init__(self, vae: LeanAutoencoder | StockAutoencoder) -> None:
        super().__init__()
        take_parts(self, vae, ("pca_in", "encoder", "quant_conv"))
        object.__setattr__(self, "vae", vae)  # not a submodule: the names above are the parameters' names

    def forward(self, rgb_pm1: Tensor) -> tuple[Tensor, Tensor]:
        """See `Autoencoder.encode_moments`."""
        return self.vae.encode_moments(rgb_pm1)


class VaeDecoderGraph(nn.Module):
    """Latent to rgbPm1; `linear` for the preview decoder."""

    def __init__(self, vae: LeanAutoencoder | StockAutoencoder, *, linear: bool) -> None:
        super().__init__()
        self.linear = linear
        take_parts(self, vae, ("pca_out",) if linear else ("pca_out", "post_quant_conv", "decoder"))
        object.__setattr__(self, "vae", vae)

    def forward(self, latent: Tensor) -> Tensor:
        """See `Autoencoder.decode_latent`."""
        return self.vae.decode_linear(latent) if self.linear else self.vae.decode_latent(latent)


def take_parts(graph: nn.Module, network: nn.Module, names: tuple[str, ...]) -> None:
    """Makes those of the network's parts that there are the graph's own."""
    for name in names:
        if hasattr(network, name):
            setattr(graph, name, getattr(network, name))


class ConditionEncoderGraph(nn.Module):
    """The ControlNet's condition embedding, on its own because it is the same at every step."""

    def __init__(self, denoiser: Denoiser) -> None:
        super().__init__()
        self.controlnet = nn.Module()
        self.controlnet.controlnet_cond_embedding = denoiser.controlnet.controlnet_cond_embedding

    def forward(self, condition: Tensor) -> Tensor:
        """See `Denoiser.embed_condition`."""
        return self.controlnet.controlnet_cond_embedding(condition)


class ControlNetGraph(nn.Module):
    """First of the two that a published denoiser is exported as: what the UNet is told. Parameters keep the denoiser's names.

    Its own parts compute in `compute`; what crosses is float32.
    """

    compute = torch.float32

    def __init__(self, denoiser: Denoiser) -> None:
        super().__init__()
        self.controlnet = denoiser.controlnet

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor,
        context: Tensor,
        condition_embedding: Tensor | None = None,
        image_embeds: Tensor | None = None,
        condition_latent: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Inputs as the denoiser's to the residuals of every skip and of the middle block."""
        given = torch.cat([sample, condition_latent], dim=1) if condition_latent is not None else sample
        image, embedding = (None if value is None else value.to(self.compute) for value in (image_embeds, condition_embedding))
        residuals = self.controlnet(
            given.to(self.compute), timestep, context.to(self.compute), image, condition_embedding=embedding
        )
        return tuple(residual.float() for residual in residuals)


class UNetGraph(nn.Module):
    """Second of the two."""

    compute = torch.float32

    def __init__(self, denoiser: Denoiser) -> None:
        super().__init__()
        self.unet = denoiser.unet

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor,
        context: Tensor,
        image_embeds: Tensor | None = None,
        residual: list[Tensor] | None = None,
    ) -> Tensor:
        """Inputs as the denoiser's and the ControlNet's residuals to the predicted noise."""
        assert residual is not None
        image = None if image_embeds is None else image_embeds.to(self.compute)
        told = [value.to(self.compute) for value in residual]
        return self.unet(sample.to(self.compute), timestep, context.to(self.compute), image, residuals=told).float()


def graph_specs(models: BundleModels) -> list[GraphSpec]:
    """Every graph of a bundle, a role's in the order of its chain."""
    config, side = models.denoiser.config.unet, models.tagger.config.side
    channels = models.vae.widths.latent_channels
    latent, rgb = ["B", channels, "h", "w"], ["B", 3, "8*h", "8*w"]
    embedding = ["B", config.block_out_channels[0], "h", "w"]
    image_embeds = ["B", models.tagger.config.tokens, models.tagger.config.embed_dim]
    conditions = {"condition_embedding": embedding, "image_embeds": image_embeds, "condition_latent": latent}
    context = ["B", MAX_TOKENS, config.text_dim]
    # transformers' Swin cuts windows by a batch that is a number; a picture is tagged once
    one = 1 if isinstance(models.tagger, DapeTagger) else "B"
    read = {"sample": latent, "timestep": ["B"], "context": context} | {
        camel_case(name): conditions[name] for name in models.denoiser.reads
    }
    specs = [
        ("tagger", models.tagger, {"image": [one, 3, side, side]}, {"imageEmbeds": [one, *image_embeds[1:]], "tagLogits": [one, len(models.tags)]}),
        ("textEncoder", models.text_encoder, {"tokenIds": ["B", MAX_TOKENS]}, {"context": context}),
        ("vaeEncoder", VaeEncoderGraph(models.vae), {"rgbPm1": rgb}, {"mean": latent, "std": latent}),
        ("vaeDecoder", VaeDecoderGraph(models.vae, linear=False), {"latent": latent}, {"rgbPm1": rgb}),
    ]  # fmt: skip
    if isinstance(models.vae, LeanAutoencoder):
        specs.append(("previewDecoder", VaeDecoderGraph(models.vae, linear=True), {"latent": latent}, {"rgbPm1": rgb}))
    if models.denoiser.config.residual_to_condition:
        specs.append(("denoiser", models.denoiser, read, {"prediction": latent}))
    if "condition_embedding" in models.denoiser.reads:
        specs.append(
            ("conditionEncoder", ConditionEncoderGraph(models.denoiser), {"condition": rgb}, {"conditionEmbedding": embedding})
        )
    found = [GraphSpec(role, module, inputs, outputs) for role, module, inputs, outputs in specs]
    if not models.denoiser.config.residual_to_condition:
        found += denoiser_chain(models.denoiser, read)
    if models.restorer is not None:
        found.append(
            GraphSpec("restorer", models.restorer, {"degraded": rgb}, {"restored": rgb}, max(1, models.restorer.multiple // 8))
        )
    return found


def denoiser_chain(denoiser: Denoiser, read: dict[str, list[int | str]]) -> list[GraphSpec]:
    """ControlNet and UNet, each a graph of its own: together they pass what a browser's heap holds."""
    config, told = denoiser.config.unet, {}
    levels = list(enumerate(config.block_out_channels))
    skips = [(config.block_out_channels[0], 0)]
    for level, width in levels:
        skips += [(width, level)] * config.layers_per_block + ([(width, level + 1)] if level < levels[-1][0] else [])
    for index, (width, level) in enumerate([*skips, (config.block_out_channels[-1], levels[-1][0])]):
        told[f"{RESIDUAL}{index}"] = ["B", width, f"y{2**level}", f"x{2**level}"]
    multiple = 2 ** levels[-1][0]
    seen = {name: dims for name, dims in read.items() if name in ("sample", "timestep", "context", "imageEmbeds")}
    return [
        GraphSpec("denoiser", ControlNetGraph(denoiser), read, told, multiple, part="controlNet"),
        GraphSpec("denoiser", UNetGraph(denoiser), seen | told, {"prediction": read["sample"]}, multiple, part="unet"),
    ]


def camel_case(name: str) -> str:
    """A name of Python as the manifest writes it."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def export_graph(spec: GraphSpec) -> onnx.ModelProto:
    """The ONNX model of a spec, weights in half precision."""
    model = onnx_ir.to_proto(export_model(spec))
    onnx.checker.check_model(model)
    return model


def export_model(spec: GraphSpec) -> onnx_ir.Model:
    """The same in a form that has no limit of two gigabytes."""
    # diffusers' upsampling takes another path from a batch of 64
    batch, rows, columns, cells = Dim("B", max=63), Dim("rows"), Dim("columns"), spec.cell_multiple
    named: dict[str, Any] = {"B": batch}
    for share in SHARES:
        if cells % share == 0:
            named |= {f"y{share}": cells // share * rows, f"x{share}": cells // share * columns}
    named |= {"h": cells * rows, "w": cells * columns, "8*h": 8 * cells * rows, "8*w": 8 * cells * columns}
    shapes = {
        snake_case(name): {axis: named[dim] for axis, dim in enumerate(dims) if isinstance(dim, str)}
        for name, dims in spec.inputs.items()
    }
    example = spec.inputs_at(batch=2, height=3 * cells, width=2 * cells, seed=0)
    # captured here: left to the exporter, a second and slower capture follows
    captured = torch.export.export(
        spec.module.eval(), (), kwargs=as_arguments(example), dynamic_shapes=as_arguments(shapes), strict=False
    )
    program = torch.onnx.export(
        captured, dynamo=True, opset_version=OPSET, input_names=list(spec.inputs), output_names=list(spec.outputs),
        optimize=False, verbose=False,
    )  # fmt: skip
    assert program is not None
    kept = set(spec.module.state_dict())

    def may_fold(node: onnx_ir.Node) -> bool | None:
        # folding into a weight would rename it, and store it whole
        return False if any(value is not None and value.name in kept for value in node.inputs) else None

    model = program.model
    optimize_ir(model, should_fold=may_fold)
    forget_history(model.graph)
    store_half(model.graph, {name for name, _ in spec.module.named_parameters()})
    return model


def forget_history(graph: onnx_ir.Graph) -> None:
    """Drops where nodes and values came from, and the shapes between them: a tenth of a large graph's file."""
    ends = {*graph.inputs, *graph.outputs, *graph.initializers.values()}
    graph.metadata_props.clear()
    for value in ends:
        value.metadata_props.clear()
    for node in graph:
        node.metadata_props.clear()
        for value in node.outputs:
            value.metadata_props.clear()
            if value not in ends:
                value.shape, value.type = None, None


def store_half(graph: onnx_ir.Graph, parameters: set[str]) -> None:
    """Replaces float32 parameters by float16 ones of the same name, each cast back where it is used."""
    casts = []
    for name, value in graph.initializers.items():
        tensor = value.const_value
        if name not in parameters or tensor is None or tensor.dtype != onnx_ir.DataType.FLOAT:
            continue
        cast = onnx_ir.node("Cast", [value], attributes={"to": onnx_ir.DataType.FLOAT.value}, version=None)
        cast.outputs[0].name = f"{name}.f32"
        for user, index in tuple(value.uses()):
            if user is not cast:
                user.replace_input_with(index, cast.outputs[0])
        value.const_value = onnx_ir.tensor(tensor.numpy().astype(np.float16), name=name)
        casts.append(cast)
    first = next(iter(graph), None)
    if first is not None and casts:
        graph.insert_before(first, casts)
    for cast in casts:
        cast.name = None  # which the graph gave it
    for value in graph.initializers.values():
        value.shape, value.type = None, None  # the tensor says both


def round_to_half(module: nn.Module) -> None:
    """Rounds every parameter to half precision, as the graphs store them, so that torch and graph are comparable."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.half().float())
