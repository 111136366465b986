"""Stage `denoiser`: ControlNet, UNet and text encoder learn together to predict the noise of scaled latents."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfsr.data import PackedCrops
from rfsr.families import FAMILIES, PRIOR, start_sample, text_config
from rfsr.loop import Stage
from rfsr.models.denoiser import Denoiser
from rfsr.models.text import TextEncoder
from rfsr.pretrain.latents import FrozenParts, LatentCrops, fixed_prompts
from rfsr.pretrain.tagger import to01
from rfsr.pretrain.vae import noise_like
from rfsr.samplers import Sampler, open_sampler
from rfsr.schedule import alphas_cumprod, predict_x0

Predictor = Callable[[Tensor, int], Tensor]
"""x_t [B, C, h, w], scaled, and its timestep to the noise in it."""


@dataclass(frozen=True)
class DenoiserStageConfig:
    """Family and size of the denoiser, prompt mixture and timestep mixture of the stage.

    `negative`: share of samples whose target is the degraded picture itself, under the negative words. `empty` and `untagged`:
    shares without any words, and with quality words only. `last_timestep`: share at t = 999, where sampling starts. `crops`: how many are
    used at most; encoding each with the first stage takes its time.
    """

    family: str = PRIOR
    size: str = "mini"
    negative: float = 0.15
    empty: float = 0.05
    untagged: float = 0.15
    last_timestep: float = 0.1
    crops: int | None = None


class DenoiserStage(Stage):
    """Noise prediction in the preconditioned residual form of `Denoiser`."""

    name = "denoiser"
    rgb_heads = False
    """Whether the ControlNet has heads for small clean pictures (see `Family`)."""

    def __init__(self, config: DenoiserStageConfig, crops: PackedCrops, latents: LatentCrops, parts: FrozenParts) -> None:
        super().__init__()
        self.config, self.crops, self.latents, self.parts = config, crops, latents, parts
        # latents may be of the first crops only
        self.training_crops, self.held_out = (part[part < len(latents.hr)] for part in (crops.training, crops.held_out))
        self.vae = parts.vae
        self.family = FAMILIES[config.family]
        self.denoiser = Denoiser(self.family.configs[config.size], rgb_heads=self.rgb_heads)
        self.measure_residual()
        self.text_encoder = TextEncoder(text_config(config.family, config.size, parts.tokenizer.get_vocab_size()))
        self.register_buffer("alphas", alphas_cumprod(), persistent=False)
        for name, ids in fixed_prompts(parts, self.family).items():
            self.register_buffer(f"prompt_{name}", ids, persistent=False)

    def measure_residual(self) -> None:
        """Sets the residual's per-channel deviation, where a residual is predicted, to that of these latents: it belongs to the autoencoder."""
        if self.denoiser.config.residual_to_condition:
            self.denoiser.residual_std.copy_(self.latents.residual_std)

    def draw(self, rng: np.random.Generator, count: int, progress01: float) -> dict[str, Tensor]:
        """Latents, embeddings, prompts, degraded pictures and timesteps of `count` random crops."""
        index = rng.choice(self.training_crops, size=count)
        batch = self.gather(index, rng.integers(self.latents.centre.shape[1], size=count))
        timestep = rng.integers(1000, size=count)
        timestep[: max(1, round(count * self.config.last_timestep))] = 999
        return {**batch, "timestep": torch.from_numpy(timestep), "prompt_kind": torch.from_numpy(rng.random(count))}

    def gather(self, index: np.ndarray, kind: np.ndarray) -> dict[str, Tensor]:
        """Everything kept about crops `index` with their degradation number `kind`."""
        latents = self.latents
        return {
            "target": torch.from_numpy(latents.hr[index].astype(np.float32)),
            "condition_latent": torch.from_numpy(latents.centre[index, kind].astype(np.float32)),
            "image": torch.from_numpy(latents.embeds[index, kind].astype(np.float32)),
            "tokens": torch.from_numpy(latents.tokens[index, kind].astype(np.int64)),
            "degraded": to01(self.crops.degraded[index, kind]),
            "first": to01(latents.first[index, kind]),
        }

    def forward(self, batch: dict[str, Tensor], seed: int, progress01: float) -> dict[str, Tensor]:
        """Mean squared error of the preconditioned output, and beside it the error at t = 999 alone."""
        generator = torch.Generator(batch["target"].device).manual_seed(seed)
        tokens, negative = self.choose_prompts(batch)
        target = torch.where(negative[:, None, None, None], batch["condition_latent"], batch["target"])
        timestep = batch["timestep"]
        abar = self.alphas[timestep][:, None, None, None]
        eps = noise_like(target, generator)
        sample = abar.sqrt() * target + (1 - abar).sqrt() * eps
        error = (self.raw_prediction(batch, sample, timestep, tokens) - self.raw_target(batch, sample, timestep, eps)) ** 2
        per_sample = error.mean(dim=(1, 2, 3))
        return {"loss": per_sample.mean(), "last": per_sample[timestep == 999].mean()}

    def choose_prompts(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Token ids [B, 77] after dropout, and which samples carry the negative words [B]."""
        config, draw = self.config, batch["prompt_kind"][:, None]
        negative, empty = draw < config.negative, draw >= 1 - config.empty
        untagged = (draw >= config.negative) & (draw < config.negative + config.untagged)
        tokens = torch.where(negative, self.prompt_negative, batch["tokens"])
        tokens = torch.where(empty, self.prompt_empty, tokens)
        return torch.where(untagged, self.prompt_untagged, tokens), negative[:, 0]

    def raw_prediction(self, batch: dict[str, Tensor], sample: Tensor, timestep: Tensor, tokens: Tensor) -> Tensor:
        """The networks' unit-variance output F [B, C, h, w]."""
        scaled, _, _ = self.denoiser.precondition(sample, timestep, batch["condition_latent"])
        conditions = conditions_of(self.denoiser, batch)
        return self.denoiser.networks(scaled, timestep.float(), self.text_encoder(tokens), **conditions).float()

    def raw_target(self, batch: dict[str, Tensor], sample: Tensor, timestep: Tensor, eps: Tensor) -> Tensor:
        """What F should be."""
        return self.denoiser.target(sample, timestep, batch["condition_latent"], eps)

    def predictor(self, denoiser: Denoiser, batch: dict[str, Tensor], guidance: float) -> Predictor:
        """How `denoiser` predicts the noise [B, C, h, w] of this batch at one timestep for all samples, under guidance."""
        conditions = conditions_of(denoiser, batch)
        positive_words = self.text_encoder(batch["tokens"])
        negative_words = self.text_encoder(self.prompt_negative.expand(len(batch["tokens"]), -1)) if guidance > 1 else None

        def predict(sample: Tensor, timestep: int) -> Tensor:
            times = torch.full((len(sample),), float(timestep), device=sample.device)
            positive = denoiser(sample, times, positive_words, **conditions)
            if negative_words is None:
                return positive
            negative = denoiser(sample, times, negative_words, **conditions)
            return negative + guidance * (positive - negative)

        return predict

    def picture_of(self, batch: dict[str, Tensor], latent: Tensor) -> Tensor:
        """The picture [B, 3, 8h, 8w], nominally 0…1, that scaled latents [B, C, h, w] stand for.

        Where the residual to a first stage's picture is predicted, it is that picture and what decoding adds to it: what the autoencoder cannot
        carry is not lost. DiffBIR's full-size denoiser predicts the latent itself, which is decoded whole, as published.
        """
        if self.parts.restorer is None or not self.denoiser.config.residual_to_condition:
            return self.parts.decode01(latent)
        with torch.no_grad():
            centre = self.parts.decode01(batch["condition_latent"])
        return batch["first"] + self.parts.decode01(latent) - centre

    def start(self, batch: dict[str, Tensor], sampler: Sampler, generator: torch.Generator) -> Tensor:
        """Where the family's sampling starts, from the mean latent of the condition."""
        z = batch["condition_latent"]

        def draw() -> Tensor:
            return noise_like(z, generator)

        return start_sample(self.family.start_point, z, sampler, draw(), draw)

    def sample_rows(self) -> list[Tensor]:
        """Enlarged crops, the first stage's, first x0, sampled with 10 steps, and clean crops."""
        index = np.linspace(0, len(self.latents.hr) - 1, 8).astype(int)
        batch = {key: value.to(self.alphas.device) for key, value in self.gather(index, index * 0).items()}
        generator = torch.Generator(self.alphas.device).manual_seed(0)
        sampler = open_sampler(self.family.sampler, 10)
        sample = self.start(batch, sampler, generator)
        predict, first = self.predictor(self.denoiser, batch, 1.0), sample
        for step, time in enumerate(sampler.times):
            eps = predict(sample, time)
            first = predict_x0(sample, eps, time, self.alphas) if step == 0 else first
            sample = sampler.step(sample, eps, step, noise_like(sample, generator))
        pictures = [self.picture_of(batch, latent) for latent in (first, sample)]
        rows = [batch["degraded"], batch["first"], *pictures, to01(self.crops.hr[index])]
        return [row.float().clamp(0, 1).cpu() for row in rows]

    def facts(self) -> dict[str, Any]:
        """Configuration, and the facts of the stages this one stands on."""
        return {
            "family": self.config.family,
            "denoiserConfig": self.config.size,
            "mixture": asdict(self.config),
            "parts": self.parts.facts,
        }

    def export_state(self) -> dict[str, Tensor]:
        """`denoiser.` and `text_encoder.` weights and buffers."""
        state = self.state_dict()
        return {name: value for name, value in state.items() if name.startswith(("denoiser.", "text_encoder."))}


def conditions_of(denoiser: Denoiser, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """What `denoiser` sees of a batch's degraded pictures: see `Denoiser.conditions`."""
    return denoiser.conditions(
        picture=batch["degraded"], image_embeds=batch["image"], condition_latent=batch["condition_latent"]
    )
