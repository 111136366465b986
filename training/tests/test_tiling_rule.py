"""How a graph may be cut: in exact parts only where it sees no farther than they do."""

import pytest
from torch import Tensor, nn

from rfsr.export.costs import sides_of
from rfsr.export.graphs import PART_CELLS, GraphSpec, tiling_rule

CHANNELS = 4


class ChannelNorm(nn.LayerNorm):
    """A LayerNorm over the channels of each place."""

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, h, w], as the input."""
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class Decoder(nn.Sequential):
    """A convolution that reaches one cell, what is to be tested, and another."""

    def __init__(self, *between: nn.Module) -> None:
        super().__init__(*(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), *between, nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)))

    def forward(self, latent: Tensor) -> Tensor:
        """[B, C, h, w], as the latent."""
        return super().forward(latent)


def decoder(*between: nn.Module) -> GraphSpec:
    dims: list[int | str] = ["B", CHANNELS, "h", "w"]
    return GraphSpec("vaeDecoder", Decoder(*between), {"latent": dims}, {"rgbPm1": dims})


@pytest.mark.parametrize("between", [nn.Identity(), nn.SiLU(), ChannelNorm(CHANNELS)])
def test_what_sees_a_few_cells_is_cut_into_parts_with_so_many_around(between: nn.Module) -> None:
    assert tiling_rule(decoder(between)) == {"kind": "halo", "cells": 4, "part": PART_CELLS}


@pytest.mark.parametrize("between", [nn.GroupNorm(2, CHANNELS), nn.InstanceNorm2d(CHANNELS)])
def test_what_normalises_over_the_picture_is_not_cut(between: nn.Module) -> None:
    assert tiling_rule(decoder(between)) is None


def test_what_is_not_cut_is_measured_at_sizes_of_parts() -> None:
    spec = decoder(nn.GroupNorm(2, CHANNELS))
    assert sides_of(spec, tiling_rule(spec)) == [PART_CELLS // 2, 3 * PART_CELLS // 4, PART_CELLS]
