"""Golden numbers of band differences, mixes and similarities (PyWavelets, Pillow, scikit-image), and of a run's bands over its steps."""

from typing import Any

import numpy as np
import pywt
from PIL import Image
from skimage.metrics import structural_similarity

from rfsr.golden.pictures import made_up
from rfsr.pipelines.parts import BundleModels, Restored

GAIN = 4
HIGH_VIEW_GAIN = 5
MIX_GAIN = 1.7


def analysis() -> dict[str, Any]:
    """Two made-up pictures of odd sides, and everything that compares them."""
    height, width = 27, 34
    a, b = made_up(height, width, seed=5), made_up(height, width, seed=6)
    reference = made_up(54, 61, seed=7)
    differences = []
    for band in ("whole", "low", "high"):
        found = band_of(b / 255 - a / 255, band)
        for signed in (False, True):
            shown = GAIN * found + 0.5 if signed else GAIN * np.abs(found)
            differences.append(
                {
                    "band": band,
                    "signed": signed,
                    "meanLevels": float(255 * np.abs(found).mean()),
                    "rgb8": to_levels(shown).ravel(),
                }
            )
    mixed = band_of(a / 255, "low") + MIX_GAIN * band_of(b / 255, "high")
    wanted = np.asarray(Image.fromarray(reference).resize((width, height), Image.Resampling.BICUBIC))
    low, high = (view_similarity(view(a / 255), view(wanted / 255)) for view in (low_view, high_view))
    return {
        "height": height, "width": width, "a": a.ravel(), "b": b.ravel(),
        "reference": {"height": 54, "width": 61, "rgb8": reference.ravel()},
        "differences": differences,
        "mix": {"gain": MIX_GAIN, "rgb8": to_levels(mixed).ravel()},
        "similarity": {"low": low, "high": high},
    }  # fmt: skip


def bands_of(rgb01: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """LL, LH, HL, HH, each [⌈H/2⌉, ⌈W/2⌉, 3], of [H, W, 3]."""
    ll, details = pywt.dwt2(rgb01, "haar", mode="symmetric", axes=(0, 1))
    return (ll, *details)


def band_of(rgb01: np.ndarray, band: str) -> np.ndarray:
    """[H, W, 3] with only its low or its high band left, or whole."""
    if band == "whole":
        return rgb01
    ll, *details = bands_of(rgb01)
    kept = (ll, (None, None, None)) if band == "low" else (None, tuple(details))
    return pywt.idwt2(kept, "haar", mode="symmetric", axes=(0, 1))[: rgb01.shape[0], : rgb01.shape[1]]


def low_view(rgb01: np.ndarray) -> np.ndarray:
    """LL / 2 as it is shown, uint8."""
    return to_levels(bands_of(rgb01)[0] / 2)


def high_view(rgb01: np.ndarray) -> np.ndarray:
    """The details' magnitude as it is shown, uint8."""
    _, *details = bands_of(rgb01)
    return to_levels(HIGH_VIEW_GAIN * np.sqrt(sum(detail**2 for detail in details)))


def view_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM of luma over whole windows, no border cut."""
    x, y = (view.astype(np.float64) @ [0.299, 0.587, 0.114] for view in (a, b))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "win_size": 11}
    _, each = structural_similarity(x, y, data_range=255, full=True, **options)
    return float(each[5:-5, 5:-5].mean())


def to_levels(rgb01: np.ndarray) -> np.ndarray:
    """Clamped and rounded, halves to even, uint8."""
    return np.rint(np.clip(rgb01, 0, 1) * 255).astype(np.uint8)


def step_statistics(models: BundleModels, restored: Restored) -> list[dict[str, float | None]]:
    """Mean squares of every step's bands and of their changes, of the cheap preview: what the studio charts."""
    rows: list[dict[str, float | None]] = []
    before = None
    for x0 in restored.x0_by_step:
        preview = models.vae.decode_linear(x0 / models.latent_scale + models.latent_shift)[0] / 2 + 0.5
        if restored.preview_base is not None:
            preview = preview + restored.preview_base[0]
        height, width = restored.visible or preview.shape[1:]
        low, *details = bands_of(preview[:, :height, :width].clamp(0, 1).permute(1, 2, 0).double().numpy())
        bands = (low, np.stack(details))
        changes = [None, None] if before is None else [mean_square(new - old) for new, old in zip(bands, before, strict=True)]
        rows.append(
            {
                "lowEnergy": mean_square(bands[0]),
                "highEnergy": mean_square(bands[1]),
                "lowChange": changes[0],
                "highChange": changes[1],
            }
        )
        before = bands
    return rows


def mean_square(values: np.ndarray) -> float:
    """Over everything."""
    return float((values**2).mean())
