"""Rewards by name. The published ones are loaded from files a person has; the mini ones are trained here and say so."""

from collections.abc import Callable
from pathlib import Path

from rfsr.rewards.clip_iqa import ClipIQA
from rfsr.rewards.image_reward import ImageReward
from rfsr.rewards.mini_preference import MiniPreference
from rfsr.rewards.mini_quality import MiniQuality
from rfsr.rewards.reward import Reward

REWARDS: dict[str, Callable[[Path], Reward]] = {
    reward.name: reward.load for reward in (ClipIQA, ImageReward, MiniQuality, MiniPreference)
}


def open_reward(name: str, path: Path) -> Reward:
    """The named reward from its file or folder, frozen. Throws ValueError for a name that does not exist."""
    if name not in REWARDS:
        raise ValueError(f"expected a reward of {sorted(REWARDS)}, got {name!r}")
    return REWARDS[name](path).eval().requires_grad_(False)
