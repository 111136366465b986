"""Stage `preference`: quality and fit to words in one score (`rfsr.rewards.mini_preference`).

Pairs a person would decide alike: a weaker against a stronger fault of the same photograph, and a photograph with its own words
against the same photograph with another's. Whose words are whose, the frozen tagger says of the clean crops.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rfsr.data import PackedCrops
from rfsr.pretrain.latents import BATCH, FrozenParts
from rfsr.pretrain.quality import LadderStage, OwnOutputs, QualityConfig
from rfsr.pretrain.tagger import to01
from rfsr.rewards.mini_preference import MiniPreference, clean_words
from rfsr.rewards.mini_quality import MiniQuality


@dataclass(frozen=True)
class PreferenceConfig:
    """`fit`: weight of own words against another's. The ladders' level keeps scores from growing without bound."""

    ladders: QualityConfig = field(default_factory=QualityConfig)
    fit: float = 1.0


class PreferenceStage(LadderStage):
    """Trains `MiniPreference`, whose eye for faults starts as `MiniQuality`'s; its tagger stays as it is."""

    name = "preference"

    def __init__(
        self, config: PreferenceConfig, crops: PackedCrops, outputs: OwnOutputs, parts: FrozenParts, quality: MiniQuality
    ) -> None:
        super().__init__(config.ladders, crops, outputs)
        self.fit, self.parts = config.fit, parts
        self.reward = MiniPreference(config.ladders.channels, parts.tagger, parts.tokenizer)
        self.reward.critic.load_state_dict(quality.critic.state_dict())
        self.texts = clean_texts(crops, parts)

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """As every ladder stage, and for every ladder another crop of the training pool, whose words do not fit."""
        others = torch.from_numpy(rng.choice(self.pools["train"], size=count))
        return {**super().draw(rng, count, progress01), "others": others}

    def raw(self, pictures01: Tensor, index: np.ndarray) -> Tensor:
        """See `LadderStage.raw`; each picture with the words of its own crop."""
        ids = self.reward.token_ids([self.texts[i] for i in index]).to(pictures01.device)
        return self.reward.raw(pictures01, ids)

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """See `Stage.forward`."""
        scores = self.scores(batch)
        losses = self.losses(scores, batch["strengths"])
        strange = self.raw(batch["pictures"][:, 0], batch["others"].cpu().numpy())
        # where two crops have the same words nothing is to be told apart
        pairs = zip(batch["index"].tolist(), batch["others"].tolist(), strict=True)
        told = torch.tensor([self.texts[i] != self.texts[j] for i, j in pairs], device=scores.device)
        fit = (F.softplus(strange - scores[:, 0]) * told).sum() / told.sum().clamp(min=1)
        return {"loss": losses["loss"] + self.fit * fit, "rank": losses["rank"], "fit": fit}

    @torch.no_grad()
    def check_fit(self) -> dict[str, float]:
        """Over held-out crops: mean and deviation of the raw score, and how often own words beat another's."""
        pool = self.pools["check"]
        own = torch.cat([self.raw(to01(self.crops.hr[part]).to(self.reward.mean.device), part) for part in batches(pool)])
        moved = np.roll(pool, len(pool) // 2)
        strange = torch.cat(
            [
                self.raw(to01(self.crops.hr[part]).to(self.reward.mean.device), other)
                for part, other in zip(batches(pool), batches(moved), strict=True)
            ]
        )
        told = torch.tensor([self.texts[i] != self.texts[j] for i, j in zip(pool, moved, strict=True)], device=own.device)
        right = (own > strange)[told].float().mean().item() if told.any() else float("nan")
        return {"mean": own.mean().item(), "std": own.std().item(), "ownWordsWin": round(right, 4)}

    def facts(self) -> dict[str, Any]:
        """See `Stage.facts`."""
        return {
            **super().facts(),
            "fit": self.fit,
            "held": self.check_fit(),
            "taggerConfig": asdict(self.parts.tagger.config),
            "tags": self.parts.tags,
            "thresholds": self.parts.thresholds,
        }

    def export_state(self) -> dict[str, Tensor]:
        """The reward's own state dict, standardised over held-out crops."""
        found = self.check_fit()
        self.reward.mean.fill_(found["mean"])
        self.reward.std.fill_(found["std"])
        return self.reward.state_dict()

    def write_tokenizer(self, run: Any) -> None:
        """run/tokenizer.json, which the reward needs beside its weights."""
        self.parts.tokenizer.save(str(run / "tokenizer.json"))


def batches(index: np.ndarray) -> list[np.ndarray]:
    """Pieces of at most BATCH."""
    return [index[start : start + BATCH] for start in range(0, len(index), BATCH)]


def clean_texts(crops: PackedCrops, parts: FrozenParts) -> list[str]:
    """The tagger's words for every clean crop, reduced as a degraded one is, joined by commas."""
    thresholds = torch.tensor(parts.thresholds)
    texts = []
    for part in batches(np.arange(len(crops.hr))):
        texts += clean_words(parts.tagger, to01(crops.hr[part]), parts.tags, thresholds)
    return texts
