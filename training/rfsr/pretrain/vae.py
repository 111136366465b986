"""Stage `vae`: the lean autoencoder learns to reconstruct crops; towards the end its decoder learns to forgive latents slightly off.

With `train_encoder = false` the decoder alone learns, with a discriminator: latents, and what was trained on them, stay as they are.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rfsr.adversary import Adversary, adversarial_losses
from rfsr.data import PackedCrops
from rfsr.features.network import feature_distance
from rfsr.features.squeezenet import SqueezeNetFeatures
from rfsr.loop import Stage
from rfsr.models.vae import FACTOR, LeanAutoencoder, LeanConfig


@dataclass(frozen=True)
class VaeConfig:
    """Loss weights (on RGB in 0…1) and the noise of the last third, an upper bound in unscaled latent units.

    `phase`: weight of `phase_bias`. `adversarial` counts from `adversarial_from01` of the run on.
    """

    crop_side: int = 128
    l1: float = 10.0
    feature: float = 1.0
    kl: float = 1e-6
    phase: float = 0.0
    adversarial: float = 0.0
    adversarial_from01: float = 0.3
    train_encoder: bool = True
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
        learnt = crops.training
        spread = learnt[np.linspace(0, len(learnt) - 1, min(512, len(learnt))).astype(int)]
        self.vae.fit_pca(to_pm1(crops.hr[spread]))
        self.preview = to_pm1(crops.hr[spread[:8]])
        self.kept: dict[str, float] | None = None
        """Scale and shift of latents that must stay as they are."""
        self.adversary = Adversary() if config.adversarial else None
        if not config.train_encoder:
            for part in (self.vae.encoder, self.vae.pca_in, self.vae.pca_out):
                part.requires_grad_(False)

    def start_from(self, weights: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Goes on from a run of this stage, with its scale of latents where the encoder stays."""
        self.vae.load_state_dict(weights)
        if not self.config.train_encoder:
            self.kept = {name: facts[name] for name in ("latentScale", "latentShift")}

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """Random square windows of random crops, half of them mirrored: rgbPm1 [B, 3, side, side]."""
        side, whole = self.config.crop_side, self.crops.hr.shape[1]
        windows = []
        for index in rng.choice(self.crops.training, size=count):
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
        truth01, out01 = rgb / 2 + 0.5, out / 2 + 0.5
        with torch.no_grad():
            wanted = self.features(truth01)
        maps = self.features(out01)
        losses = {
            "l1": (out01 - truth01).abs().mean(),
            "feature": feature_distance(wanted, maps),
            "kl": 0.5 * (mean**2 + std**2 - 1 - 2 * std.log()).mean(),
            "phase": phase_bias(out01 - truth01),
        }
        loss = sum(getattr(config, name) * value for name, value in losses.items())
        if self.adversary is not None and progress01 >= config.adversarial_from01:
            fooled, discriminator = adversarial_losses(
                self.adversary, self.features, ours=out01, our_maps=maps, real=truth01, generator=generator
            )
            losses |= {"generator": fooled, "discriminator": discriminator}
            loss = loss + config.adversarial * fooled + discriminator
        return {"loss": loss, **losses}

    def sample_rows(self) -> list[Tensor]:
        """Originals, reconstructions, and what the linear skip alone gives."""
        rgb = self.preview.to(next(self.vae.parameters()).device)
        latent = self.vae.encode_moments(rgb)[0]
        rows = [rgb, self.vae.decode_latent(latent), self.vae.decode_linear(latent)]
        return [(row.float() / 2 + 0.5).clamp(0, 1).cpu() for row in rows]

    def facts(self) -> dict[str, Any]:
        """The global latent scale: one over the standard deviation of the latents of the preview crops and their neighbours."""
        known = {"vaeConfig": asdict(self.vae.widths), "loss": asdict(self.config)}
        if self.kept is not None:
            return {**known, **self.kept}
        with torch.no_grad():
            device = next(self.vae.parameters()).device
            spread = np.linspace(0, len(self.crops.hr) - 1, 64).astype(int)
            mean = self.vae.encode_moments(to_pm1(self.crops.hr[spread]).to(device))[0].float()
        return {**known, "latentScale": round(1 / mean.std().item(), 6), "latentShift": round(mean.mean().item(), 6)}

    def export_state(self) -> dict[str, Tensor]:
        """The autoencoder's own state dict, without prefix."""
        return self.vae.state_dict()


def phase_bias(difference: Tensor) -> Tensor:
    """What a difference of pictures [B, 3, 8h, 8w] has in common in all latent cells: mean absolute deviation of its 3 × 64 phase means."""
    phases = F.pixel_unshuffle(difference, FACTOR).mean(dim=(0, 2, 3)).reshape(3, -1)
    return (phases - phases.mean(dim=1, keepdim=True)).abs().mean()


def to_pm1(rgb8: np.ndarray) -> Tensor:
    """uint8 [B, H, W, 3] to float32 [B, 3, H, W] in -1…1."""
    return torch.from_numpy(np.ascontiguousarray(rgb8)).permute(0, 3, 1, 2).float() / 127.5 - 1


def noise_like(x: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise of x's shape from `generator`."""
    return torch.randn(x.shape, generator=generator, device=x.device)
