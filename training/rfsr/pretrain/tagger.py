"""Stage `tagger`: the student sees the degraded crop and learns what a frozen classifier says of the clean one."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rfsr.data import PackedCrops
from rfsr.features.squeezenet import SqueezeNetFeatures
from rfsr.loop import Stage
from rfsr.models.tagger import MiniTagger, TaggerConfig, normalise_image
from rfsr.models.vocabulary import build_tokenizer, read_tags

TEACHER_SIDE = 227
FEATURE_CHANNELS = 512
CHECKED, SHOWN = 200, 8
"""Held-out crops that thresholds are chosen on, and that are shown."""


@dataclass(frozen=True)
class TaggerStageConfig:
    """`teacher_tag`: the teacher's probability from which a word counts as shown, when the threshold is chosen."""

    embed: float = 1.0
    tags: float = 20.0
    teacher_tag: float = 0.25


class TaggerStage(Stage):
    """Distils SqueezeNet on the clean crop into `MiniTagger` on the degraded one."""

    name = "tagger"

    def __init__(self, config: TaggerStageConfig, crops: PackedCrops, teacher: SqueezeNetFeatures, synsets: Path) -> None:
        super().__init__()
        self.config, self.crops = config, crops
        self.labels, class_to_tag = read_tags(synsets)
        self.tagger = MiniTagger(TaggerConfig(tags=len(self.labels)))
        # only training needs it: from the student's embeddings back to the teacher's feature channels
        self.expand = nn.Linear(self.tagger.config.embed_dim, FEATURE_CHANNELS)
        self.teacher = teacher.requires_grad_(False)
        gather = F.one_hot(torch.tensor(class_to_tag), len(self.labels)).float()
        self.register_buffer("gather", gather, persistent=False)

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """Clean and enlarged degraded crops [B, 3, S, S] in 0…1, of photographs that are trained on."""
        index = np.sort(rng.choice(self.crops.training, size=count))
        return self.pair(index, rng.integers(self.crops.degraded.shape[1], size=count))

    def pair(self, index: np.ndarray, kind: np.ndarray) -> dict[str, Tensor]:
        """Crops `index` with their degradation number `kind`."""
        return {"hr": to01(self.crops.hr[index]), "degraded": to01(self.crops.degraded[index, kind])}

    def answers(self, hr: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's tag probabilities [B, tags] and unit-length features [B, N, 512] on clean crops."""
        with torch.no_grad():
            seen = F.interpolate(hr, size=(TEACHER_SIDE, TEACHER_SIDE), mode="bilinear", antialias=True)
            features, logits = self.teacher.classify(seen)
            grid = self.tagger.config.side // 16
            pooled = F.adaptive_avg_pool2d(features.float(), grid).flatten(2).transpose(1, 2)
            return logits.float().softmax(1) @ self.gather, F.normalize(pooled, dim=-1)

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """See `Stage.forward`."""
        probabilities, features = self.answers(batch["hr"])
        embeds, logits = self.tagger(normalise_image(batch["degraded"], side=self.tagger.config.side))
        embed_loss = 1 - (F.normalize(self.expand(embeds[:, 1:]).float(), dim=-1) * features).sum(-1).mean()
        tag_loss = F.binary_cross_entropy_with_logits(logits.float(), probabilities)
        return {
            "loss": self.config.embed * embed_loss + self.config.tags * tag_loss,
            "embed": embed_loss,
            "tags": tag_loss,
        }

    def sample_rows(self) -> list[Tensor]:
        """Held-out degraded crops; their tags are in facts.json."""
        return [to01(self.crops.degraded[self.crops.held_out[:SHOWN], 0])]

    @torch.no_grad()
    def facts(self) -> dict[str, Any]:
        """Configuration, tags, the threshold with the best F1 against the teacher on held-out crops, and some answers."""
        index = self.crops.held_out[:CHECKED]
        device = self.gather.device
        pair = {key: value.to(device) for key, value in self.pair(index, np.zeros_like(index)).items()}
        truth = torch.cat([self.answers(part)[0] for part in pair["hr"].split(50)]) > self.config.teacher_tag
        said = self.tagger(normalise_image(pair["degraded"], side=self.tagger.config.side))[1].float().sigmoid()
        scores = {}
        for threshold in np.arange(0.05, 0.6, 0.05).round(2).tolist():
            hits = ((said > threshold) & truth).sum().item()
            scores[threshold] = 2 * hits / max((said > threshold).sum().item() + truth.sum().item(), 1)
        best = max(scores, key=lambda threshold: scores[threshold])
        shown = [[self.labels[i] for i in row.nonzero()[:, 0].tolist()] for row in said[:SHOWN] > best]
        return {
            "taggerConfig": asdict(self.tagger.config),
            "tags": self.labels,
            "thresholds": [best] * len(self.labels),
            "f1": round(scores[best], 4),
            "answersOnSamples": shown,
        }

    def export_state(self) -> dict[str, Tensor]:
        """The student's own state dict, without prefix."""
        return self.tagger.state_dict()

    def write_tokenizer(self, run: Path) -> None:
        """run/tokenizer.json over the tags."""
        build_tokenizer(self.labels).save(str(run / "tokenizer.json"))


def to01(rgb8: np.ndarray) -> Tensor:
    """uint8 [B, H, W, 3] to float32 [B, 3, H, W] in 0…1."""
    return torch.from_numpy(np.ascontiguousarray(rgb8)).permute(0, 3, 1, 2).float() / 255
