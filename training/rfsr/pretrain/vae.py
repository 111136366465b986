"""Stage `vae`: the lean autoencoder learns to reconstruct crops; towards the end its decoder learns to forgive latents slightly off."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfsr.data import PackedCrops
from rfsr.features.network import feature_distance
from rfsr.features.squeezenet import SqueezeNetFeatures
from rfsr.loop import Stage
from rfsr.models.vae import LeanAutoencoder, LeanConfig


@dataclass(frozen=True)
class VaeConfig:
    """Loss weights (on RGB in 0…1) and the noise of the last third, an upper bound in unscaled latent units."""

    crop_side: int = 128
    l1: float = 10.0
    feature: float = 1.0
    kl: float = 1e-6
    decoder_noise: float = 0.1
    decoder_noise_from01: float = 0.66


class VaeStage(Stage):
    """Trains `LeanAutoencoder` with L1, SqueezeNet feature distance and a tiny KL term."""

    name = "vae"

    def __init__(self, config: VaeConfig, crops: PackedCrops, features: SqueezeNetFeatures) -> None:
        super().__init__()
        self.config, self.crops = config, crops
        self.vae = LeanAutoencoder(LeanConfig())
        self.features = features.requires_grad_(False)
        spread = np.linspace(0, len(crops.hr) - 1, min(512, len(crops.hr))).astype(int)
        self.vae.fit_pca(to_pm1(crops.hr[spread]))
        self.preview = to_pm1(crops.hr[spread[:8]])

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """Random square windows of random crops, half of them mirrored: rgbPm1 [B, 3, side, side]."""
        side, whole = self.config.crop_side, self.crops.hr.shape[1]
        windows = []
        for index in rng.integers(len(self.crops.hr), size=count):
            top, left = rng.integers(whole - side + 1, size=2)
            window = self.crops.hr[index, top : top + side, left : left + side]
            windows.append(window[:, ::-1] if rng.random() < 0.5 else window)
        return {"rgb": to_pm1(np.stack(windows))}

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """See `Stage.forward`."""
        config, rgb = self.config, batch["rgb"].contiguous(memory_format=torch.channels_last)
        generator = torch.Generator(rgb.device).manual_seed(seed)
        mean, std = self.vae.encode_moments(rgb)
        mean, std = mean.float(), std.float()
        latent = mean + std * noise_like(mean, generator)
        if progress01 >= config.decoder_noise_from01:
            level = config.decoder_noise * torch.rand(len(rgb), 1, 1, 1, generator=generator, device=rgb.device)
            latent = latent + level * noise_like(latent, generator)
        out = self.vae.decode_latent(latent).float()
        l1 = (out - rgb).abs().mean() / 2
        feature = feature_distance(self.features(rgb / 2 + 0.5), self.features(out / 2 + 0.5))
        kl = 0.5 * (mean**2 + std**2 - 1 - 2 * std.log()).mean()
        return {"loss": config.l1 * l1 + config.feature * feature + config.kl * kl, "l1": l1, "feature": feature, "kl": kl}

    def sample_rows(self) -> list[Tensor]:
        """Originals, reconstructions, and what the linear skip alone gives."""
        rgb = self.preview.to(next(self.vae.parameters()).device)
        latent = self.vae.encode_moments(rgb)[0]
        rows = [rgb, self.vae.decode_latent(latent), self.vae.decode_linear(latent)]
        return [(row.float() / 2 + 0.5).clamp(0, 1).cpu() for row in rows]

    def facts(self) -> dict[str, Any]:
        """The global latent scale: one over the standard deviation of the latents of the preview crops and their neighbours."""
        with torch.no_grad():
            device = next(self.vae.parameters()).device
            spread = np.linspace(0, len(self.crops.hr) - 1, 64).astype(int)
            mean = self.vae.encode_moments(to_pm1(self.crops.hr[spread]).to(device))[0].float()
        return {
            "vaeConfig": asdict(self.vae.config),
            "latentScale": round(1 / mean.std().item(), 6),
            "latentShift": round(mean.mean().item(), 6),
            "loss": asdict(self.config),
        }

    def export_state(self) -> dict[str, Tensor]:
        """The autoencoder's own state dict, without prefix."""
        return self.vae.state_dict()


def to_pm1(rgb8: np.ndarray) -> Tensor:
    """uint8 [B, H, W, 3] to float32 [B, 3, H, W] in -1…1."""
    return torch.from_numpy(np.ascontiguousarray(rgb8)).permute(0, 3, 1, 2).float() / 127.5 - 1


def noise_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise of x's shape from `generator`."""
    return torch.randn(x.shape, generator=generator, device=x.device)
