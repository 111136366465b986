"""Which steps of a rollout RFSR trains, and for what: structure in the early ones, detail in the late ones (arXiv 2412.03268, eq. 7)."""

from dataclasses import dataclass

EARLY_SHARE, LATE_SHARE = 0.4, 0.2
"""Of the steps of any rollout: 1–20 and 41–50 of 50, as published for SeeSR and DiffBIR."""

Span = tuple[int, int]
"""Steps counted from 0: the first and the one after the last."""


@dataclass(frozen=True)
class Windows:
    """Where the pixel loss (`early`) and rewards with their regularisation (`late`) apply. They may overlap, or be empty."""

    early: Span
    late: Span

    @property
    def steps(self) -> list[int]:
        """Every step of either window, once, ascending; a rollout stops at one of these, each as likely."""
        return sorted({*range(*self.early), *range(*self.late)})

    def is_early(self, step: int) -> bool:
        """Whether the pixel loss applies."""
        return step in range(*self.early)

    def is_late(self, step: int) -> bool:
        """Whether rewards apply."""
        return step in range(*self.late)


def windows(steps: int, *, early: Span | None = None, late: Span | None = None) -> Windows:
    """The windows of a rollout of `steps`: the general rule where none is given. PASD's 20 steps have (0, 8) and (17, 20).

    Throws ValueError for a window outside the rollout, or if both are empty.
    """
    found = Windows(
        early=early if early is not None else (0, round(EARLY_SHARE * steps)),
        late=late if late is not None else (steps - round(LATE_SHARE * steps), steps),
    )
    for first, end in (found.early, found.late):
        if not 0 <= first <= end <= steps:
            raise ValueError(f"expected a window within 0…{steps}, got {first}…{end}")
    if not found.steps:
        raise ValueError("expected a window that is not empty")
    return found
