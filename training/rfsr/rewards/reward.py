"""What a reward is: a score of pictures, of pictures and words, that gradients flow through."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn


class Reward(nn.Module, ABC):
    """Scores pictures; higher is better. Frozen: gradients reach the pictures only."""

    name: ClassVar[str]
    range: ClassVar[tuple[float, float]]
    """Infinite where there is no bound."""
    ceiling: ClassVar[float]
    """From this score on there is nothing to gain: the loss is the mean of max(0, ceiling - score), as in ReFL (arXiv 2304.05977)."""
    uses_text: ClassVar[bool]

    @abstractmethod
    def score(self, rgb01: Tensor, texts: list[str]) -> Tensor:
        """Scores [B] of pictures [B, 3, H, W] in 0…1, float32; `texts`: what each shows, ignored where `uses_text` is false."""

    def loss(self, rgb01: Tensor, texts: list[str]) -> Tensor:
        """A scalar to minimise."""
        return (self.ceiling - self.score(rgb01, texts)).clamp(min=0).mean()
