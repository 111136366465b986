"""`rfsr needs`: what a full-size fine-tuning step asks of a device, counted on the meta device: no weights, no arithmetic.

One forward and backward pass of a family's UNet and ControlNet at full width. Counted exactly: parameters, their gradients, Adam's two moments,
the moving average, the pretrained copy, and what autograd keeps of the last step. Not counted: kernels' workspaces and fragmentation.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BlipTextModel

from rfsr.checkpoint import config_from
from rfsr.common import load_config
from rfsr.families import FAMILIES, PRIOR
from rfsr.features.vgg19 import VGG19Features
from rfsr.finetune.stage import RFSRConfig
from rfsr.finetune.step_cost import step_cost
from rfsr.models.denoiser import Denoiser
from rfsr.models.vae import StockAutoencoder, StockConfig
from rfsr.rewards.clip_iqa import CLIP
from rfsr.rewards.image_reward import VisionTransformer, centre_square, text_config

GIB = 2**30
MASTER_BYTES, HALF_BYTES = 4, 2
MOMENT_BYTES = {"adamw": 4, "adamw8bit": 1}
"""Of each of Adam's two moments of a weight."""
PROMPT_TOKENS, IMAGE_TOKENS = 77, 145
DEVICES_GIB = {"24 GB": 22, "40 GB": 38, "80 GB": 76}
"""What such cards leave a process."""


@dataclass(frozen=True)
class Needs:
    """GiB by part, for one micro-batch; `trained` in millions of parameters."""

    batch: int
    checkpointing: bool
    trained: float
    weights: float
    gradients: float
    optimizer: float
    average: float
    pretrained: float
    judges: float
    activations: float

    @property
    def total(self) -> float:
        """GiB of all parts."""
        return self.weights + self.gradients + self.optimizer + self.average + self.pretrained + self.judges + self.activations

    @property
    def device(self) -> str:
        """The smallest usual card that holds it."""
        return next((name for name, gib in DEVICES_GIB.items() if self.total < gib), "more than one card")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr needs`."""
    parser.add_argument("--family", choices=FAMILIES, default=PRIOR)
    parser.add_argument("--size", choices=FAMILIES[PRIOR].configs, default="full")
    parser.add_argument("--side", type=int, default=512, help="pixels of a training picture")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 2, 4, 8], help="micro-batches to count")
    parser.add_argument("--optimizer", choices=MOMENT_BYTES, default="adamw", help="see `[loop]`")
    parser.add_argument("--measure", type=Path, metavar="BUNDLE", help="also run steps of this bundle here: seconds and memory")
    parser.add_argument("--rewards", type=Path, default=Path("weights"), help="folder of the shipped rewards, for --measure")
    parser.add_argument("--config", type=Path, default=Path("configs/rfsr_mini.toml"), help="recipe to measure")
    parser.add_argument("--out", type=Path, help="JSON to write")


def main(args: argparse.Namespace) -> None:
    """Prints a table, and writes it where asked."""
    rows = [
        count(args.family, args.size, side=args.side, batch=batch, checkpointing=kept, optimizer=args.optimizer)
        for batch in args.batch
        for kept in (False, True)
    ]
    for row in rows:
        print(
            f"{row.trained:.0f} M trained, batch {row.batch}, {'checkpointed' if row.checkpointing else 'all kept'}: {row.total:.1f} GiB "
            f"(weights {row.weights:.1f}, gradients {row.gradients:.1f}, Adam {row.optimizer:.1f}, average {row.average:.1f}, "
            f"pretrained {row.pretrained:.1f}, judges {row.judges:.1f}, activations {row.activations:.1f}): {row.device}"
        )
    found: dict[str, Any] = {"needs": [asdict(row) | {"total": row.total, "device": row.device} for row in rows]}
    if args.measure:
        table = load_config(args.config)
        config = config_from(RFSRConfig, table["rfsr"])
        found["measured"] = step_cost(args.measure, args.rewards, config=config, batch=table["loop"]["batch_size"])
        print(json.dumps(found["measured"]))
    if args.out:
        args.out.write_text(json.dumps(found, indent=1))


def count(family: str, size: str, *, side: int, batch: int, checkpointing: bool, optimizer: str = "adamw") -> Needs:
    """One step at half precision with float32 masters, judged in float32 as `RFSRStage` does."""
    with torch.device("meta"):
        # half, as autocast makes them for the pass; the float32 masters are counted below
        denoiser, judges = Denoiser(FAMILIES[family].configs[size]).to(torch.bfloat16), Judges()
        denoiser.unet.checkpointing = denoiser.controlnet.checkpointing = checkpointing
        with kept_bytes(ignoring=[denoiser, judges]) as kept:
            loss = judges(predict(denoiser, side=side, batch=batch).float())
        loss.backward()
    parameters = sum(parameter.numel() for parameter in denoiser.parameters())
    without = [name for name, parameter in denoiser.named_parameters() if parameter.grad is None]
    if without:
        raise RuntimeError(f"expected a gradient for every weight of UNet and ControlNet, got none for {without[:3]}")
    master = parameters * MASTER_BYTES / GIB
    return Needs(
        batch=batch,
        checkpointing=checkpointing,
        trained=parameters / 1e6,
        weights=master + parameters * HALF_BYTES / GIB,
        gradients=master,
        optimizer=2 * parameters * MOMENT_BYTES[optimizer] / GIB,
        average=master,
        pretrained=master,
        judges=sum(parameter.numel() for parameter in judges.parameters()) * MASTER_BYTES / GIB,
        activations=kept.total / GIB,
    )


def predict(denoiser: Denoiser, *, side: int, batch: int) -> Tensor:
    """A prediction [batch, C, side/8, side/8] from inputs of the right shapes."""
    config = denoiser.config.unet
    half, cells = {"dtype": torch.bfloat16}, side // 8
    latent = torch.zeros(batch, config.out_channels, cells, cells, **half)
    conditions = denoiser.conditions(
        picture=torch.zeros(batch, 3, side, side, **half),
        image_embeds=None if config.image_dim is None else torch.zeros(batch, IMAGE_TOKENS, config.image_dim, **half),
        condition_latent=latent,
    )
    words = torch.zeros(batch, PROMPT_TOKENS, config.text_dim, **half)
    return denoiser(latent, torch.zeros(batch, **half), words, **conditions)


class Judges(nn.Module):
    """The frozen networks gradients pass through in the late window: decoder, VGG19, CLIP's RN50 and ImageReward.

    Of ImageReward's text half, 35 tokens wide, the weights count; what autograd keeps of it is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.vae, self.features = StockAutoencoder(StockConfig()), VGG19Features()
        self.clip = CLIP().visual
        self.vision, self.text = VisionTransformer(), BlipTextModel(text_config(), add_pooling_layer=False)
        self.requires_grad_(False)

    def forward(self, latent: Tensor) -> Tensor:
        """Scaled latents [B, 4, h, w] to a scalar that depends on all of them."""
        picture = self.vae.decode_latent(latent).clamp(0, 1)
        seen = self.vision(centre_square(picture))
        judged = [*self.features.maps(picture), self.clip(picture, positional=False), seen]
        return torch.stack([each.square().mean() for each in judged]).sum()


@dataclass
class Kept:
    """Bytes autograd holds for the backward pass."""

    total: int = 0


@contextmanager
def kept_bytes(*, ignoring: list[nn.Module]) -> Iterator[Kept]:
    """Counts what autograd saves within, each storage once, without the modules' own weights."""
    kept = Kept()
    # storages are held so that none is freed and its address used again while counting
    held = (parameter.untyped_storage() for module in ignoring for parameter in module.parameters())
    storages = {storage._cdata: storage for storage in held}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in storages:
            storages[storage._cdata] = storage
            kept.total += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield kept
