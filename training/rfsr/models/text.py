"""The text encoder: transformers' CLIP text class at SD 2's width (`full`) or a small one (`mini`)."""

from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel


def full_text_config() -> CLIPTextConfig:
    """SD 2 base: OpenCLIP ViT-H's text tower without its last layer."""
    return CLIPTextConfig(
        vocab_size=49408, hidden_size=1024, intermediate_size=4096, projection_dim=512, num_hidden_layers=23,
        num_attention_heads=16, hidden_act="gelu", max_position_embeddings=77, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip


def mini_text_config(vocab_size: int, *, width: int = 64) -> CLIPTextConfig:
    """Two small layers over the mini tokenizer's vocabulary."""
    return CLIPTextConfig(
        vocab_size=vocab_size, hidden_size=width, intermediate_size=2 * width, projection_dim=width, num_hidden_layers=2,
        num_attention_heads=2, hidden_act="gelu", max_position_embeddings=77, pad_token_id=0, bos_token_id=2, eos_token_id=3,
    )  # fmt: skip


class TextEncoder(nn.Module):
    """Token ids to the context that cross-attention reads: the last hidden state after the final layer norm, no padding mask."""

    def __init__(self, config: CLIPTextConfig) -> None:
        super().__init__()
        # decomposed attention: the fused operator computes wrong numbers on some WebGPU adapters
        config._attn_implementation = "eager"
        self.clip = CLIPTextModel(config)

    def forward(self, token_ids: Tensor) -> Tensor:
        """token_ids [B, N] int64 to context [B, N, hidden_size]."""
        return self.clip(input_ids=token_ids).last_hidden_state
