"""Which steps of a rollout RFSR trains, and for what: structure in the early ones, detail in the late ones (arXiv 2412.03268, eq. 7)."""

from dataclasses import dataclass

Span = tuple[int, int]
"""Steps counted from 0: the first and the one after the last."""


@dataclass(frozen=True)
class Windows:
    """A rollout of `steps`, and where in it the pixel loss (`early`) and rewards with their regularisation (`late`) apply.

    They may overlap, and one may be empty. Throws ValueError for a window outside the rollout, or if both are empty.
    """

    steps: int
    early: Span
    late: Span

    def __post_init__(self) -> None:
        for first, end in (self.early, self.late):
            if not 0 <= first <= end <= self.steps:
                raise ValueError(f"expected a window within 0…{self.steps}, got {first}…{end}")
        if not self.stops:
            raise ValueError("expected a window that is not empty")

    @property
    def stops(self) -> list[int]:
        """Every step of either window, once, ascending; a rollout stops at one of these, each as likely."""
        return sorted({*range(*self.early), *range(*self.late)})

    def is_early(self, step: int) -> bool:
        """Whether the pixel loss applies."""
        return step in range(*self.early)

    def is_late(self, step: int) -> bool:
        """Whether rewards apply."""
        return step in range(*self.late)

    def fitted(self, steps: int | None, *, early: Span | None = None, late: Span | None = None) -> "Windows":
        """These windows in a rollout of `steps` (none: as many as here), in proportion, but for those that are given.

        Throws ValueError where both become empty, or a given one is not within the rollout.
        """
        total = self.steps if steps is None else steps

        def scaled(span: Span) -> Span:
            first, end = (round(bound * total / self.steps) for bound in span)
            return first, end

        return Windows(total, scaled(self.early) if early is None else early, scaled(self.late) if late is None else late)
