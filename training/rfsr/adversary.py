"""A discriminator of restored pictures: small heads on a frozen feature network's maps, and a small network on the pixels themselves.

Projected heads learn fast and see structure (Sauer et al., arXiv 2111.01007), but what the frozen network cannot see they cannot punish; the
pixel network sees every grain.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rfsr.features.squeezenet import SqueezeNetFeatures

MAP_CHANNELS = (96, 128, 256, 512)
MIXED = 64
PIXEL_CHANNELS = (32, 64, 64)
NOISE = 0.02
"""Of what the discriminator's steadiness is tried with, in deviations of what it sees."""
STEADINESS = 10.0
"""Weight of the squared change of scores under that noise."""


class Adversary(nn.Module):
    """Scores of pictures, higher for real ones: one map of scores for each feature map, and one of the pixel network."""

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.heads = nn.ModuleList()
        for index, channels in enumerate(MAP_CHANNELS):
            # mixed at random, so that no single channel of the frozen network is what can be gamed
            mixing = torch.randn(MIXED, channels, 1, 1, generator=generator)
            self.register_buffer(f"mixing{index}", mixing)
            self.heads.append(nn.Sequential(nn.Conv2d(MIXED, MIXED, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(MIXED, 1, 1)))
        first, second, third = PIXEL_CHANNELS
        self.pixels = nn.Sequential(
            nn.Conv2d(3, first, 3),
            nn.LeakyReLU(0.2),
            nn.Conv2d(first, second, 3, stride=2),
            nn.LeakyReLU(0.2),
            nn.Conv2d(second, third, 3, stride=2),
            nn.LeakyReLU(0.2),
            nn.Conv2d(third, third, 3),
            nn.LeakyReLU(0.2),
            nn.Conv2d(third, 1, 3),
        )

    def forward(self, maps: list[Tensor], rgb01: Tensor) -> list[Tensor]:
        """Score maps [B, 1, h, w] of pictures [B, 3, H, W] in 0…1, given their unit-length feature maps as `SqueezeNetFeatures` gives them."""
        scores = [self.pixels(rgb01 * 2 - 1)]
        for index, (head, seen) in enumerate(zip(self.heads, maps, strict=True)):
            scores.append(head(F.conv2d(seen, getattr(self, f"mixing{index}"))))
        return scores

    def frozen(self, maps: list[Tensor], rgb01: Tensor) -> list[Tensor]:
        """As `forward`, without gradient to this network's own weights: what a generator is judged by."""
        weights = {name: value.detach() for name, value in self.named_parameters()}
        return torch.func.functional_call(self, weights, (maps, rgb01))


def adversarial_losses(
    adversary: Adversary,
    features: SqueezeNetFeatures,
    *,
    ours: Tensor,
    our_maps: list[Tensor],
    real: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Losses of the generator and of the discriminator, for one backward pass of both: at each position, which of two pictures of the same thing
    looks more real (relativistic and paired, Jolicoeur-Martineau, arXiv 1807.00734), with a penalty on scores that noise changes, on the real
    pictures (R1, approximated by finite differences).

    ours, real: [B, 3, H, W] in 0…1, of the same things; our_maps: the features of `ours`, with gradient; `generator` draws the noise.
    """
    with torch.no_grad():
        real_maps = features(real)
    for_real = adversary(real_maps, real)
    judged = zip(adversary.frozen(our_maps, ours), for_real, strict=True)
    fooled = torch.stack([F.softplus(true.detach() - fake).mean() for fake, true in judged]).mean()
    for_ours = adversary([each.detach() for each in our_maps], ours.detach())
    for_noised = adversary([noised(each, generator) for each in real_maps], noised(real, generator))
    discriminator = [
        F.softplus(fake - true).mean() + STEADINESS * ((near - true) ** 2).mean()
        for fake, true, near in zip(for_ours, for_real, for_noised, strict=True)
    ]
    return fooled, torch.stack(discriminator).mean()


def noised(x: Tensor, generator: torch.Generator) -> Tensor:
    """With noise of NOISE times its own deviation."""
    return x + NOISE * x.std() * torch.randn(x.shape, generator=generator, device=x.device)
