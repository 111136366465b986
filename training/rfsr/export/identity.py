"""`python -m rfsr.export.identity`: a bundle that loses nothing, so that tests see what the chain around the graphs loses.

Its latent is the picture itself, 8 × 8 pixels a cell; its denoiser gives the noise that leads back to the condition latent. Tagger, text
encoder and tokenizer are those of a bundle that is there.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rfsr.export.graphs import GraphSpec, export_graph
from rfsr.export.manifest import write_graph, write_index, write_manifest
from rfsr.export.parity import check_graph, open_session
from rfsr.schedule import alphas_cumprod

FACTOR = 8
CHANNELS = 3 * FACTOR**2


class PixelsToCells(nn.Module):
    """rgbPm1 to posterior moments: every pixel kept, its deviation its distance from grey."""

    def forward(self, rgb_pm1: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 3, 8h, 8w] to twice [B, 192, h, w]."""
        mean = functional.pixel_unshuffle(rgb_pm1, FACTOR)
        return mean, mean.abs()


class CellsToPixels(nn.Module):
    """The way back."""

    def forward(self, latent: Tensor) -> Tensor:
        """[B, 192, h, w] to [B, 3, 8h, 8w]."""
        return functional.pixel_shuffle(latent, FACTOR)


class ImpliedNoise(nn.Module):
    """The noise in a sample whose x0 is the condition latent: what a denoiser that knows the truth predicts."""

    signal: Tensor
    noise: Tensor

    def __init__(self) -> None:
        super().__init__()
        abar = alphas_cumprod().double()
        self.register_buffer("signal", abar.sqrt().float())
        self.register_buffer("noise", (1 - abar).sqrt().float())

    def forward(self, sample: Tensor, timestep: Tensor, condition_latent: Tensor) -> Tensor:
        """[B, 192, h, w], as sample and condition."""
        time = timestep.long()
        signal, noise = (table[time].reshape(-1, 1, 1, 1) for table in (self.signal, self.noise))
        return (sample - signal * condition_latent) / noise


def specs() -> list[GraphSpec]:
    """The graphs that lose nothing."""
    latent: list[int | str] = ["B", CHANNELS, "h", "w"]
    rgb: list[int | str] = ["B", 3, "8*h", "8*w"]
    return [
        GraphSpec("vaeEncoder", PixelsToCells(), {"rgbPm1": rgb}, {"mean": latent, "std": latent}),
        GraphSpec("vaeDecoder", CellsToPixels(), {"latent": latent}, {"rgbPm1": rgb}),
        GraphSpec(
            "denoiser", ImpliedNoise(), {"sample": latent, "timestep": ["B"], "conditionLatent": latent}, {"prediction": latent}
        ),
    ]


def main(like: Path, out: Path) -> None:
    """Writes the bundle, with what else it needs copied into it, and an index beside it. Throws ParityError and CostError as an export."""
    manifest: dict[str, Any] = json.loads((like / "manifest.json").read_text())
    graphs = {role: manifest["graphs"][role] for role in ("tagger", "textEncoder")}
    out.mkdir(parents=True, exist_ok=True)
    for file in [manifest["tokenizer"], *(file for chain in graphs.values() for graph in chain for file in graph["files"])]:
        source = like / file["path"]
        file["path"] = source.name
        shutil.copyfile(source, out / source.name)
    for spec in specs():
        model = export_graph(spec).SerializeToString()
        session = open_session(model)
        check_graph(spec, session)
        graphs[spec.role] = [write_graph(spec, model, session, out, family="seesr")]
    identity = {"id": "identity", "title": "Loses nothing (for tests)", "pairedWith": None}
    known = {key: manifest[key] for key in ("schema", "family", "variant", "tagged", "size", "license", "tokenizer", "tags")}
    write_manifest(
        known | identity | {
            "image": {**manifest["image"], "multipleOf": FACTOR, "minSide": FACTOR},
            "latent": {**manifest["latent"], "channels": CHANNELS},
            "graphs": graphs,
            "scheduler": manifest["scheduler"],
            "sampling": manifest["sampling"],
        },
        out,
    )  # fmt: skip
    write_index(out.parent)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--like", type=Path, default=Path("../tests/fixtures/models/seesr-nano"), help="a bundle with the rest")
    parser.add_argument("--out", type=Path, default=Path("../tests/fixtures/identity/bundle"))
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    main(arguments.like, arguments.out)
