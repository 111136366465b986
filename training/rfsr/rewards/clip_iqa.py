"""CLIP-IQA (Wang et al., arXiv 2207.12396): how much nearer CLIP puts a picture to "good" than to "bad" words.

CLIP RN50 with the official key names (Radford et al., arXiv 2103.00020). As published for quality, the attention pool has no
positional embedding, so that pictures of any size are seen at their own size.
"""

from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from rfsr.rewards.reward import Reward

PROMPT_PAIRS = (
    ("Good image", "bad image"),
    ("Sharp image", "blurry image"),
    ("sharp edges", "blurry edges"),
    ("High resolution image", "low resolution image"),
    ("Noise-free image", "noisy image"),
)
"""The five pairs of pyiqa's `clipiqa`, which RFSR used; their probabilities are averaged."""
OFFICIAL_PAIR = (("Good photo.", "Bad photo."),)
"""The single pair of the authors' own configuration."""
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
CONTEXT = 77


class Bottleneck(nn.Module):
    """1×1, 3×3, average pool, 1×1: CLIP's anti-aliased residual block."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.stride = stride
        self.downsample = None
        if stride > 1 or channels != 4 * width:
            conv = nn.Conv2d(channels, 4 * width, 1, bias=False)
            pool = nn.AvgPool2d(stride)
            self.downsample = nn.Sequential(OrderedDict([("-1", pool), ("0", conv), ("1", nn.BatchNorm2d(4 * width))]))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h, w] to [B, 4·width, h/stride, w/stride]."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(F.avg_pool2d(y, self.stride)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class AttentionPool(nn.Module):
    """One query, the mean of all positions, attends to them."""

    def __init__(self, positions: int, channels: int, heads: int, out: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.zeros(positions + 1, channels))
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(channels, channels) for _ in range(3))
        self.c_proj = nn.Linear(channels, out)
        self.heads = heads

    def forward(self, x: Tensor, *, positional: bool) -> Tensor:
        """[B, C, h, w] to [B, out]; with `positional` h·w must be the size CLIP was trained at."""
        tokens = x.flatten(2).transpose(1, 2)
        tokens = torch.cat([tokens.mean(dim=1, keepdim=True), tokens], dim=1)
        if positional:
            tokens = tokens + self.positional_embedding
        query, key, value = self.q_proj(tokens[:, :1]), self.k_proj(tokens), self.v_proj(tokens)
        heads = [each.unflatten(2, (self.heads, -1)).transpose(1, 2) for each in (query, key, value)]
        return self.c_proj(F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(1))


class ModifiedResNet(nn.Module):
    """CLIP's ResNet: a stem of three convolutions and four stages of bottlenecks."""

    def __init__(self, layers: tuple[int, ...], width: int, out: int, side: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width // 2, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width // 2)
        self.conv2, self.bn2 = nn.Conv2d(width // 2, width // 2, 3, padding=1, bias=False), nn.BatchNorm2d(width // 2)
        self.conv3, self.bn3 = nn.Conv2d(width // 2, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        channels = width
        for number, count in enumerate(layers):
            blocks = []
            for index in range(count):
                blocks.append(Bottleneck(channels, width * 2**number, 2 if number > 0 and index == 0 else 1))
                channels = 4 * width * 2**number
            setattr(self, f"layer{number + 1}", nn.Sequential(*blocks))
        self.attnpool = AttentionPool((side // 32) ** 2, channels, channels // 64, out)

    def forward(self, x: Tensor, *, positional: bool) -> Tensor:
        """Normalised pictures [B, 3, H, W] to [B, out]."""
        for number in (1, 2, 3):
            x = F.relu(getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(x)))
        x = F.avg_pool2d(x, 2)
        for number in (1, 2, 3, 4):
            x = getattr(self, f"layer{number}")(x)
        return self.attnpool(x, positional=positional)


class TextBlock(nn.Module):
    """Pre-norm transformer block under CLIP's key names."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        layers = [("c_fc", nn.Linear(width, 4 * width)), ("c_proj", nn.Linear(4 * width, width))]
        self.mlp = nn.ModuleDict(OrderedDict(layers))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """[B, N, width] to the same, causally."""
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, attn_mask=mask, need_weights=False)[0]
        hidden = self.mlp["c_fc"](self.ln_2(x))
        return x + self.mlp["c_proj"](hidden * torch.sigmoid(1.702 * hidden))


class CLIP(nn.Module):
    """CLIP with a ResNet. The defaults are RN50."""

    def __init__(
        self,
        *,
        embed_dim: int = 1024,
        vision_layers: tuple[int, ...] = (3, 4, 6, 3),
        vision_width: int = 64,
        side: int = 224,
        vocab: int = 49408,
        text_width: int = 512,
        text_layers: int = 12,
    ) -> None:
        super().__init__()
        self.visual = ModifiedResNet(vision_layers, vision_width, embed_dim, side)
        blocks = [TextBlock(text_width, max(1, text_width // 64)) for _ in range(text_layers)]
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.Sequential(*blocks)
        self.token_embedding = nn.Embedding(vocab, text_width)
        self.positional_embedding = nn.Parameter(torch.zeros(CONTEXT, text_width))
        self.ln_final = nn.LayerNorm(text_width)
        self.text_projection = nn.Parameter(torch.zeros(text_width, embed_dim))
        self.logit_scale = nn.Parameter(torch.zeros(()))

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Token ids [B, 77] to [B, embed_dim], read at the end token, which has the highest id."""
        x = self.token_embedding(tokens) + self.positional_embedding
        mask = torch.full((CONTEXT, CONTEXT), float("-inf"), device=x.device, dtype=x.dtype).triu(1)
        for block in self.transformer.resblocks:
            x = block(x, mask)
        return self.ln_final(x)[torch.arange(len(x)), tokens.argmax(dim=1)] @ self.text_projection


class ClipIQA(Reward):
    """The probability of the good words, averaged over pairs of prompts."""

    name = "clip_iqa"
    range = (0.0, 1.0)
    ceiling = 1.0
    uses_text = False

    def __init__(self, clip: CLIP, prompt_tokens: Tensor) -> None:
        """`prompt_tokens` [pairs, 2, 77]: good words first."""
        super().__init__()
        self.clip = clip.eval()
        with torch.no_grad():
            words = F.normalize(clip.encode_text(prompt_tokens.flatten(0, 1)), dim=-1).unflatten(0, prompt_tokens.shape[:2])
        self.register_buffer("words", words, persistent=False)
        self.register_buffer("mean", torch.tensor(CLIP_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(CLIP_STD)[:, None, None], persistent=False)

    @staticmethod
    def load(path: Path, pairs: tuple[tuple[str, str], ...] = PROMPT_PAIRS) -> "ClipIQA":
        """From a folder with CLIP RN50's weights (`RN50.pt` as published, or RN50.safetensors) and CLIP's tokenizer.json."""
        clip = CLIP()
        if (path / "RN50.safetensors").exists():
            state = load_file(path / "RN50.safetensors")
        else:
            state = torch.jit.load(str(path / "RN50.pt"), map_location="cpu").state_dict()
        buffers = ("input_resolution", "context_length", "vocab_size")
        clip.load_state_dict({key: value.float() for key, value in state.items() if key not in buffers}, strict=False)
        return ClipIQA(clip, clip_tokens(Tokenizer.from_file(str(path / "tokenizer.json")), pairs))

    def score(self, rgb01: Tensor, texts: list[str]) -> Tensor:
        """See `Reward.score`; pictures keep their size."""
        with torch.autocast(rgb01.device.type, enabled=False):
            features = F.normalize(self.clip.visual((rgb01.float() - self.mean) / self.std, positional=False), dim=-1)
            logits = self.clip.logit_scale.exp() * torch.einsum("be,pke->bpk", features, self.words)
        return logits.softmax(dim=-1)[..., 0].mean(dim=1)


def clip_tokens(tokenizer: Tokenizer, pairs: tuple[tuple[str, str], ...]) -> Tensor:
    """Ids [pairs, 2, 77] padded with zeros, as OpenAI's own tokenizer pads."""
    ids = torch.zeros(len(pairs), 2, CONTEXT, dtype=torch.long)
    for row, pair in enumerate(pairs):
        for column, text in enumerate(pair):
            found = tokenizer.encode(text).ids[:CONTEXT]
            ids[row, column, : len(found)] = torch.tensor(found)
    return ids
