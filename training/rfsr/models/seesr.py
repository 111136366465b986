"""SeeSR's denoiser (Wu et al., arXiv 2311.16518): SD 2 with image attentions, conditioned on the upscaled input."""

from dataclasses import replace

from rfsr.models.blocks import UNetConfig
from rfsr.models.denoiser import SIXTEENTH, TOY, DenoiserConfig

FULL = DenoiserConfig()
MINI = DenoiserConfig(
    unet=UNetConfig(
        sample_channels=32,
        out_channels=16,
        block_out_channels=(64, 64, 56),
        attention_levels=(False, False, True),
        heads=(2, 2, 2),
        layers_per_block=1,
        time_embed_dim=128,
        timestep_scale=0.03,  # keeps the sinusoids' arguments below 30: GPU sines err at large ones
        text_dim=64,
        image_dim=64,
        norm_groups=8,
        condition_channels=(8, 8, 16, 32),
    ),
    residual_to_condition=True,
)
# A few thousand parameters: for tests, never trained.
NANO = replace(
    MINI,
    unet=replace(
        MINI.unet,
        block_out_channels=(16, 16),
        attention_levels=(False, True),
        heads=(2, 2),
        time_embed_dim=32,
        text_dim=16,
        image_dim=16,
        norm_groups=4,
        condition_channels=(4, 4, 8, 8),
    ),
)
CONFIGS = {"full": FULL, "sixteenth": SIXTEENTH.of(FULL), "toy": TOY.of(FULL), "mini": MINI, "nano": NANO}
