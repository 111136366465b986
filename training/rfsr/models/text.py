"""The text encoder: transformers' CLIP text class, at the published sizes (`rfsr.models.published`) or a small one."""

from dataclasses import dataclass

from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

MAX_TOKENS = 77


@dataclass(frozen=True)
class TextConfig:
    """Vocabulary and widths. The defaults are the mini's. `activation`: of the feed-forwards, as transformers names it."""

    vocab_size: int
    width: int = 64
    layers: int = 2
    heads: int = 2
    mlp_ratio: int = 2
    activation: str = "gelu"


class TextEncoder(nn.Module):
    """Token ids to the context that cross-attention reads: the last hidden state after the final layer norm, no padding mask."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        clip = CLIPTextConfig(
            vocab_size=config.vocab_size, hidden_size=config.width, intermediate_size=config.mlp_ratio * config.width,
            projection_dim=config.width, num_hidden_layers=config.layers, num_attention_heads=config.heads,
            hidden_act=config.activation, max_position_embeddings=MAX_TOKENS, pad_token_id=0, bos_token_id=2, eos_token_id=3,
        )  # fmt: skip
        # decomposed attention: the fused operator computes wrong numbers on some WebGPU adapters
        clip._attn_implementation = "eager"
        self.clip = CLIPTextModel(clip)

    def forward(self, token_ids: Tensor) -> Tensor:
        """token_ids [B, N] int64 to context [B, N, width]."""
        return self.clip(input_ids=token_ids).last_hidden_state
