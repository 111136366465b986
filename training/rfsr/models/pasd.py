"""PASD's denoiser (Yang et al., arXiv 2308.14469): SD 1.5 with pixel attentions on the ControlNet's residuals, conditioned on the upscaled input.

Names are diffusers' own here and in the published checkpoint.
"""

from dataclasses import replace

from rfsr.models import seesr
from rfsr.models.blocks import UNetConfig
from rfsr.models.denoiser import SIXTEENTH, TOY, DenoiserConfig

FULL = DenoiserConfig(
    unet=UNetConfig(heads=(8, 8, 8, 8), text_dim=768, image_dim=None, pixel_levels=(True,) * 4, linear_projection=False)
)


def with_pixels(config: DenoiserConfig) -> DenoiserConfig:
    """A small SeeSR configuration as PASD's: pixel attentions instead of image attentions.

    Not at the highest resolution, where every cell would attend to every other: the cost of four times the whole network.
    """
    levels = (False, *(True for _ in config.unet.block_out_channels[1:]))
    return replace(config, unet=replace(config.unet, image_dim=None, pixel_levels=levels))


CONFIGS = {
    "full": FULL,
    "sixteenth": SIXTEENTH.of(FULL),
    "toy": TOY.of(FULL),
    "mini": with_pixels(seesr.MINI),
    "nano": with_pixels(seesr.NANO),
}
