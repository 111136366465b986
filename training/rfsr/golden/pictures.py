"""Golden numbers of resizing (Pillow), colour fixes (NumPy and SciPy) and picture metrics (scikit-image)."""

from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

RESIZES = (
    ((7, 9), (28, 36), "bicubic"), ((7, 9), (5, 4), "bicubic"), ((13, 11), (32, 8), "bicubic"), ((1, 1), (8, 8), "bicubic"),
    ((10, 14), (6, 6), "bilinear"), ((6, 5), (12, 17), "bilinear"), ((9, 12), (20, 7), "lanczos"),
)  # fmt: skip
FILTERS = {
    "bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS,
}  # fmt: skip


def made_up(height: int, width: int, *, seed: int) -> np.ndarray:
    """A picture with tones, edges and noise, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    waves = np.stack([np.sin(rows / 3 + c) + np.cos(columns / (4 + c)) for c in range(3)], axis=-1)
    edges = ((rows // 4 + columns // 5) % 2)[..., None] * 60
    return np.clip(waves * 45 + edges + 90 + rng.normal(0, 8, (height, width, 3)), 0, 255).astype(np.uint8)


def resizes() -> list[dict[str, Any]]:
    """Pillow's Image.resize, up and down, odd sides, three filters."""
    cases = []
    for (height, width), (to_height, to_width), name in RESIZES:
        picture = made_up(height, width, seed=height * width)
        out = Image.fromarray(picture).resize((to_width, to_height), FILTERS[name])
        cases.append(
            {"height": height, "width": width, "toHeight": to_height, "toWidth": to_width, "filter": name}
            | {"rgb8": picture.ravel(), "out": np.asarray(out).ravel()}
        )
    return cases


def color_fixes() -> dict[str, Any]:
    """AdaIN from NumPy's own mean and var; the wavelet fix as the five explicit bands, with SciPy's correlate."""
    height, width = 21, 34
    picture, reference = (made_up(height, width, seed=seed).transpose(2, 0, 1) / 255 for seed in (1, 2))
    mean, std = ((f(picture), f(reference)) for f in (plane_mean, plane_std))
    adain = (picture - mean[0]) / std[0] * std[1] + mean[1]
    low, high = picture, np.zeros_like(picture)
    for level in range(5):
        smoother = a_trous(low, 2**level)
        high, low = high + low - smoother, smoother
    wanted = reference
    for level in range(5):
        wanted = a_trous(wanted, 2**level)
    planes = {"picture": picture.ravel(), "reference": reference.ravel()}
    return {"height": height, "width": width, **planes, "adain": adain.ravel(), "wavelet": (high + wanted).ravel()}


def plane_mean(planes: np.ndarray) -> np.ndarray:
    """[C, H, W] to [C, 1, 1]."""
    return planes.mean(axis=(1, 2), keepdims=True)


def plane_std(planes: np.ndarray) -> np.ndarray:
    """Root of the unbiased variance plus 1e-5, [C, 1, 1]."""
    return np.sqrt(planes.var(axis=(1, 2), keepdims=True, ddof=1) + 1e-5)


def a_trous(planes: np.ndarray, dilation: int) -> np.ndarray:
    """[1 2 1] × [1 2 1] / 16 with holes, replicate padding, [C, H, W]."""
    kernel = np.zeros((2 * dilation + 1, 2 * dilation + 1))
    kernel[::dilation, ::dilation] = np.outer([1, 2, 1], [1, 2, 1]) / 16
    return np.stack([ndimage.correlate(plane, kernel, mode="nearest") for plane in planes])


def metrics() -> dict[str, Any]:
    """PSNR and SSIM of luma with a border of 4, by scikit-image."""
    height, width = 30, 41
    a, b = made_up(height, width, seed=3), made_up(height, width, seed=4)
    x, y = ((picture.astype(np.float64) @ [0.299, 0.587, 0.114])[4:-4, 4:-4] for picture in (a, b))
    _, ssim_map = structural_similarity(
        x, y, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, win_size=11, full=True
    )
    # scikit-image pads; only positions whose window lies inside count here
    ssim = ssim_map[5:-5, 5:-5].mean()
    return {"height": height, "width": width, "a": a.ravel(), "b": b.ravel()} | {
        "psnr": peak_signal_noise_ratio(x, y, data_range=255),
        "ssim": ssim,
    }
