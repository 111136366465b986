"""Windows of a rollout: as published, and fitted to another number of steps."""

import pytest

from rfsr.families import FAMILIES
from rfsr.windows import Windows


def test_families_have_the_published_windows() -> None:
    for family in ("seesr", "diffbir"):
        assert FAMILIES[family].windows.stops == [*range(20), *range(40, 50)]
    pasd = FAMILIES["pasd"].windows
    assert pasd.stops == [*range(8), 17, 18, 19]
    assert pasd.is_early(7) and not pasd.is_early(8) and not pasd.is_late(16) and pasd.is_late(19)


@pytest.mark.parametrize("family", FAMILIES)
def test_windows_fitted_to_their_own_steps_are_themselves_and_others_keep_their_shares(family: str) -> None:
    published = FAMILIES[family].windows
    assert published.fitted(None) == published.fitted(published.steps) == published
    for steps in range(2, 101):
        fitted = published.fitted(steps)
        for ours, theirs in ((fitted.early, published.early), (fitted.late, published.late)):
            assert ours == pytest.approx([bound * steps / published.steps for bound in theirs], abs=0.5)


def test_a_window_that_is_given_is_taken_as_it_is() -> None:
    fitted = FAMILIES["seesr"].windows.fitted(20, early=(0, 0))
    assert fitted == Windows(20, (0, 0), (16, 20)) and fitted.stops == [16, 17, 18, 19]


def test_windows_outside_the_rollout_and_two_empty_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="within 0…20, got 15…21"):
        Windows(20, (0, 8), (15, 21))
    with pytest.raises(ValueError, match="not empty"):
        Windows(20, (0, 0), (20, 20))
