"""Attention as exported at the published sizes: decomposed, softmax in single precision, and a part of the queries at a time where the scores of
all would be more than every graphics adapter lets a program bind at once.
"""

import re

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor

from rfsr.models.denoiser import Denoiser

LARGEST_BYTES = 128_000_000
"""Of one tensor: what WebGPU guarantees (maxStorageBufferBindingSize) is a little more."""
CELLS = 64
"""A side of the latent for which no tensor passes that; larger pictures are run in tiles of it."""


class QueryParts:
    """A processor for diffusers' attention that computes the scores of `parts` equal shares of the queries one after another."""

    def __init__(self, parts: int) -> None:
        self.parts = parts

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """hidden_states [B, N, C], N a multiple of the parts, and what is read [B, M, D], or themselves, to [B, N, C]."""
        read = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        q, k, v = (
            x.unflatten(2, (attn.heads, -1)).transpose(1, 2)
            for x in (attn.to_q(hidden_states), attn.to_k(read), attn.to_v(read))
        )
        shares = [q] if self.parts == 1 else q.unflatten(2, (self.parts, -1)).unbind(2)
        mixed = []
        for share in shares:
            scores = (share * attn.scale) @ k.transpose(-1, -2)
            mixed.append(scores.float().softmax(-1).to(v.dtype) @ v)
        whole = mixed[0] if len(mixed) == 1 else torch.cat(mixed, dim=2)
        return attn.to_out[0](whole.transpose(1, 2).flatten(2))


def part_attention(denoiser: Denoiser, *, cells: int = CELLS, largest: int = LARGEST_BYTES) -> dict[str, int]:
    """Gives every attention of UNet and ControlNet such a processor, in place; names those of more than one part, with how many.

    On cells × cells latents no scores are larger than `largest` bytes, in single precision.
    """
    levels, found = len(denoiser.config.unet.block_out_channels), {}
    for name, module in denoiser.named_modules():
        if not isinstance(module, Attention):
            continue
        place = re.search(r"(down|up)_blocks\.(\d)", name)
        level = levels - 1 if place is None else int(place[2]) if place[1] == "down" else levels - 1 - int(place[2])
        tokens, parts = (cells >> level) ** 2, 1
        sees_cells = name.endswith("attn1") or "pixel_attentions" in name
        while sees_cells and 4 * module.heads * tokens**2 // parts > largest:
            parts *= 2
        module.set_processor(QueryParts(parts))
        if parts > 1:
            found[name] = parts
    return found
