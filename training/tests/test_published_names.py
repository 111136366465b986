"""The full-size networks hold the published checkpoints' tensors: every name, and each where it belongs."""

import hashlib
from collections import defaultdict

import pytest
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint, convert_ldm_unet_checkpoint
from torch import nn

from rfsr.families import FAMILIES
from rfsr.models import diffbir
from rfsr.models.blocks import UNetConfig
from rfsr.models.denoiser import Denoiser
from rfsr.models.unet import ControlledUNet, ControlNet

# sha256 over the sorted "name (shape)" lines of every top-level block of the published checkpoints, under their own names.
PUBLISHED = {
    "seesr unet": {
        "conv_in": "ba1e51155b45cbf5",
        "time_embedding": "4d44971965166ecb",
        "down_blocks": "ee09c7cc1d0ae910",
        "mid_block": "5a3f35d80455815b",
        "up_blocks": "5d272d2f892828c9",
        "conv_norm_out": "39f04d658113e0a3",
        "conv_out": "537b23fecc15fd34",
    },
    "seesr controlnet": {
        "conv_in": "ba1e51155b45cbf5",
        "time_embedding": "4d44971965166ecb",
        "down_blocks": "ee09c7cc1d0ae910",
        "mid_block": "5a3f35d80455815b",
        "controlnet_cond_embedding": "8d1b3d3c2cfd1c5a",
        "controlnet_down_blocks": "e8ec5681320a39b3",
        "controlnet_mid_block": "b693aa0d603fe11d",
    },
    "diffbir unet": {
        "time_embed": "1e151f67962fa6b8",
        "input_blocks": "c413238bca81d64e",
        "middle_block": "9058d31e9669968b",
        "output_blocks": "41f96966276288dc",
        "out": "9ac0cbe5aa2d3ca8",
    },
    "diffbir controlnet": {
        "time_embed": "1e151f67962fa6b8",
        "input_blocks": "b6fbbd7ee61c508c",
        "zero_convs": "8e0a1a91aaa679e0",
        "middle_block": "9058d31e9669968b",
        "middle_block_out": "8a3e380c7450f650",
    },
    "pasd unet": {
        "conv_in": "ba1e51155b45cbf5",
        "time_embedding": "4d44971965166ecb",
        "down_blocks": "2d865744212e44cb",
        "up_blocks": "e4e21070adc796c7",
        "mid_block": "ec92dc247a330d13",
        "conv_norm_out": "39f04d658113e0a3",
        "conv_out": "537b23fecc15fd34",
    },
    "pasd controlnet": {
        "conv_in": "ba1e51155b45cbf5",
        "time_embedding": "4d44971965166ecb",
        "controlnet_cond_embedding": "a8607aee13e9b8e7",
        "down_blocks": "2d865744212e44cb",
        "controlnet_down_blocks": "e8ec5681320a39b3",
        "controlnet_mid_block": "b693aa0d603fe11d",
        "mid_block": "ec92dc247a330d13",
    },
}
TENSORS = {
    "seesr unet": 1102, "seesr controlnet": 522, "diffbir unet": 686, "diffbir controlnet": 324,
    "pasd unet": 998, "pasd controlnet": 346,
}  # fmt: skip

# DiffBIR's names, of the latent diffusion models' code, and ours, which are diffusers': what equal shapes could hide.
DIFFBIR_UNET = {
    "time_embed.0.weight": "time_embedding.linear_1.weight",
    "time_embed.2.weight": "time_embedding.linear_2.weight",
    "input_blocks.0.0.weight": "conv_in.weight",
    "input_blocks.1.0.in_layers.0.weight": "down_blocks.0.resnets.0.norm1.weight",
    "input_blocks.1.0.in_layers.2.weight": "down_blocks.0.resnets.0.conv1.weight",
    "input_blocks.1.0.emb_layers.1.weight": "down_blocks.0.resnets.0.time_emb_proj.weight",
    "input_blocks.1.0.out_layers.0.weight": "down_blocks.0.resnets.0.norm2.weight",
    "input_blocks.1.0.out_layers.3.weight": "down_blocks.0.resnets.0.conv2.weight",
    "input_blocks.1.1.norm.weight": "down_blocks.0.attentions.0.norm.weight",
    "input_blocks.1.1.proj_in.weight": "down_blocks.0.attentions.0.proj_in.weight",
    "input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight": "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight",
    "input_blocks.1.1.transformer_blocks.0.norm3.bias": "down_blocks.0.attentions.0.transformer_blocks.0.norm3.bias",
    "input_blocks.2.0.in_layers.0.bias": "down_blocks.0.resnets.1.norm1.bias",
    "input_blocks.2.1.proj_out.weight": "down_blocks.0.attentions.1.proj_out.weight",
    "input_blocks.3.0.op.weight": "down_blocks.0.downsamplers.0.conv.weight",
    "input_blocks.4.0.skip_connection.weight": "down_blocks.1.resnets.0.conv_shortcut.weight",
    "input_blocks.5.0.out_layers.3.bias": "down_blocks.1.resnets.1.conv2.bias",
    "input_blocks.6.0.op.bias": "down_blocks.1.downsamplers.0.conv.bias",
    "input_blocks.8.1.transformer_blocks.0.attn2.to_k.weight": "down_blocks.2.attentions.1.transformer_blocks.0.attn2.to_k.weight",
    "input_blocks.9.0.op.weight": "down_blocks.2.downsamplers.0.conv.weight",
    "input_blocks.10.0.in_layers.2.weight": "down_blocks.3.resnets.0.conv1.weight",
    "input_blocks.11.0.in_layers.2.weight": "down_blocks.3.resnets.1.conv1.weight",
    "middle_block.0.out_layers.0.weight": "mid_block.resnets.0.norm2.weight",
    "middle_block.1.transformer_blocks.0.ff.net.2.weight": "mid_block.attentions.0.transformer_blocks.0.ff.net.2.weight",
    "middle_block.2.out_layers.0.weight": "mid_block.resnets.1.norm2.weight",
    "output_blocks.0.0.in_layers.0.weight": "up_blocks.0.resnets.0.norm1.weight",
    "output_blocks.1.0.skip_connection.weight": "up_blocks.0.resnets.1.conv_shortcut.weight",
    "output_blocks.2.0.emb_layers.1.bias": "up_blocks.0.resnets.2.time_emb_proj.bias",
    "output_blocks.2.1.conv.weight": "up_blocks.0.upsamplers.0.conv.weight",
    "output_blocks.3.1.norm.bias": "up_blocks.1.attentions.0.norm.bias",
    "output_blocks.5.1.proj_in.weight": "up_blocks.1.attentions.2.proj_in.weight",
    "output_blocks.5.2.conv.weight": "up_blocks.1.upsamplers.0.conv.weight",
    "output_blocks.8.2.conv.bias": "up_blocks.2.upsamplers.0.conv.bias",
    "output_blocks.9.0.in_layers.2.weight": "up_blocks.3.resnets.0.conv1.weight",
    "output_blocks.11.0.out_layers.3.weight": "up_blocks.3.resnets.2.conv2.weight",
    "output_blocks.11.1.transformer_blocks.0.attn2.to_v.weight": "up_blocks.3.attentions.2.transformer_blocks.0.attn2.to_v.weight",
    "out.0.weight": "conv_norm_out.weight",
    "out.2.weight": "conv_out.weight",
}
DIFFBIR_CONTROLNET = {
    **{official: ours for official, ours in DIFFBIR_UNET.items() if not official.startswith("out")},
    "zero_convs.0.0.weight": "controlnet_down_blocks.0.weight",
    "zero_convs.3.0.weight": "controlnet_down_blocks.3.weight",
    "zero_convs.11.0.bias": "controlnet_down_blocks.11.bias",
    "middle_block_out.0.weight": "controlnet_mid_block.weight",
}
PASD_PIXEL_DIMS = {0: (1280, 1280, 1280), 1: (1280, 1280, 640), 2: (640, 640, 320), 3: (320, 320, 320)}
"""Channels of the ControlNet's residual that each pixel attention of an up block reads: those of the skip it follows."""
SMALL = UNetConfig(
    block_out_channels=(16, 32),
    attention_levels=(True, False),
    heads=(2, 4),
    time_embed_dim=64,
    text_dim=12,
    image_dim=None,
    norm_groups=4,
    condition_channels=(4, 8, 8, 8),
)
SUM_TOLERANCE = 1e-5
"""Values near one in float32, the same operations in another order."""


def digests(shapes: dict[str, tuple[int, ...]]) -> dict[str, str]:
    blocks = defaultdict(list)
    for name, shape in shapes.items():
        blocks[name.split(".")[0]].append(f"{name} {shape}")
    return {name: hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16] for name, lines in blocks.items()}


def full_networks(family: str) -> dict[str, nn.Module]:
    with torch.device("meta"):
        denoiser = Denoiser(FAMILIES[family].configs["full"], rgb_heads=FAMILIES[family].rgb_heads)
    return {"unet": denoiser.unet, "controlnet": denoiser.controlnet}


@pytest.mark.parametrize("family", FAMILIES)
def test_full_width_networks_have_the_published_names_and_shapes(family: str) -> None:
    published_name = diffbir.official_name if family == "diffbir" else str
    for kind, network in full_networks(family).items():
        shapes = {published_name(name): tuple(value.shape) for name, value in network.state_dict().items()}
        assert len(shapes) == TENSORS[f"{family} {kind}"]
        assert digests(shapes) == PUBLISHED[f"{family} {kind}"]


@pytest.mark.parametrize(("kind", "pairs"), [("unet", DIFFBIR_UNET), ("controlnet", DIFFBIR_CONTROLNET)])
def test_diffbirs_tensors_go_where_they_belong(kind: str, pairs: dict[str, str]) -> None:
    assert {diffbir.official_name(ours): ours for ours in pairs.values()} == pairs
    assert set(pairs.values()) <= full_networks("diffbir")[kind].state_dict().keys()


@pytest.mark.parametrize("kind", ["unet", "controlnet"])
def test_every_official_tensor_of_diffbir_is_one_of_ours_as_diffusers_converts_it(kind: str) -> None:
    """There with our names, back with diffusers' converter of such checkpoints, which moves what stands under a name: here our name."""
    ours = full_networks("diffbir")[kind].state_dict().keys()
    official = {diffbir.official_name(name): name for name in ours}
    assert len(official) == len(ours)
    config = {"layers_per_block": diffbir.FULL.unet.layers_per_block}
    if kind == "unet":
        back = convert_ldm_unet_checkpoint({f"model.diffusion_model.{name}": x for name, x in official.items()}, config)
    else:
        back = convert_controlnet_checkpoint(official, config)
    assert back == {name: name for name in ours}


def test_a_name_of_another_network_has_no_official_one() -> None:
    with pytest.raises(ValueError, match="got vae"):
        diffbir.official_name("vae.decoder.weight")


def test_pasds_pixel_attentions_read_the_residual_of_their_own_skip() -> None:
    state = full_networks("pasd")["unet"].state_dict()
    for block, dims in PASD_PIXEL_DIMS.items():
        keys = [f"up_blocks.{block}.pixel_attentions.{index}.transformer_blocks.0.attn2.to_k.weight" for index in range(3)]
        assert tuple(state[key].shape[1] for key in keys) == dims
    heads = full_networks("pasd")["controlnet"].controlnet_cond_embedding.to_rgbs
    assert [(head.in_channels, head.out_channels) for head in heads] == [(32, 3), (96, 3), (256, 3)]


@torch.no_grad()
@pytest.mark.parametrize("linear", [True, False])
def test_under_the_same_names_the_networks_compute_what_diffusers_do(linear: bool) -> None:
    """So that a tensor of a published name does the published thing: SD 2 projects with linear layers, SD 1.5 with convolutions."""
    torch.manual_seed(0)
    config = UNetConfig(**{**vars(SMALL), "linear_projection": linear})
    sizes = {
        "block_out_channels": config.block_out_channels,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "attention_head_dim": config.heads,  # which diffusers takes for the number of heads
        "cross_attention_dim": config.text_dim,
        "norm_num_groups": config.norm_groups,
        "use_linear_projection": linear,
    }
    unet = UNet2DConditionModel(up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), **sizes).eval()
    control = ControlNetModel(conditioning_embedding_out_channels=config.condition_channels, **sizes).eval()
    for parameter in (*unet.parameters(), *control.parameters()):
        parameter += 0.1 * torch.randn(parameter.shape)
    ours, our_control = ControlledUNet(config).eval(), ControlNet(config).eval()
    ours.load_state_dict(unet.state_dict())
    our_control.load_state_dict(control.state_dict())
    sample, text, picture = torch.randn(2, 4, 8, 12), torch.randn(2, 5, config.text_dim), torch.rand(2, 3, 64, 96)
    times = torch.tensor([3.0, 700.0])
    down, middle = control(sample, times, text, controlnet_cond=picture, return_dict=False)
    residuals = our_control(sample, times, text, None, condition_embedding=our_control.controlnet_cond_embedding(picture))
    for found, expected in zip(residuals, (*down, middle), strict=True):
        torch.testing.assert_close(found, expected, atol=SUM_TOLERANCE, rtol=SUM_TOLERANCE)
    expected = unet(
        sample, times, text, down_block_additional_residuals=down, mid_block_additional_residual=middle, return_dict=False
    )[0]
    found = ours(sample, times, text, None, residuals=residuals)
    torch.testing.assert_close(found, expected, atol=SUM_TOLERANCE, rtol=SUM_TOLERANCE)
