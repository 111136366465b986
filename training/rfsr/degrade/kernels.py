"""Blur kernels of the degradation: (generalised, plateau) Gaussians and the circular sinc filter, each summing to one."""

import numpy as np
from scipy.special import j1

from rfsr.degrade.params import DegradeParams, StageParams


def quadratic_form(side: int, sigma_x: float, sigma_y: float, theta: float) -> np.ndarray:
    """x^T S^-1 x on the grid of an odd `side`, for the covariance with deviations sigma_x, sigma_y turned by theta radians."""
    axis = np.arange(side) - side // 2
    x, y = np.meshgrid(axis, axis)
    u = np.cos(theta) * x + np.sin(theta) * y
    v = -np.sin(theta) * x + np.cos(theta) * y
    return (u / sigma_x) ** 2 + (v / sigma_y) ** 2


def gaussian_kernel(side: int, sigma_x: float, sigma_y: float, theta: float, *, beta: float = 1.0) -> np.ndarray:
    """exp(-q^beta / 2), normalised: a Gaussian for beta = 1, [side, side]."""
    kernel = np.exp(-0.5 * quadratic_form(side, sigma_x, sigma_y, theta) ** beta)
    return kernel / kernel.sum()


def plateau_kernel(side: int, sigma_x: float, sigma_y: float, theta: float, *, beta: float) -> np.ndarray:
    """1 / (1 + q^beta), normalised, [side, side]."""
    kernel = 1 / (1 + quadratic_form(side, sigma_x, sigma_y, theta) ** beta)
    return kernel / kernel.sum()


def sinc_kernel(side: int, cutoff: float) -> np.ndarray:
    """Circular low-pass: cutoff · J1(cutoff r) / (2 pi r), normalised, [side, side]; cutoff in radians a pixel."""
    axis = np.arange(side) - side // 2
    radius = np.hypot(*np.meshgrid(axis, axis)).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        kernel = cutoff * j1(cutoff * radius) / (2 * np.pi * radius)
    kernel[side // 2, side // 2] = cutoff**2 / (4 * np.pi)
    return kernel / kernel.sum()


def draw_beta(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """Half the time below one, half above: U(low, 1) or U(1, high)."""
    low, high = bounds
    return float(rng.uniform(low, 1) if rng.random() < 0.5 else rng.uniform(1, high))


def draw_kernel(rng: np.random.Generator, params: DegradeParams, stage: StageParams) -> np.ndarray:
    """A blur kernel for one stage: sinc with the stage's probability, else one of the Gaussian family."""
    side = int(rng.choice(params.kernel_sides))
    if rng.random() < stage.sinc:
        return sinc_kernel(side, rng.uniform(np.pi / 3 if side < 13 else np.pi / 5, np.pi))
    kind = str(rng.choice(list(params.kernel_kinds), p=list(params.kernel_kinds.values())))
    sigma_x = float(rng.uniform(*stage.sigma))
    sigma_y, theta = sigma_x, 0.0
    if kind.endswith("aniso"):
        sigma_y, theta = float(rng.uniform(*stage.sigma)), float(rng.uniform(-np.pi, np.pi))
    if kind.startswith("generalized"):
        return gaussian_kernel(side, sigma_x, sigma_y, theta, beta=draw_beta(rng, stage.betag))
    if kind.startswith("plateau"):
        return plateau_kernel(side, sigma_x, sigma_y, theta, beta=draw_beta(rng, stage.betap))
    return gaussian_kernel(side, sigma_x, sigma_y, theta)


def draw_final_sinc(rng: np.random.Generator, params: DegradeParams) -> np.ndarray | None:
    """The last filter, or None where it is not applied."""
    if rng.random() >= params.final_sinc:
        return None
    return sinc_kernel(int(rng.choice(params.kernel_sides)), rng.uniform(np.pi / 3, np.pi))
