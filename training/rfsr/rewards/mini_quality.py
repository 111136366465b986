"""`mini_quality`: a small no-reference quality score, trained by this project (stage `quality` of `rfsr pretrain`).

It stands where CLIP-IQA stands at full size. It has learnt to order versions of a photograph by how faulty they are, no more.
"""

import json
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from rfsr.rewards.critic import Critic
from rfsr.rewards.reward import Reward


class MiniQuality(Reward):
    """Probability-like score of a picture."""

    name = "mini_quality"
    range = (0.0, 1.0)
    ceiling = 1.0
    uses_text = False

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.critic = Critic(channels)

    @staticmethod
    def load(path: Path) -> "MiniQuality":
        """From a run folder of the stage `quality`, or the folder of shipped rewards."""
        facts = json.loads((path / "facts.json").read_text())
        reward = MiniQuality(tuple(facts["channels"]))
        reward.load_state_dict({key: value.float() for key, value in load_file(path / "model.safetensors").items()})
        return reward

    def score(self, rgb01: Tensor, texts: list[str]) -> Tensor:
        """See `Reward.score`."""
        return self.critic(rgb01).sigmoid()
