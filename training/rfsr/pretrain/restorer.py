"""Stage `restorer`: the first stage of every mini. It learns to give what a teacher gives of the small picture, then to be taken for it.

The teacher's picture (`rfsr.teach`) is a definite answer, which a small network can learn; the discriminator compares the two, place by place.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rfsr.adversary import Adversary, adversarial_losses
from rfsr.common import to_rgb8
from rfsr.data import PackedCrops
from rfsr.features.network import feature_distance, shifted
from rfsr.features.squeezenet import SqueezeNetFeatures
from rfsr.loop import Stage
from rfsr.metrics.pixels import psnr
from rfsr.models.restorer import CONFIGS, open_restorer
from rfsr.models.rrdb import UNSHUFFLE, RRDBNet
from rfsr.pretrain.tagger import to01
from rfsr.teach import by_teacher

CHECKED = 24
MESH_CELLS = 10
FITTED = 96
"""Crops that the first convolution is fitted on."""


@dataclass(frozen=True)
class RestorerStageConfig:
    """Size, side of the windows, loss weights on RGB in 0…1, and the teacher's blocks to start from.

    `adversarial` counts from `adversarial_from01` of the run on.
    `jitter`: networks that judge see a window shifted by up to this many pixels. Their strides would else lie alike on the first stage's
    cells of 4 pixels in every step, and what they push towards had those periods: a mesh. `mesh`: weight of `mesh`.
    `taught`: share of windows whose answer is the teacher's; of the others it is the clean crop.
    """

    size: str = "mini"
    crop_side: int = 160
    l1: float = 10.0
    feature: float = 1.0
    adversarial: float = 0.15
    adversarial_from01: float = 0.45
    jitter: int = 16
    mesh: float = 5.0
    taught: float = 0.65
    blocks: tuple[int, ...] = (0, 5, 11, 16, 22)


class RestorerStage(Stage):
    """Distillation of a large restorer into a small one of the same blocks."""

    name = "restorer"

    def __init__(self, config: RestorerStageConfig, crops: PackedCrops, features: SqueezeNetFeatures) -> None:
        super().__init__()
        self.config, self.crops = config, crops
        self.restorer = open_restorer(CONFIGS[config.size])
        self.features = features.requires_grad_(False)
        self.adversary = Adversary()
        self.training_crops, held_out = crops.training, crops.held_out
        self.taught = np.array(
            [
                [by_teacher(name, scale) for name, scale in zip(facts["sets"], facts["scales"], strict=True)]
                for facts in (crops.facts[index] for index in self.training_crops)
            ]
        )
        self.checked = held_out[np.linspace(0, len(held_out) - 1, min(CHECKED, len(held_out))).astype(int)]

    def grow_from(self, weights: dict[str, Tensor], blocks: list[int], teacher: RRDBNet) -> None:
        """Goes on from a network of fewer of the teacher's blocks, which were `blocks`: those that lack are the teacher's own."""
        before = {int(block): index for index, block in enumerate(blocks)}
        own = self.restorer.state_dict()
        for name, value in weights.items():
            if name.startswith("restorer.") and not name.startswith("restorer.body."):
                own[name.removeprefix("restorer.")] = value
        for index, block in enumerate(self.config.blocks):
            source, at = (
                (weights, f"restorer.body.{before[block]}.") if block in before else (teacher.state_dict(), f"body.{block}.")
            )
            own |= {f"body.{index}.{name.removeprefix(at)}": value for name, value in source.items() if name.startswith(at)}
        self.restorer.load_state_dict(own)

    @torch.no_grad()
    def start_from(self, teacher: RRDBNet) -> None:
        """Takes over the teacher's blocks named in the configuration and all of its other layers.

        Its first convolution sees the small picture, ours the enlarged one, unshuffled: it is fitted by least squares to give the same.
        """
        own, theirs = self.restorer, teacher.state_dict()
        assert isinstance(own, RRDBNet)
        for index, block in enumerate(self.config.blocks):
            prefix = f"body.{block}."
            own.body[index].load_state_dict(
                {name.removeprefix(prefix): value for name, value in theirs.items() if name.startswith(prefix)}
            )
        for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"):
            getattr(own, name).load_state_dict(getattr(teacher, name).state_dict())
        enlarged_by_4 = [
            (i, k) for i in self.training_crops for k, s in enumerate(self.crops.facts[i]["scales"]) if s == UNSHUFFLE
        ]
        rows, wanted = [], []
        for index, kind in enlarged_by_4[:FITTED]:
            seen = F.pixel_unshuffle(to01(self.crops.degraded[index, kind][None]), UNSHUFFLE)
            small = to01(self.crops.small(index, kind)[None])
            rows.append(F.unfold(seen, 3)[0].T)
            wanted.append(F.conv2d(small, theirs["conv_first.weight"], theirs["conv_first.bias"]).flatten(2)[0].T)
        seen, target = torch.cat(rows).double(), torch.cat(wanted).double()
        seen = torch.cat([seen, torch.ones(len(seen), 1, dtype=torch.double)], dim=1)
        # a little damping: neighbouring pixels of an enlarged picture hardly differ
        normal = seen.T @ seen + 1e-4 * len(seen) * torch.eye(seen.shape[1], dtype=torch.double)
        solved = torch.linalg.solve(normal, seen.T @ target).float()
        own.conv_first.weight.copy_(solved[:-1].T.reshape(own.conv_first.weight.shape))
        own.conv_first.bias.copy_(solved[-1])

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """Enlarged degraded windows and their answers, [B, 3, side, side] in 0…1, turned and mirrored alike, and the shift of what judges see."""
        ready = np.argwhere(self.crops.answered[self.training_crops])
        taught = self.taught[ready[:, 0], ready[:, 1]]
        theirs, own = ready[taught], ready[~taught]
        share = self.config.taught if len(theirs) and len(own) else float(len(own) == 0)
        rows, kinds = np.stack([rng.choice(theirs if rng.random() < share else own) for _ in range(count)]).T
        index, kind = self.training_crops[rows], kinds
        pairs = [self.crops.degraded[index, kind], self.crops.taught[index, kind]]
        degraded, answer = (to01(turned) for turned in windows(pairs, self.config.crop_side, rng))
        return {"degraded": degraded, "answer": answer, "shift": torch.from_numpy(rng.integers(self.config.jitter + 1, size=2))}

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """See `Stage.forward`."""
        config, answer = self.config, batch["answer"]
        restored = self.restorer(batch["degraded"].contiguous(memory_format=torch.channels_last)).float()
        seen, wanted = (shifted(picture, batch["shift"], config.jitter) for picture in (restored, answer))
        with torch.no_grad():
            wanted_maps = self.features(wanted)
        maps = self.features(seen)
        losses = {
            "l1": (restored - answer).abs().mean(),
            "feature": feature_distance(maps, wanted_maps),
            "mesh": mesh(restored - answer),
        }
        loss = config.l1 * losses["l1"] + config.feature * losses["feature"] + config.mesh * losses["mesh"]
        if config.adversarial and progress01 >= config.adversarial_from01:
            noise = torch.Generator(restored.device).manual_seed(seed)
            fooled, discriminator = adversarial_losses(
                self.adversary, self.features, ours=seen, our_maps=maps, real=wanted, generator=noise
            )
            losses |= {"generator": fooled, "discriminator": discriminator}
            loss = loss + config.adversarial * fooled + discriminator
        return {"loss": loss, **losses}

    def checked_pictures(self) -> tuple[Tensor, Tensor, Tensor]:
        """Held-out crops: enlarged, restored, clean."""
        device = next(self.restorer.parameters()).device
        clean, degraded = to01(self.crops.hr[self.checked]), to01(self.crops.degraded[self.checked, 0])
        return degraded, self.restorer(degraded.to(device)).float().clamp(0, 1).cpu(), clean

    def measure(self) -> dict[str, float]:
        """PSNR of held-out crops, of the network and of the enlarged input."""
        degraded, restored, clean = self.checked_pictures()

        def mean_psnr(pictures: Tensor) -> float:
            pairs = zip(pictures, clean, strict=True)
            return float(np.mean([psnr(to_rgb8(ours), to_rgb8(truth)) for ours, truth in pairs]))

        return {"psnr": mean_psnr(restored), "psnr_bicubic": mean_psnr(degraded)}

    def sample_rows(self) -> list[Tensor]:
        """Enlarged, restored and clean held-out crops."""
        return [row[:8] for row in self.checked_pictures()]

    def facts(self) -> dict[str, Any]:
        """The configuration's size and what was minimised."""
        return {"restorerConfig": self.config.size, "loss": asdict(self.config)}

    def export_state(self) -> dict[str, Tensor]:
        """`restorer.` weights, and the discriminator's to go on with."""
        return {name: value for name, value in self.state_dict().items() if name.startswith(("restorer.", "adversary."))}


def mesh(difference: Tensor) -> Tensor:
    """What a difference of pictures [B, 3, 4h, 4w] has in common in all of the first stage's cells of a neighbourhood: mean absolute deviation
    of its 3 × 16 phase means over 10 × 10 cells.
    """
    phases = F.avg_pool2d(F.pixel_unshuffle(difference, UNSHUFFLE), MESH_CELLS).unflatten(1, (3, -1))
    return (phases - phases.mean(dim=2, keepdim=True)).abs().mean()


def windows(groups: list[np.ndarray], side: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Of every group uint8 [B, S, S, 3] the same random windows [B, side, side, 3], turned and mirrored alike.

    Windows begin at multiples of the first stage's cell, so that what it unshuffles stays aligned.
    """
    batch, whole = groups[0].shape[:2]
    found: list[list[np.ndarray]] = [[] for _ in groups]
    for row in range(batch):
        top, left = (UNSHUFFLE * int(at) for at in rng.integers((whole - side) // UNSHUFFLE + 1, size=2))
        quarters, mirrored = int(rng.integers(4)), rng.random() < 0.5
        for group, out in zip(groups, found, strict=True):
            window = np.rot90(group[row, top : top + side, left : left + side], quarters)
            out.append(window[:, ::-1] if mirrored else window)
    return [np.ascontiguousarray(np.stack(out)) for out in found]
