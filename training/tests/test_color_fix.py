"""Colour fixes: a picture with the right colours stays, one with a cast gets them back."""

import torch

from rfsr.color_fix import COLOR_FIXES, adain_color_fix

COLOR_TOLERANCE = 1e-5
"""Of colours in 0…1: sums over a small picture in float32."""


def test_color_fixes_keep_a_picture_that_already_has_the_colours_of_its_reference() -> None:
    planes = torch.rand(2, 3, 12, 17, generator=torch.Generator().manual_seed(3))
    for fix in COLOR_FIXES.values():
        assert torch.allclose(fix(planes, planes), planes, atol=COLOR_TOLERANCE)


def test_color_fixes_take_back_a_cast_but_keep_detail() -> None:
    reference = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(4))
    cast = reference * 0.8 + torch.tensor([0.1, 0.0, -0.05])[:, None, None]
    assert torch.allclose(adain_color_fix(cast, reference), reference, atol=1e-3)  # the floor under the variance shows
    for fix in (COLOR_FIXES["wavelet"], COLOR_FIXES["adain"]):
        means = fix(cast, reference).mean(dim=(2, 3))
        assert torch.allclose(means, reference.mean(dim=(2, 3)), atol=0.01)
    assert torch.equal(COLOR_FIXES["none"](cast, reference), cast)
