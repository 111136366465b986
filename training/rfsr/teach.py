"""`rfsr teach`: what a teacher, Real-ESRGAN x4plus, makes of packed crops: a definite answer to each, where the photograph is one of many.

What was only reduced, or not at all, has the clean crop itself as its answer.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from tqdm import tqdm

from rfsr.common import from_rgb8, to_rgb8
from rfsr.data import PackedCrops
from rfsr.models.rrdb import RRDBConfig, RRDBNet

TEACHER = Path("realesrgan/realesrgan_x4plus_fp16.safetensors")
"""Its weights, in the folder of networks."""
FACTOR = 4
LEAST_SCALE = 3
"""Below, the clean crop is the answer: what a blurred or noisy picture of half the size was is nearly determined, and the teacher is slow there."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr teach`."""
    parser.add_argument("--crops", type=Path, required=True, help="packed crops, as `rfsr prepare` writes them")
    parser.add_argument("--nets", type=Path, required=True, help=f"folder with {TEACHER}")
    parser.add_argument("--part", default="0/1", help="I/N: every N-th crop from I on, so that N processes share the work")


def main(args: argparse.Namespace) -> None:
    """Answers every crop that has no answer yet; may be stopped and started again."""
    part, parts = map(int, args.part.split("/"))
    teach(PackedCrops(args.crops), open_teacher(args.nets), part=part, parts=parts)


def open_teacher(nets: Path) -> RRDBNet:
    """Real-ESRGAN x4plus, frozen, in float32."""
    network = RRDBNet(RRDBConfig())
    network.load_state_dict({name: value.float() for name, value in load_file(nets / TEACHER).items()})
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


@torch.no_grad()
def teach(crops: PackedCrops, teacher: RRDBNet, *, part: int = 0, parts: int = 1) -> None:
    """Fills `taught` and marks what is filled in `answered`, both beside the crops."""
    taught = open_array(crops.folder / "taught.npy", np.uint8, crops.degraded.shape)
    answered = open_array(crops.folder / "answered.npy", np.bool_, crops.degraded.shape[:2])
    device = next(teacher.parameters()).device
    for index in tqdm(range(part, len(crops.hr), parts), desc="teach", mininterval=10):
        facts = crops.facts[index]
        for kind, (name, scale) in enumerate(zip(facts["sets"], facts["scales"], strict=True)):
            if answered[index, kind]:
                continue
            if not by_teacher(name, scale):
                taught[index, kind] = crops.hr[index]
            else:
                small = from_rgb8(crops.small(index, kind))[None].to(device, memory_format=torch.channels_last)
                taught[index, kind] = fitted(to_rgb8(teacher(small)[0].float()), crops.hr.shape[1])
            answered[index, kind] = True


def by_teacher(degradation: str, scale: int) -> bool:
    """Whether the answer to a crop of this degradation set and scale is the teacher's, or the clean crop itself."""
    return degradation != "none" and scale >= LEAST_SCALE


def fitted(rgb8: np.ndarray, side: int) -> np.ndarray:
    """uint8 [H, W, 3] as [side, side, 3]."""
    if rgb8.shape[0] == side:
        return rgb8
    return np.asarray(Image.fromarray(rgb8).resize((side, side), Image.Resampling.LANCZOS))


def open_array(path: Path, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    """A memory-mapped array to write to; zeros where it is new."""
    if path.exists():
        return np.lib.format.open_memmap(path, mode="r+")
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
