"""Published names mean what the published programs do with them: against diffusers' own converters and against formulas."""

import hashlib
import re

import pytest
import torch
import torch.nn.functional as F
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint, convert_open_clip_checkpoint
from torch import Tensor, nn

from rfsr.convert.names import ldm_vae_naming, old_vae_name, open_clip_name, ram_name
from rfsr.convert.synthesize import published, random_network
from rfsr.models.published import SIZES
from rfsr.models.tagger import DapeConfig, DapeTagger
from rfsr.models.text import TextEncoder
from rfsr.models.vae import StockAutoencoder

TOY = SIZES["toy"]
RAM_SWIN = "79d8f9cac3696d02"
"""sha256 over the sorted "name (shape)" lines of the published Swin transformer, without adapters and computed tables."""
RAM_SWIN_TENSORS = 327
TOLERANCE = 1e-5
"""Values near one in float32, the same operations in another order."""


def test_the_latent_diffusion_autoencoder_is_what_diffusers_makes_of_it() -> None:
    vae = random_network(lambda: StockAutoencoder(TOY.vae), seed=0)
    official = published(vae, ldm_vae_naming(4), prefix="first_stage_model.")
    assert official["first_stage_model.encoder.mid.attn_1.q.weight"].shape == (8, 8, 1, 1)
    back = convert_ldm_vae_checkpoint(
        official, {"down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4}
    )
    want = vae.state_dict()
    assert back.keys() == want.keys()
    assert all(torch.equal(back[name].reshape(value.shape), value) for name, value in want.items())


def test_the_autoencoders_older_names_are_those_that_diffusers_renames() -> None:
    vae = random_network(lambda: StockAutoencoder(TOY.vae), seed=0)
    old, other = published(vae, old_vae_name), StockAutoencoder(TOY.vae)
    assert sum(name.endswith(".proj_attn.weight") for name in old) == 2
    other._fix_state_dict_keys_on_load(old)
    other.load_state_dict(old)


def test_open_clips_text_tower_is_what_diffusers_makes_of_it() -> None:
    config = TOY.text["sd2"]
    text = random_network(lambda: TextEncoder(config), seed=0)
    official = published(text, open_clip_name, prefix="cond_stage_model.model.")
    back = convert_open_clip_checkpoint(text.clip, official)
    found = {re.sub("^text_model", "clip", name): value for name, value in back.items()}
    want = text.state_dict()
    assert found.keys() == want.keys() and all(torch.equal(found[name], value) for name, value in want.items())


def test_a_name_of_another_network_is_no_text_encoders() -> None:
    with pytest.raises(ValueError, match=r"got unet\.conv"):
        open_clip_name("unet.conv.weight")


def test_rams_swin_transformer_has_the_published_names_and_shapes() -> None:
    with torch.device("meta"):
        tagger = DapeTagger(SIZES["full"].tagger)
    shapes = {name: tuple(value.shape) for name, value in published(tagger, ram_name).items()}
    lines = sorted(f"{name} {shape}" for name, shape in shapes.items() if name.startswith("visual_encoder."))
    assert len(lines) == RAM_SWIN_TENSORS
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] == RAM_SWIN
    head = {name: shape for name, shape in shapes.items() if not name.startswith("visual_encoder.")}
    assert head["label_embed"] == (4585, 512) and head["wordvec_proj.weight"] == (768, 512)
    assert head["tagging_head.encoder.layer.1.crossattention.self.key.weight"] == (768, 512)
    assert head["tagging_head.encoder.layer.0.intermediate.dense.weight"] == (3072, 768) and head["fc.weight"] == (1, 768)


def swin_block(x: Tensor, weights: dict[str, Tensor], *, heads: int, window: int, shift: int) -> Tensor:
    """A block of the original Swin transformer by its formula and names, cell by cell: x [side, side, C] to the same."""
    side, _, channels = x.shape
    normed = F.layer_norm(x, (channels,), weights["norm1.weight"], weights["norm1.bias"])
    qkv = F.linear(normed, weights["attn.qkv.weight"], weights["attn.qkv.bias"]).reshape(side, side, 3, heads, -1)
    table = weights["attn.relative_position_bias_table"].reshape(2 * window - 1, 2 * window - 1, heads)
    mixed = torch.zeros(side, side, heads, channels // heads)

    def region(at: int) -> tuple[int, int]:
        """Which window a row is in once all are moved up by the shift, and whether it came round the edge."""
        moved = (at - shift) % side
        return moved // window, int(at < shift)

    for row in range(side):
        for column in range(side):
            there = [
                (r, c) for r in range(side) for c in range(side) if region(r) == region(row) and region(c) == region(column)
            ]
            keys = torch.stack([qkv[r, c, 1] for r, c in there])
            values = torch.stack([qkv[r, c, 2] for r, c in there])
            bias = torch.stack([
                table[(row - shift) % side - (r - shift) % side + window - 1, (column - shift) % side - (c - shift) % side + window - 1]
                for r, c in there
            ])  # fmt: skip
            scores = (keys * qkv[row, column, 0]).sum(-1) * (channels // heads) ** -0.5 + bias
            mixed[row, column] = (scores.softmax(0)[..., None] * values).sum(0)
    x = x + F.linear(mixed.reshape(side, side, channels), weights["attn.proj.weight"], weights["attn.proj.bias"])
    normed = F.layer_norm(x, (channels,), weights["norm2.weight"], weights["norm2.bias"])
    inner = F.gelu(F.linear(normed, weights["mlp.fc1.weight"], weights["mlp.fc1.bias"]))
    return x + F.linear(inner, weights["mlp.fc2.weight"], weights["mlp.fc2.bias"])


def merge_patches(x: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """[side, side, C] to [side/2, side/2, 2C], as the original gathers four cells: down first, then right."""
    four = torch.cat([x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]], dim=-1)
    return F.linear(
        F.layer_norm(four, four.shape[-1:], weights["norm.weight"], weights["norm.bias"]), weights["reduction.weight"]
    )


@torch.no_grad()
def test_under_the_published_names_the_tagger_computes_what_the_published_program_does() -> None:
    """RAM by its formulas, cell by cell: windows, shifts, merging, the mean token, queries without self-attention."""
    config = DapeConfig(
        side=32,
        swin_dim=4,
        depths=(2, 1),
        heads=(2, 2),
        window=4,
        embed_dim=6,
        tags=5,
        query_dim=8,
        query_heads=2,
        query_layers=1,
    )
    tagger = random_network(lambda: DapeTagger(config), seed=0).eval()
    weights = published(tagger, ram_name)

    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}

    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    swin = part("visual_encoder.")
    x = F.conv2d(image, swin["patch_embed.proj.weight"], swin["patch_embed.proj.bias"], stride=4)[0].permute(1, 2, 0)
    x = F.layer_norm(x, (4,), swin["patch_embed.norm.weight"], swin["patch_embed.norm.bias"])
    x = swin_block(x, part("visual_encoder.layers.0.blocks.0."), heads=2, window=4, shift=0)
    x = swin_block(x, part("visual_encoder.layers.0.blocks.1."), heads=2, window=4, shift=2)
    x = merge_patches(x, part("visual_encoder.layers.0.downsample."))
    x = swin_block(x, part("visual_encoder.layers.1.blocks.0."), heads=2, window=4, shift=0)
    cells = F.layer_norm(x, (8,), swin["norm.weight"], swin["norm.bias"]).reshape(16, 8)
    embeds = F.linear(torch.cat([cells.mean(0, keepdim=True), cells]), weights["image_proj.weight"], weights["image_proj.bias"])
    queries = F.relu(F.linear(weights["label_embed"], weights["wordvec_proj.weight"], weights["wordvec_proj.bias"]))
    layer = part("tagging_head.encoder.layer.0.")
    attention = nn.MultiheadAttention(8, 2, kdim=6, vdim=6)
    for which in ("query", "key", "value"):
        getattr(attention, f"{which[0]}_proj_weight").copy_(layer[f"crossattention.self.{which}.weight"])
    attention.in_proj_bias.copy_(torch.cat([layer[f"crossattention.self.{which}.bias"] for which in ("query", "key", "value")]))
    attention.out_proj.weight.copy_(layer["crossattention.output.dense.weight"])
    attention.out_proj.bias.copy_(layer["crossattention.output.dense.bias"])

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (8,), layer[f"{name}.weight"], layer[f"{name}.bias"], eps=1e-12)

    queries = norm(queries + attention(queries, embeds, embeds)[0], "crossattention.output.LayerNorm")
    inner = F.gelu(F.linear(queries, layer["intermediate.dense.weight"], layer["intermediate.dense.bias"]))
    queries = norm(queries + F.linear(inner, layer["output.dense.weight"], layer["output.dense.bias"]), "output.LayerNorm")
    logits = F.linear(queries, weights["fc.weight"], weights["fc.bias"])[:, 0]
    found_embeds, found_logits = tagger(image)
    torch.testing.assert_close(found_embeds[0], embeds, atol=TOLERANCE, rtol=TOLERANCE)
    torch.testing.assert_close(found_logits[0], logits, atol=TOLERANCE, rtol=TOLERANCE)
