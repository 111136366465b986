"""ImageReward (Xu et al., arXiv 2304.05977): a person's preference for a picture given words, by BLIP and a small head.

Architecture and key names of the published `ImageReward.pt`: a ViT-L/16 at 224 pixels, a BERT that attends to it, five linear layers.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BlipTextConfig
from transformers.models.blip.modeling_blip_text import BlipTextModel

from rfsr.rewards.clip_iqa import CLIP_MEAN, CLIP_STD
from rfsr.rewards.reward import Reward

SIDE = 224
PATCH = 16
MAX_TOKENS = 35
SCORE_MEAN = 0.16717362830052426
SCORE_STD = 1.0333394966054072
HEAD_WIDTHS = (1024, 128, 64, 16, 1)


class VisionAttention(nn.Module):
    """Self-attention with one projection for query, key and value."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, width] to the same."""
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class VisionBlock(nn.Module):
    """Pre-norm transformer block under timm's key names."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn = VisionAttention(width, heads)
        self.mlp = nn.Module()
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, width] to the same."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))


class VisionTransformer(nn.Module):
    """BLIP's picture encoder. The defaults are ViT-L/16 at 224."""

    def __init__(self, *, width: int = 1024, depth: int = 24, heads: int = 16, side: int = SIDE) -> None:
        super().__init__()
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, PATCH, stride=PATCH)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, (side // PATCH) ** 2 + 1, width))
        self.blocks = nn.ModuleList(VisionBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Normalised pictures [B, 3, side, side] to [B, N, width]."""
        patches = self.patch_embed.proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), patches], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class RewardHead(nn.Module):
    """Linear layers without nonlinearity; dropouts stand between the first three, as published, and count in the key names."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index, out in enumerate(HEAD_WIDTHS):
            layers.append(nn.Linear(width, out))
            if index < 3:
                layers.append(nn.Dropout(0.2 if index < 2 else 0.1))
            width = out
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """[B, width] to [B, 1]."""
        return self.layers(x)


class ImageReward(Reward):
    """The published score, of mean 0 and deviation 1 over its authors' validation set."""

    name = "image_reward"
    range = (float("-inf"), float("inf"))
    ceiling = 2.0
    uses_text = True

    def __init__(self, vision: VisionTransformer, text: BlipTextConfig, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.blip = nn.Module()
        self.blip.visual_encoder = vision
        self.blip.text_encoder = BlipTextModel(text, add_pooling_layer=False)
        self.mlp = RewardHead(text.hidden_size)
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.enable_padding(length=MAX_TOKENS)
        self.tokenizer = tokenizer
        self.register_buffer("mean", torch.tensor(CLIP_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(CLIP_STD)[:, None, None], persistent=False)

    @staticmethod
    def load(path: Path) -> "ImageReward":
        """From a folder with `ImageReward.pt` as published (or .safetensors) and the tokenizer.json of bert-base-uncased."""
        tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        reward = ImageReward(VisionTransformer(), text_config(), tokenizer)
        safe = path / "ImageReward.safetensors"
        state = load_file(safe) if safe.exists() else torch.load(path / "ImageReward.pt", map_location="cpu", weights_only=True)
        # position ids are counted, not learnt: newer code does not keep them
        reward.load_state_dict({key: value for key, value in state.items() if not key.endswith("position_ids")})
        return reward

    def score(self, rgb01: Tensor, texts: list[str]) -> Tensor:
        """See `Reward.score`; differentiable (the published `score_gard`): shorter side to 224, bicubic, middle square."""
        encoded = self.tokenizer.encode_batch(texts)
        ids = torch.tensor([each.ids for each in encoded], device=rgb01.device)
        mask = torch.tensor([each.attention_mask for each in encoded], device=rgb01.device)
        with torch.autocast(rgb01.device.type, enabled=False):
            seen = self.blip.visual_encoder((centre_square(rgb01.float()) - self.mean) / self.std)
            words = self.blip.text_encoder(
                input_ids=ids, attention_mask=mask, encoder_hidden_states=seen, is_decoder=False, return_dict=True
            ).last_hidden_state
            return (self.mlp(words[:, 0])[:, 0] - SCORE_MEAN) / SCORE_STD


def text_config(**changes: int) -> BlipTextConfig:
    """BERT base that attends to a ViT-L: `med_config.json` of the published model."""
    table = {
        "vocab_size": 30524,
        "hidden_size": 768,
        "encoder_hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "max_position_embeddings": 512,
        "layer_norm_eps": 1e-12,
        # the cross-attention layers exist only in a "decoder"; calls say is_decoder=False, so attention is not causal
        "is_decoder": True,
    }
    return BlipTextConfig(**(table | changes))


def centre_square(rgb01: Tensor) -> Tensor:
    """[B, 3, H, W] to [B, 3, 224, 224]: antialiased bicubic to a shorter side of 224, then the middle."""
    height, width = rgb01.shape[-2:]
    scale = SIDE / min(height, width)
    size = (max(SIDE, int(height * scale)), max(SIDE, int(width * scale)))
    resized = F.interpolate(rgb01, size=size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
    top, left = round((size[0] - SIDE) / 2), round((size[1] - SIDE) / 2)
    return resized[..., top : top + SIDE, left : left + SIDE]
