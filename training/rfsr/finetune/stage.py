"""RFSR's fine-tuning (arXiv 2412.03268, section 3), for any denoiser whose sampling `rfsr.rollout` can follow.

The released script departs from the paper; the paper is followed. What the paper leaves open is decided so:
a rollout's stop is uniform over the steps of both windows, as in the script; sampling is unguided; pictures are clamped to 0…1 before
they are judged, as in ReFL; ImageReward reads the tags without quality words; a reward's loss is mean(max(0, ceiling - score)).
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from rfsr.checkpoint import initialise_stage
from rfsr.common import to_rgb8
from rfsr.data import PackedCrops
from rfsr.degrade.stages import sharpen
from rfsr.features.network import FeatureNetwork, feature_distance
from rfsr.finetune.lora import add_lora, merged_state
from rfsr.losses import gram_distance, low_band_loss
from rfsr.metrics.pixels import psnr
from rfsr.models.denoiser import Denoiser
from rfsr.pretrain.denoiser import DenoiserStageConfig
from rfsr.pretrain.latents import FrozenParts, LatentCrops, prompt_text
from rfsr.pretrain.tagger import to01
from rfsr.rewards.reward import Reward
from rfsr.rollout import Plan, RolloutConfig, RolloutStage, plan_of

CHECKED = 16
"""Held-out crops on which rewards, fidelity and stylization are followed."""
CHECKED_AT_ONCE = 2
SHOWN = 6
END = "<|endoftext|>"


@dataclass(frozen=True)
class RFSRConfig(RolloutConfig):
    """The paper's choices are the defaults, but for the rollout window (64 cells are its 512 pixels).

    `steps`, `early`, `late`: see `rfsr.windows.Windows`; none means the family's. `pixel`: the early window's loss against the truth.
    `rewards`: weights by name. `regularisation`: of the late window; "lora" trains adapters only; "kl" is the divergence of
    the step's two Gaussians up to a factor, the mean squared difference of the noise predictions (DPOK, arXiv 2305.16381); "gram_kl" compares styles.
    `crops`: how many are used at most. `tags`: of which pictures; "published" is the
    family's choice. `sharpen_truth`: the truth is sharpened as the degradation's input is, as in the released script.
    """

    latent_window: int = 64
    guided: float = 0.0
    steps: int | None = None
    early: tuple[int, int] | None = None
    late: tuple[int, int] | None = None
    pixel: Literal["none", "l1", "dwt"] = "dwt"
    pixel_weight: float = 5e-4
    rewards: dict[str, float] = field(default_factory=lambda: {"clip_iqa": 5e-5, "image_reward": 5e-5})
    regularisation: Literal["none", "lora", "kl", "gram_kl"] = "gram_kl"
    regularisation_weight: float = 5e-5
    lora_rank: int = 16
    features: str = "vgg19"
    checkpointing: bool = False
    crops: int | None = None
    tags: Literal["degraded", "truth", "published"] = "degraded"
    sharpen_truth: bool = False


class RFSRStage(RolloutStage):
    """Trains UNet and ControlNet of a pretrained super-resolver, given as runs or a bundle; text encoder, autoencoder, rewards and the pretrained copy stay as they are."""

    name = "rfsr"

    def __init__(
        self,
        config: RFSRConfig,
        base: DenoiserStageConfig,
        crops: PackedCrops,
        latents: LatentCrops,
        parts: FrozenParts,
        *,
        bundle: Path,
        rewards: dict[str, Reward],
        features: FeatureNetwork,
        truth_tokens: np.ndarray | None = None,
    ) -> None:
        """`rewards`: at least those the configuration weighs; others are measured only. `truth_tokens`: [N, 77], prompts of the clean crops in
        place of the degraded ones'. Throws ValueError for a reward that is missing.
        """
        super().__init__(config, base, crops, latents, parts)
        if missing := config.rewards.keys() - rewards.keys():
            raise ValueError(f"expected the rewards {sorted(config.rewards)}, got none for {sorted(missing)}")
        self.rfsr = config
        self.windows = self.family.windows.fitted(config.steps, early=config.early, late=config.late)
        self.rewards = nn.ModuleDict(rewards).requires_grad_(False).eval()
        self.features = features.requires_grad_(False).eval()
        initialise_stage(self, bundle)
        self.text_encoder.requires_grad_(False)
        self.pretrained = deepcopy(self.denoiser).requires_grad_(False)
        if config.regularisation == "lora":
            add_lora(self.denoiser, rank=config.lora_rank)
        for network in (self.denoiser.unet, self.denoiser.controlnet):
            network.checkpointing = config.checkpointing
        self.started_from: dict[str, Any] = {}
        held_out = self.held_out
        self.checked = held_out[np.linspace(0, len(held_out) - 1, min(CHECKED, len(held_out))).astype(int)]
        self.reference: list[Tensor] = []
        self.truth_tokens = truth_tokens

    def gather(self, index: np.ndarray, kind: np.ndarray) -> dict[str, Tensor]:
        """See `DenoiserStage.gather`."""
        batch = super().gather(index, kind)
        if self.truth_tokens is None:
            return batch
        return batch | {"tokens": torch.from_numpy(self.truth_tokens[index].astype(np.int64))}

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """See `RolloutStage.draw`."""
        batch = super().draw(rng, count, progress01)
        if not self.rfsr.sharpen_truth:
            return batch
        clean = batch["clean"]
        return batch | {"clean": sharpen(clean.flatten(0, 1)).view_as(clean)}

    def plan(self, rng: np.random.Generator) -> Plan:
        """A rollout that stops in one of the windows."""
        return Plan(self.windows.steps, int(rng.choice(self.windows.stops)), self.draw_guidance(rng))

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """See `Stage.forward`: the loss of the windows the batch's rollout stopped in."""
        plan = plan_of(batch)
        generator = torch.Generator(batch["target"].device).manual_seed(seed)
        sample = self.visit(batch, plan, generator)
        latent = self.last_step(self.denoiser, batch, sample, plan)
        parts = self.parts_of_loss(batch, sample, latent, plan)
        weighted = [weight * loss for weight, loss in parts.values()]
        # a window without losses (an ablation) still gives the optimizer its step, without gradient
        loss = torch.stack(weighted).sum() if weighted else 0.0 * latent.sum()
        return {"loss": loss, **{name: part for name, (_, part) in parts.items()}}

    def parts_of_loss(
        self, batch: dict[str, Tensor], sample: Tensor, latent: Tensor, plan: Plan
    ) -> dict[str, tuple[float, Tensor]]:
        """Weight and loss by name, of the windows the plan stops in: of the x0 prediction `latent` of `sample`."""
        # everything that judges computes in float32: small differences are what it is about
        with torch.autocast(latent.device.type, enabled=False):
            picture = self.picture(batch, latent)
            parts: dict[str, tuple[float, Tensor]] = {}
            if self.windows.is_early(plan.stop) and self.rfsr.pixel != "none":
                parts[self.rfsr.pixel] = (self.rfsr.pixel_weight, self.pixel_loss(picture, batch["clean"]))
            if self.windows.is_late(plan.stop):
                for name, weight in self.rfsr.rewards.items():
                    parts[name] = (weight, self.rewards[name].loss(picture, self.words(batch["tokens"])))
                if self.rfsr.regularisation in ("kl", "gram_kl"):
                    weight = self.rfsr.regularisation_weight
                    parts[self.rfsr.regularisation] = (weight, self.regularisation(batch, sample, latent, picture, plan))
        return parts

    def picture(self, batch: dict[str, Tensor], latent: Tensor) -> Tensor:
        """What is judged: [B, 3, 8h, 8w] in 0…1 of scaled latents [B, C, h, w] of a batch."""
        return self.picture_of(batch, latent.float()).clamp(0, 1)

    def pixel_loss(self, picture: Tensor, clean: Tensor) -> Tensor:
        """The early window's loss."""
        return low_band_loss(picture, clean) if self.rfsr.pixel == "dwt" else (picture - clean).abs().mean()

    def regularisation(self, batch: dict[str, Tensor], sample: Tensor, latent: Tensor, picture: Tensor, plan: Plan) -> Tensor:
        """How far the trained network's prediction `latent` of `sample` is from the pretrained one's, as the configuration measures it."""
        with torch.no_grad():
            before = self.last_step(self.pretrained, batch, sample, plan)
            maps = self.features.maps(self.picture(batch, before))
        if self.rfsr.regularisation == "kl":
            abar = self.alphas[self.timestep(plan)]
            return abar / (1 - abar) * (latent - before).square().mean()
        return gram_distance(self.features.maps(picture), maps, self.features.weights)

    def words(self, tokens: Tensor) -> list[str]:
        """The tags of prompts [B, 77], as rewards read them: without the family's quality words."""
        quality = self.spoken(self.parts.tokenizer.encode(prompt_text(self.family, [])).ids)
        return [self.spoken(row).removesuffix(quality).strip(" ,") for row in tokens.tolist()]

    def spoken(self, ids: list[int]) -> str:
        """Token ids as text, without the tokens that mark start and end, and without what follows: padding may be a word of the vocabulary."""
        end = self.parts.tokenizer.token_to_id(END)
        words = ids[: ids.index(end)] if end in ids else ids
        marked = self.parts.tokenizer.decode(words, skip_special_tokens=False)
        return re.sub(r"\s+(?=,)", "", " ".join(re.sub(r"<\|\w+\|>", " ", marked).split()))

    def checked_batches(self) -> Iterator[dict[str, Tensor]]:
        """The held-out crops, the middle window of each, a few at a time: sixteen of 512 pixels at once fit no card."""
        for start in range(0, len(self.checked), CHECKED_AT_ONCE):
            index = self.checked[start : start + CHECKED_AT_ONCE]
            batch = self.gather(index, index * 0) | {"clean": to01(self.crops.hr[index])}
            middle = (batch["target"].shape[-1] - self.rfsr.latent_window) // 2
            yield {name: value.to(self.alphas.device) for name, value in self.cut_at(batch, middle, middle).items()}

    def sampled(self, denoiser: Denoiser, batch: dict[str, Tensor]) -> Tensor:
        """What full unguided sampling by `denoiser` makes of a batch, always from the same noise."""
        plan = Plan(self.windows.steps, self.windows.steps - 1)
        generator = torch.Generator(self.alphas.device).manual_seed(0)
        latent = self.last_step(denoiser, batch, self.visit(batch, plan, generator, denoiser=denoiser), plan)
        return self.picture(batch, latent)

    def measure(self) -> dict[str, float]:
        """Rewards, fidelity to the truth, and style against the pretrained network (`stylization`), of sampled held-out crops; and how strongly
        each loss pulls (see `gradients`).
        """
        if not self.reference:
            self.reference = [self.sampled(self.pretrained, batch) for batch in self.checked_batches()]
        means: dict[str, float] = {}
        for batch, reference in zip(self.checked_batches(), self.reference, strict=True):
            for name, value in self.scores(batch, reference).items():
                means[name] = means.get(name, 0.0) + value * len(reference) / len(self.checked)
        return means | self.gradients(next(self.checked_batches()))

    def scores(self, batch: dict[str, Tensor], reference: Tensor) -> dict[str, float]:
        """Means over a batch; `reference`: what the pretrained network makes of it."""
        picture, words = self.sampled(self.denoiser, batch), self.words(batch["tokens"])
        pairs = zip(picture, batch["clean"], strict=True)
        distance = gram_distance(self.features.maps(picture), self.features.maps(reference), self.features.weights)
        return {
            **{name: reward.score(picture, words).mean().item() for name, reward in self.rewards.items()},
            "psnr": float(np.mean([psnr(to_rgb8(ours), to_rgb8(truth)) for ours, truth in pairs])),
            "feature_distance": feature_distance(self.features(picture), self.features(batch["clean"])).item(),
            "low_band": low_band_loss(picture, batch["clean"]).item(),
            "stylization": distance.item(),
        }

    def gradients(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """`gradient_NAME`: the norm of each weighted loss's gradient on the x0 latents, at the last step of its window.

        All losses reach the weights through these latents, so these are the proportions in which they act, whatever units the losses have:
        weights are to be judged by them. Of Gram-KL it is zero until the network has moved.
        """
        found = {}
        for first, end in (self.windows.early, self.windows.late):
            if first == end:
                continue
            plan, generator = Plan(self.windows.steps, end - 1), torch.Generator(self.alphas.device).manual_seed(0)
            sample = self.visit(batch, plan, generator)
            latent = self.last_step(self.denoiser, batch, sample, plan).float().detach()
            with torch.enable_grad():
                latent.requires_grad_(True)
                for name, (weight, loss) in self.parts_of_loss(batch, sample, latent, plan).items():
                    (gradient,) = torch.autograd.grad(weight * loss, latent, retain_graph=True)
                    found[f"gradient_{name}"] = gradient.norm().item()
        return found

    def sample_rows(self) -> list[Tensor]:
        """Held-out crops: enlarged input, the pretrained network's result, the trained one's, the truth."""
        columns = []
        for batch in islice(self.checked_batches(), SHOWN // CHECKED_AT_ONCE):
            results = [self.sampled(network, batch) for network in (self.pretrained, self.denoiser)]
            columns.append([row.float().cpu() for row in (batch["degraded"], *results, batch["clean"])])
        return [torch.cat(row) for row in zip(*columns, strict=True)]

    def facts(self) -> dict[str, Any]:
        """The denoiser stage's facts, this stage's configuration and windows, and what it started from."""
        return {
            **super().facts(),
            "rfsr": {**asdict(self.rfsr), **asdict(self.windows)},
            "startedFrom": self.started_from,
        }

    def export_state(self) -> dict[str, Tensor]:
        """See `DenoiserStage.export_state`; adapters merged."""
        merged = {f"denoiser.{name}": value for name, value in merged_state(self.denoiser).items()}
        text = {f"text_encoder.{name}": value for name, value in self.text_encoder.state_dict().items()}
        return {**merged, **text}
