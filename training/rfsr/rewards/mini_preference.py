"""`mini_preference`: which of two pictures fits some tags better, trained by this project (stage `preference` of `rfsr pretrain`).

It stands where ImageReward stands at full size: quality and fit to the words in one score. It knows the tags' vocabulary only, and
sees what the bundle's own tagger sees.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from rfsr.checkpoint import config_from
from rfsr.models.tagger import MiniTagger, TaggerConfig, normalise_image, tags_said
from rfsr.rewards.critic import Critic
from rfsr.rewards.reward import Reward

PAD = 0


class MiniPreference(Reward):
    """Mean 0 and deviation 1 over held-out clean photographs with their own tags."""

    name = "mini_preference"
    range = (float("-inf"), float("inf"))
    ceiling = 2.0
    uses_text = True
    mean: Tensor
    std: Tensor

    def __init__(self, channels: tuple[int, ...], tagger: MiniTagger, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.critic = Critic(channels)
        self.tagger = tagger.requires_grad_(False)
        self.words = nn.Embedding(tokenizer.get_vocab_size(), tagger.config.embed_dim, padding_idx=PAD)
        self.sight = nn.Linear(tagger.config.embed_dim, tagger.config.embed_dim)
        self.fit_scale = nn.Parameter(torch.tensor(4.0))
        self.tokenizer = tokenizer
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("std", torch.ones(()))

    @staticmethod
    def load(path: Path) -> "MiniPreference":
        """From a run folder of the stage `preference`, or the folder of shipped rewards."""
        facts = json.loads((path / "facts.json").read_text())
        tagger = MiniTagger(config_from(TaggerConfig, facts["taggerConfig"]))
        reward = MiniPreference(tuple(facts["channels"]), tagger, Tokenizer.from_file(str(path / "tokenizer.json")))
        reward.load_state_dict({key: value.float() for key, value in load_file(path / "model.safetensors").items()})
        return reward

    def token_ids(self, texts: list[str]) -> Tensor:
        """Ids [B, N] without start and end, padded; a text without words is one padding."""
        rows = [self.tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        width = max(1, *(len(row) for row in rows))
        return torch.tensor([row + [PAD] * (width - len(row)) for row in rows])

    def raw(self, rgb01: Tensor, ids: Tensor) -> Tensor:
        """Scores [B] before they are standardised."""
        spoken = (ids != PAD).float()[..., None]
        words = (self.words(ids) * spoken).sum(dim=1) / spoken.sum(dim=1).clamp(min=1)
        seen = self.tagger(normalise_image(rgb01, side=self.tagger.config.side))[0].float()[:, 0]
        fit = F.cosine_similarity(words, self.sight(seen), dim=1)
        return self.critic(rgb01) + self.fit_scale * fit

    def score(self, rgb01: Tensor, texts: list[str]) -> Tensor:
        """See `Reward.score`."""
        return (self.raw(rgb01, self.token_ids(texts).to(rgb01.device)) - self.mean) / self.std


@torch.no_grad()
def clean_words(tagger: MiniTagger, clean01: Tensor, tags: list[str], thresholds: Tensor) -> list[str]:
    """What a tagger says of clean pictures [B, 3, H, W] in 0…1, reduced as a degraded one is: the tags of each, joined by commas."""
    small = F.interpolate(clean01, scale_factor=0.25, mode="bicubic", antialias=True).clamp(0, 1)
    logits = tagger(normalise_image(small, side=tagger.config.side))[1]
    return [", ".join(said) for said in tags_said(logits, tags, thresholds)]
