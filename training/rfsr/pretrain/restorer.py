"""Stage `restorer`: DiffBIR's first stage learns to remove degradation, in the pixels and without inventing anything."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from rfsr.common import to_rgb8
from rfsr.data import PackedCrops
from rfsr.loop import Stage
from rfsr.metrics.pixels import psnr
from rfsr.models.restorer import CONFIGS, SwinIR
from rfsr.pretrain.latents import upscale
from rfsr.pretrain.tagger import to01

CHECKED = 32


@dataclass(frozen=True)
class RestorerConfig:
    """Size, pixels of the square cut from every crop, and the two losses' weights. One photograph in `held_out_every` is never trained on."""

    size: str = "mini"
    crop_side: int = 192
    l1: float = 1.0
    l2: float = 1.0
    held_out_every: int = 10


class RestorerStage(Stage):
    """L1 and L2 between the restored enlarged input and the clean picture."""

    name = "restorer"

    def __init__(self, config: RestorerConfig, crops: PackedCrops) -> None:
        super().__init__()
        self.config, self.crops = config, crops
        self.restorer = SwinIR(CONFIGS[config.size])
        if self.restorer.config.adds_input:
            # starts as the identity
            nn.init.zeros_(self.restorer.conv_last.weight)
            nn.init.zeros_(self.restorer.conv_last.bias)
        self.training_crops, held_out = crops.split(config.held_out_every)
        self.checked = held_out[np.linspace(0, len(held_out) - 1, min(CHECKED, len(held_out))).astype(int)]

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """Enlarged degraded crops (`degraded`) and clean ones (`clean`), [B, 3, side, side] in 0…1, half of them mirrored."""
        index, kind = rng.choice(self.training_crops, size=count), rng.integers(self.crops.lr.shape[1], size=count)
        clean = to01(self.crops.hr[index])
        degraded = upscale(to01(self.crops.lr[index, kind]), clean.shape[-1])
        side = self.config.crop_side
        top, left = (4 * int(at) for at in rng.integers((clean.shape[-1] - side) // 4 + 1, size=2))
        pair = [x[..., top : top + side, left : left + side] for x in (degraded, clean)]
        if rng.random() < 0.5:
            pair = [x.flip(-1) for x in pair]
        return dict(zip(("degraded", "clean"), pair, strict=True))

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """See `Stage.forward`."""
        difference = self.restorer(batch["degraded"]).float() - batch["clean"]
        l1, l2 = difference.abs().mean(), difference.square().mean()
        return {"loss": self.config.l1 * l1 + self.config.l2 * l2, "l1": l1, "l2": l2}

    def checked_pictures(self) -> tuple[Tensor, Tensor, Tensor]:
        """Held-out crops: enlarged, restored, clean."""
        device = self.restorer.rgb_mean.device
        clean = to01(self.crops.hr[self.checked])
        degraded = upscale(to01(self.crops.lr[self.checked, 0]), clean.shape[-1])
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
        return {"restorerConfig": self.config.size, "loss": {"l1": self.config.l1, "l2": self.config.l2}}

    def export_state(self) -> dict[str, Tensor]:
        """`restorer.` weights."""
        return {f"restorer.{name}": value for name, value in self.restorer.state_dict().items()}
