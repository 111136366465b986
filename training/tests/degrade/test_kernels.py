"""Blur kernels against their published formulas, evaluated point by point."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import j0
from scipy.stats import multivariate_normal

from rfsr.degrade.kernels import draw_beta, draw_final_sinc, draw_kernel, gaussian_kernel, plateau_kernel, sinc_kernel
from rfsr.degrade.params import KERNEL_KINDS, SET_A, SET_B, SETS, DegradeParams

FLOAT64 = 1e-12
"""Both sides are double precision."""
QUADRATURE = 1e-9
"""The reference integrates numerically."""
DEGRADING = [params for params in SETS.values() if params is not None]


def covariance(sigma_x: float, sigma_y: float, theta: float) -> np.ndarray:
    turn = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
    return turn @ np.diag([sigma_x**2, sigma_y**2]) @ turn.T


def offsets(side: int) -> np.ndarray:
    """(x, y) of every cell from the centre, [side, side, 2]."""
    return np.array([[(x - side // 2, y - side // 2) for x in range(side)] for y in range(side)], dtype=float)


def test_an_anisotropic_gaussian_is_the_normal_density_of_its_turned_covariance() -> None:
    sigma_x, sigma_y, theta = 2.5, 0.8, 0.7
    want = multivariate_normal(cov=covariance(sigma_x, sigma_y, theta)).pdf(offsets(13))
    got = gaussian_kernel(13, sigma_x, sigma_y, theta)
    assert np.abs(got - want / want.sum()).max() < FLOAT64


@pytest.mark.parametrize("beta", [0.5, 1.7, 4.0])
def test_generalised_and_plateau_kernels_follow_their_formulas(beta: float) -> None:
    inverse = np.linalg.inv(covariance(1.9, 0.6, -1.1))
    form = np.array([[at @ inverse @ at for at in row] for row in offsets(9)])
    for got, want in (
        (gaussian_kernel(9, 1.9, 0.6, -1.1, beta=beta), np.exp(-0.5 * form**beta)),
        (plateau_kernel(9, 1.9, 0.6, -1.1, beta=beta), 1 / (form**beta + 1)),
    ):
        assert np.abs(got - want / want.sum()).max() < FLOAT64


def test_sinc_is_the_inverse_transform_of_a_disc() -> None:
    side, cutoff = 7, 1.9
    # Hankel transform of the disc of radius `cutoff`: (1 / 2 pi) times the integral of J0(r w) w dw.
    radii = np.hypot(*np.moveaxis(offsets(side), -1, 0))
    want = np.vectorize(lambda r: quad(lambda w: j0(r * w) * w, 0, cutoff)[0] / (2 * np.pi))(radii)
    assert np.abs(sinc_kernel(side, cutoff) - want / want.sum()).max() < QUADRATURE


@pytest.mark.parametrize("params", DEGRADING)
def test_drawn_kernels_sum_to_one_are_odd_sided_and_equal_their_half_turn(params: DegradeParams) -> None:
    rng = np.random.default_rng(1)
    for stage in (params.first, params.second) * 30:
        kernel = draw_kernel(rng, params, stage)
        assert kernel.shape[0] == kernel.shape[1] and kernel.shape[0] in range(7, 22, 2)
        assert abs(kernel.sum() - 1) < FLOAT64
        assert np.abs(kernel - kernel[::-1, ::-1]).max() < FLOAT64


def test_beta_falls_below_one_half_of_the_time_and_stays_in_bounds() -> None:
    rng = np.random.default_rng(2)
    betas = np.array([draw_beta(rng, (0.5, 4)) for _ in range(2000)])
    assert betas.min() >= 0.5 and betas.max() <= 4
    assert 0.45 < (betas < 1).mean() < 0.55  # four deviations of 2000 fair coins are 0.045


def test_the_final_sinc_is_drawn_as_often_as_the_set_says() -> None:
    rng = np.random.default_rng(3)
    share = np.mean([draw_final_sinc(rng, SET_B) is not None for _ in range(500)])
    assert 0.73 < share < 0.87  # four deviations of 500 draws at 0.8


def test_the_published_probabilities_sum_to_one_and_set_b_is_set_a_made_lighter() -> None:
    assert abs(sum(KERNEL_KINDS.values()) - 1) < FLOAT64
    for params in DEGRADING:
        assert abs(sum(params.first.resize) - 1) < FLOAT64 and abs(sum(params.second.resize) - 1) < FLOAT64
    assert SET_B.first.sigma == SET_A.first.sigma == (0.2, 3)
    assert SET_B.second.noise_sigma[1] < SET_A.second.noise_sigma[1] and SET_B.first.jpeg[0] > SET_A.first.jpeg[0]
    assert SET_A.sharpen and not SET_B.sharpen
