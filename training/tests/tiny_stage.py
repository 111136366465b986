"""A stage of a few weights, with judges that misbehave in training mode: what the loop does can be seen on it in no time."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rfsr.loop import Stage


class Judge(nn.Module):
    """A frozen network whose statistics would move, and whose answers would be random, in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop, self.last = nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.drop(self.norm(x)))


class TinyStage(Stage):
    """A linear map, judged. `drawn`: the micro-batches seen, `stops`: what was agreed on."""

    name = "tiny"

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0))
        self.judges = nn.ModuleDict({"one": Judge()}).requires_grad_(False).eval()
        self.stops: list[int] = []

    def agree(self, rng: np.random.Generator) -> dict[str, Tensor]:
        return {"stop": torch.tensor(int(rng.integers(1000)))}

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        return {"x": torch.from_numpy(rng.normal(size=(count, 4)).astype(np.float32))}

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        self.stops.append(int(batch["stop"]))
        noise = torch.randn(batch["x"].shape, generator=torch.Generator().manual_seed(seed))
        y = self.network(batch["x"] + noise)
        return {"loss": (y - batch["x"]).square().mean() + self.judges["one"](y).square().mean() * batch["stop"] / 1000}

    def sample_rows(self) -> list[Tensor]:
        return [torch.zeros(1, 3, 4, 4)]

    def facts(self) -> dict[str, Any]:
        return {}
