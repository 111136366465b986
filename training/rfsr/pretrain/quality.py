"""Stage `quality`: a small network learns to order versions of a photograph by how faulty they are (`rfsr.rewards.mini_quality`).

Versions are ladders of one fault at rising strength (`rfsr.rewards.ladders`), and two more: towards the degraded picture enlarged by
bicubic interpolation, and towards what a super-resolver made of it, so that the score also knows the model it is to teach.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr
from torch import Tensor
from tqdm import tqdm

from rfsr.checkpoint import read_manifest
from rfsr.data import PackedCrops
from rfsr.loop import Stage
from rfsr.pretrain.tagger import to01
from rfsr.restorers import SCALE, BundleRestorer
from rfsr.rewards.critic import Critic
from rfsr.rewards.ladders import FAULTS, mix

KINDS = (*FAULTS, "input", "output")
CHECK_RUNGS = 8


@dataclass(frozen=True)
class QualityConfig:
    """`rungs` versions a ladder, seen in windows of `window` pixels.

    `rank`: weight of the pairwise ranking within a ladder; `level`: of the score's own level, which should fall from `clean_level`
    to `faulty_level` (as a probability) along every ladder. `often`: how many times as often as others a kind is drawn.
    """

    channels: tuple[int, ...] = (32, 64, 96, 128)
    rungs: int = 4
    window: int = 128
    rank: float = 1.0
    level: float = 0.5
    clean_level: float = 0.9
    faulty_level: float = 0.1
    often: dict[str, float] = field(default_factory=lambda: {"oversharp": 4.0, "overcooked": 4.0})


@dataclass(frozen=True)
class OwnOutputs:
    """What a super-resolver made of some crops: `index` [M] into the crops, `rgb8` uint8 [M, S, S, 3]."""

    index: np.ndarray
    rgb8: np.ndarray


def own_outputs(crops: PackedCrops, bundle: Path, *, count: int, steps: int) -> OwnOutputs:
    """Restores `count` crops spread over all that were reduced by `SCALE`, once: kept beside the crops under a digest of its graphs."""
    graphs = json.dumps(read_manifest(bundle)["graphs"], sort_keys=True)
    key = hashlib.sha256(graphs.encode()).hexdigest()[:12]
    path = crops.folder / f"outputs-{key}-{count}.npy"
    usable = np.array([number for number, facts in enumerate(crops.facts) if facts["scales"][0] == SCALE])
    index = usable[np.linspace(0, len(usable) - 1, min(count, len(usable))).astype(int)]
    if not path.exists():
        restorer = BundleRestorer(bundle, overrides={"steps": steps})
        made = [restorer.restore(crops.small(i, 0), picture=str(i)) for i in tqdm(index, desc="outputs", mininterval=10)]
        np.save(path, np.stack(made))
    return OwnOutputs(index, np.load(path, mmap_mode="r"))


class LadderStage(Stage):
    """What the two stages of rewards share: ladders to draw, a ranking loss, and the check on photographs never trained on."""

    def __init__(self, config: QualityConfig, crops: PackedCrops, outputs: OwnOutputs) -> None:
        super().__init__()
        self.config, self.crops, self.outputs = config, crops, outputs
        self.pools = {"train": crops.training, "check": crops.held_out}
        often = np.array([config.often.get(kind, 1.0) for kind in KINDS])
        self.shares = often / often.sum()
        self.output_row = {int(crop): row for row, crop in enumerate(outputs.index)}

    def raw(self, pictures01: Tensor, index: np.ndarray) -> Tensor:
        """Scores [B] before any scale of pictures [B, 3, H, W] made of crops `index` [B]."""
        raise NotImplementedError

    def pool(self, name: str, kind: str) -> np.ndarray:
        """The crops of a pool that a ladder of this kind can be made of."""
        found = self.pools[name]
        return found[np.isin(found, self.outputs.index)] if kind == "output" else found

    def ladder(self, crop: int, kind: str, strengths: np.ndarray, rng: np.random.Generator) -> Tensor:
        """[R, 3, window, window] in 0…1, rounded as 8-bit pictures are: one window of the crop at each strength."""
        clean = to01(self.crops.hr[crop][None])[0]
        side, window = clean.shape[-1], min(self.config.window, clean.shape[-1])
        if kind == "input":
            worst = to01(self.crops.degraded[crop, :1])[0]
        elif kind == "output":
            worst = to01(self.outputs.rgb8[self.output_row[int(crop)]][None])[0]
        top, left = rng.integers(side - window + 1, size=2)
        cut = (slice(None), slice(top, top + window), slice(left, left + window))
        if kind in FAULTS:
            rungs = [FAULTS[kind](clean[cut], float(strength), rng) for strength in strengths]
        else:
            rungs = [mix(clean[cut], worst[cut], float(strength)) for strength in strengths]
        return (torch.stack(rungs).clamp(0, 1) * 255).round() / 255

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """`pictures` [B, R, 3, w, w], `strengths` [B, R] rising along R, `index` [B] of the crops."""
        pictures, strengths, index = [], [], []
        for kind in rng.choice(KINDS, size=count, p=self.shares):
            crop = int(rng.choice(self.pool("train", kind)))
            rungs = np.sort(rng.random(self.config.rungs))
            # half of the ladders begin at the clean picture itself
            rungs[0] *= rng.random() < 0.5
            pictures.append(self.ladder(crop, kind, rungs, rng))
            strengths.append(rungs)
            index.append(crop)
        return {
            "pictures": torch.stack(pictures),
            "strengths": torch.from_numpy(np.array(strengths, dtype=np.float32)),
            "index": torch.tensor(index),
        }

    def scores(self, batch: dict[str, Tensor]) -> Tensor:
        """Raw scores [B, R] of a drawn batch."""
        rungs = batch["pictures"].shape[1]
        index = batch["index"].cpu().numpy().repeat(rungs)
        return self.raw(batch["pictures"].flatten(0, 1), index).unflatten(0, (-1, rungs))

    def losses(self, scores: Tensor, strengths: Tensor) -> dict[str, Tensor]:
        """Ranking and level of scores [B, R] whose pictures have the strengths [B, R]."""
        config = self.config
        # entry i, j: how much better the weaker fault i scores than the stronger j
        margin = scores[:, :, None] - scores[:, None, :]
        weaker = strengths[:, :, None] < strengths[:, None, :]
        wanted = config.clean_level + (config.faulty_level - config.clean_level) * strengths
        losses = {
            "rank": F.softplus(-margin)[weaker].mean(),
            "level": F.binary_cross_entropy_with_logits(scores.float(), wanted),
        }
        return {"loss": config.rank * losses["rank"] + config.level * losses["level"], **losses}

    @torch.no_grad()
    def rank_correlations(self, *, pictures: int = 24) -> dict[str, float]:
        """Spearman's correlation of score and true order within one held-out picture, mean over pictures, by kind of fault."""
        rng = np.random.default_rng(0)
        device = next(self.parameters()).device
        strengths = np.linspace(0, 1, CHECK_RUNGS)
        found = {}
        for kind in KINDS:
            pool = self.pool("check", kind)
            if len(pool) == 0:
                continue
            each = []
            for crop in pool[np.linspace(0, len(pool) - 1, min(pictures, len(pool))).astype(int)]:
                ladder = self.ladder(crop, kind, strengths, rng).to(device)
                scores = self.raw(ladder, np.full(len(ladder), crop)).float().cpu().numpy()
                each.append(spearmanr(-strengths, scores).statistic)
            found[kind] = round(float(np.mean(each)), 4)
        return found

    def sample_rows(self) -> list[Tensor]:
        """One ladder of every kind, of held-out pictures."""
        rng = np.random.default_rng(0)
        kinds = [kind for kind in KINDS if len(self.pool("check", kind))]
        return [self.ladder(self.pool("check", kind)[0], kind, np.linspace(0, 1, 6), rng) for kind in kinds]

    def facts(self) -> dict[str, Any]:
        """See `Stage.facts`."""
        return {
            "channels": list(self.config.channels),
            "loss": asdict(self.config),
            "rankCorrelation": self.rank_correlations(),
        }


class QualityStage(LadderStage):
    """Trains the network of `MiniQuality`."""

    name = "quality"

    def __init__(self, config: QualityConfig, crops: PackedCrops, outputs: OwnOutputs) -> None:
        super().__init__(config, crops, outputs)
        self.critic = Critic(config.channels)

    def raw(self, pictures01: Tensor, index: np.ndarray) -> Tensor:
        """See `LadderStage.raw`."""
        return self.critic(pictures01)

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """See `Stage.forward`."""
        return self.losses(self.scores(batch), batch["strengths"])
