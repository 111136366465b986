"""Under which names, and in which pieces, the published checkpoints hold the networks' tensors.

A naming takes a name of the network's own state dict to the published tensor that holds it. The same table converts a checkpoint and, read the
other way, makes one (`rfsr.convert.synthesize`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from rfsr.models import diffbir
from rfsr.models.blocks import UNetConfig


@dataclass(frozen=True)
class Source:
    """A published tensor's name; where several of ours lie one after another in its rows, which of how many ours is.

    `as_convolution`: a linear layer of ours is kept as a 1×1 convolution.
    """

    name: str
    part: int = 0
    of: int = 1
    as_convolution: bool = False


Naming = Callable[[str], Source]


def same(name: str) -> Source:
    """The published name is our own."""
    return Source(name)


def diffbir_naming(unet: UNetConfig) -> Naming:
    """DiffBIR's UNet and ControlNet, in the layout of the latent diffusion models' code."""
    return lambda name: Source(diffbir.official_name(name, unet))


def clip_name(name: str) -> Source:
    """transformers' files of a CLIP text encoder."""
    return Source("text_model." + name.removeprefix("clip."))


OPEN_CLIP = {
    "clip.embeddings.token_embedding.weight": "token_embedding.weight",
    "clip.embeddings.position_embedding.weight": "positional_embedding",
}
OPEN_CLIP_BLOCK = {
    "layer_norm1": "ln_1", "layer_norm2": "ln_2", "self_attn.out_proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
}  # fmt: skip


def open_clip_name(name: str) -> Source:
    """OpenCLIP's text tower, whose query, key and value are rows of one tensor."""
    if name in OPEN_CLIP:
        return Source(OPEN_CLIP[name])
    module, _, parameter = name.rpartition(".")
    if module == "clip.final_layer_norm":
        return Source(f"ln_final.{parameter}")
    found = re.fullmatch(r"clip\.encoder\.layers\.(\d+)\.(.+)", module)
    if found is None:
        raise ValueError(f"expected a tensor of a CLIP text encoder, got {name}")
    block, inner = f"transformer.resblocks.{found[1]}", found[2]
    if projection := re.fullmatch(r"self_attn\.([qkv])_proj", inner):
        return Source(f"{block}.attn.in_proj_{parameter}", part="qkv".index(projection[1]), of=3)
    return Source(f"{block}.{OPEN_CLIP_BLOCK[inner]}.{parameter}")


OLD_ATTENTION = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def old_vae_name(name: str) -> Source:
    """The autoencoder in files of diffusers before 0.17, as Stable Diffusion's: attention alone is named otherwise."""
    return Source(re.sub(r"(?<=\.)(to_[qkv]|to_out\.0)(?=\.)", lambda found: OLD_ATTENTION[found[1]], name))


LDM_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def ldm_vae_naming(levels: int) -> Naming:
    """The autoencoder in the latent diffusion models' layout, whose attention is made of 1×1 convolutions and whose decoder counts its `levels`
    from the highest resolution.
    """

    def published(name: str) -> Source:
        module, _, parameter = name.rpartition(".")
        side, _, inner = module.partition(".")
        if side not in ("encoder", "decoder"):
            return Source(name)
        if found := re.fullmatch(r"(down|up)_blocks\.(\d+)\.(resnets|downsamplers|upsamplers)\.(\d+)\.(.+)", inner):
            way, level, kind, index, rest = found[1], int(found[2]), found[3], found[4], found[5]
            row = level if way == "down" else levels - 1 - level
            tail = f"block.{index}.{rest}" if kind == "resnets" else f"{way}sample.{rest}"
            inner = f"{way}.{row}.{tail}".replace("conv_shortcut", "nin_shortcut")
        elif found := re.fullmatch(r"mid_block\.resnets\.(\d)\.(.+)", inner):
            inner = f"mid.block_{int(found[1]) + 1}.{found[2]}"
        elif found := re.fullmatch(r"mid_block\.attentions\.0\.(.+)", inner):
            linear = found[1] != "group_norm" and parameter == "weight"
            return Source(f"{side}.mid.attn_1.{LDM_ATTENTION[found[1]]}.{parameter}", as_convolution=linear)
        elif inner == "conv_norm_out":
            inner = "norm_out"
        return Source(f"{side}.{inner}.{parameter}")

    return published


RAM_PLAIN = {
    "visual_encoder.embeddings.patch_embeddings.projection": "visual_encoder.patch_embed.proj",
    "visual_encoder.embeddings.norm": "visual_encoder.patch_embed.norm",
    "visual_encoder.layernorm": "visual_encoder.norm",
}
RAM_BLOCK = {
    "attention.o_proj": "attn.proj", "layernorm_before": "norm1", "layernorm_after": "norm2", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
    "attention.relative_position_bias": "attn",
}  # fmt: skip
RAM_QUERY = {
    "query": "crossattention.self.query", "key": "crossattention.self.key", "value": "crossattention.self.value",
    "out": "crossattention.output.dense", "attention_norm": "crossattention.output.LayerNorm", "feed_forward.0": "intermediate.dense",
    "feed_forward.2": "output.dense", "feed_forward_norm": "output.LayerNorm",
}  # fmt: skip


def ram_name(name: str) -> Source:
    """Recognize Anything: the original Swin transformer's names, and BERT's of the head."""
    module, _, parameter = name.rpartition(".")
    if module in RAM_PLAIN:
        return Source(f"{RAM_PLAIN[module]}.{parameter}")
    if found := re.fullmatch(r"tagging_head\.(\d)\.(.+)", module):
        return Source(f"tagging_head.encoder.layer.{found[1]}.{RAM_QUERY[found[2]]}.{parameter}")
    if found := re.fullmatch(r"visual_encoder\.encoder\.(layers\.\d+)\.downsample\.(.+)", module):
        return Source(f"visual_encoder.{found[1]}.downsample.{found[2]}.{parameter}")
    if found := re.fullmatch(r"visual_encoder\.encoder\.(layers\.\d+\.blocks\.\d+)\.(.+)", module):
        block, inner = f"visual_encoder.{found[1]}", found[2]
        if projection := re.fullmatch(r"attention\.([qkv])_proj", inner):
            return Source(f"{block}.attn.qkv.{parameter}", part="qkv".index(projection[1]), of=3)
        return Source(f"{block}.{RAM_BLOCK[inner]}.{parameter}")
    return Source(name)
