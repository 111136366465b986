"""DiffBIR v1's denoiser (Lin et al., arXiv 2308.15070): SD 2.1 and a ControlNet that sees the first stage's latent beside the noisy one."""

import re
from dataclasses import replace

from rfsr.models import seesr
from rfsr.models.blocks import UNetConfig
from rfsr.models.denoiser import SIXTEENTH, TOY, DenoiserConfig

FULL = DenoiserConfig(unet=UNetConfig(control_channels=8, image_dim=None, condition_channels=None), condition="latent")


def without_image(config: DenoiserConfig) -> DenoiserConfig:
    """A small SeeSR configuration as DiffBIR's: the same UNet without image attentions and without a condition's encoder."""
    return replace(config, unet=replace(config.unet, image_dim=None, condition_channels=None), condition="latent")


CONFIGS = {
    "full": FULL,
    "sixteenth": SIXTEENTH.of(FULL),
    "toy": TOY.of(FULL),
    "mini": without_image(seesr.MINI),
    "nano": without_image(seesr.NANO),
}

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
PLAIN = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "controlnet_mid_block": "middle_block_out.0",
}


def official_name(name: str, unet: UNetConfig = FULL.unet) -> str:
    """The name in DiffBIR's checkpoints of a tensor of this UNet or ControlNet (`model.diffusion_model.` and `control_model.` left out).

    They are written in the layout of the latent diffusion models' code, which counts blocks in one row: an encoder level is its resnets and
    then a downsampling, a decoder level its resnets, the last of which carries the upsampling. Throws ValueError for another name.
    """
    module, _, parameter = name.rpartition(".")
    if module in PLAIN:
        return f"{PLAIN[module]}.{parameter}"
    if found := re.fullmatch(r"controlnet_down_blocks\.(\d+)", module):
        return f"zero_convs.{found[1]}.0.{parameter}"
    if found := re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", module):
        kind, index, rest = found[1], int(found[2]), found[3]
        inner = f"1.{rest}" if kind == "attentions" else f"{2 * index}.{RESNET[rest]}"
        return f"middle_block.{inner}.{parameter}"
    if found := re.fullmatch(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.+)", module):
        side, level, kind, index, rest = found[1], int(found[2]), found[3], int(found[4]), found[5]
        row = level * (unet.layers_per_block + 1) + (side == "down")
        group = {"down": "input_blocks", "up": "output_blocks"}[side]
        match kind:
            case "resnets":
                return f"{group}.{row + index}.0.{RESNET[rest]}.{parameter}"
            case "attentions":
                return f"{group}.{row + index}.1.{rest}.{parameter}"
            case "downsamplers":
                return f"{group}.{row + unet.layers_per_block}.0.op.{parameter}"
            case "upsamplers":
                attended = unet.attention_levels[-1 - level]
                return f"{group}.{row + unet.layers_per_block}.{2 if attended else 1}.conv.{parameter}"
    raise ValueError(f"expected a tensor of a UNet or ControlNet, got {name}")
