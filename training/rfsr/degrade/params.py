"""Parameter sets of the degradation: Real-ESRGAN's defaults (A), PASD's lighter ones (B), mild, and none."""

from dataclasses import dataclass, field, replace

Range = tuple[float, float]
KERNEL_KINDS = {
    "iso": 0.45,
    "aniso": 0.25,
    "generalized_iso": 0.12,
    "generalized_aniso": 0.03,
    "plateau_iso": 0.12,
    "plateau_aniso": 0.03,
}


@dataclass(frozen=True)
class StageParams:
    """One blur - resize - noise - JPEG pass. `resize`: probabilities of up, down, keep. Sigmas of noise are of 255."""

    blur: float
    sigma: Range
    betag: Range
    betap: Range
    sinc: float
    resize: tuple[float, float, float]
    resize_range: Range
    gaussian: float
    noise_sigma: Range
    poisson_scale: Range
    gray: float
    jpeg: Range


@dataclass(frozen=True)
class DegradeParams:
    """Both passes and the final sinc filter. `sharpen`: whether the reference is unsharp-masked first."""

    first: StageParams
    second: StageParams
    final_sinc: float = 0.8
    kernel_sides: tuple[int, ...] = tuple(range(7, 22, 2))
    kernel_kinds: dict[str, float] = field(default_factory=lambda: dict(KERNEL_KINDS))
    sharpen: bool = False


SET_A = DegradeParams(
    first=StageParams(
        blur=1.0, sigma=(0.2, 3), betag=(0.5, 4), betap=(1, 2), sinc=0.1, resize=(0.2, 0.7, 0.1), resize_range=(0.15, 1.5),
        gaussian=0.5, noise_sigma=(1, 30), poisson_scale=(0.05, 3.0), gray=0.4, jpeg=(30, 95),
    ),
    second=StageParams(
        blur=0.8, sigma=(0.2, 1.5), betag=(0.5, 4), betap=(1, 2), sinc=0.1, resize=(0.3, 0.4, 0.3), resize_range=(0.3, 1.2),
        gaussian=0.5, noise_sigma=(1, 25), poisson_scale=(0.05, 2.5), gray=0.4, jpeg=(30, 95),
    ),
    sharpen=True,
)  # fmt: skip
SET_B = DegradeParams(
    first=replace(SET_A.first, resize_range=(0.3, 1.5), noise_sigma=(1, 15), poisson_scale=(0.05, 2.0), jpeg=(60, 95)),
    second=replace(
        SET_A.second, blur=0.5, resize_range=(0.6, 1.2), noise_sigma=(1, 12), poisson_scale=(0.05, 1.0), jpeg=(60, 100)
    ),
)
# Our own: little more than a downscale, for pictures that are small rather than bad, and for the start of training.
MILD = DegradeParams(
    first=replace(
        SET_B.first, blur=0.5, sigma=(0.2, 1.0), betag=(0.5, 2), betap=(1, 1.5), resize=(0.1, 0.2, 0.7),
        resize_range=(0.6, 1.2), noise_sigma=(0.5, 4), poisson_scale=(0.02, 0.3), jpeg=(85, 98),
    ),
    second=replace(
        SET_B.second, blur=0.2, sigma=(0.2, 0.8), betag=(0.5, 2), betap=(1, 1.5), resize=(0.1, 0.2, 0.7),
        resize_range=(0.8, 1.2), noise_sigma=(0.5, 3), poisson_scale=(0.02, 0.2), jpeg=(88, 100),
    ),
    final_sinc=0.3,
)  # fmt: skip
SETS: dict[str, DegradeParams | None] = {"a": SET_A, "b": SET_B, "mild": MILD, "none": None}
"""`none`: the picture is only reduced, bicubically."""
