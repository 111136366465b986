"""The metrics of the paper's tables through the package `pyiqa` (IQA-PyTorch, CC BY-NC-SA 4.0 and S-Lab licence: for research).

Its networks come from files a person put there, never from the network: pyiqa fetches what it does not find, which is stopped here.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from rfsr.common import from_rgb8

PACKAGE = "pyiqa"
IQA_WEIGHTS = Path("pyiqa")
"""Its files, in the folder of networks; where pyiqa itself keeps them in a torch hub folder."""


@dataclass(frozen=True)
class PyiqaMetric:
    """`name`: pyiqa's own. Range and direction as its documentation has them."""

    name: str
    range: tuple[float, float]
    better: Literal["higher", "lower"]
    needs_reference: bool
    seen: bool = False


PYIQA = {
    "lpips": PyiqaMetric("lpips", (0, float("inf")), "lower", True),
    "dists": PyiqaMetric("dists", (0, 1), "lower", True),
    "maniqa": PyiqaMetric("maniqa", (0, 1), "higher", False),
    "musiq": PyiqaMetric("musiq", (0, 100), "higher", False),
    # the reward of the published recipe
    "clipiqa": PyiqaMetric("clipiqa", (0, 1), "higher", False, seen=True),
    "aesthetic": PyiqaMetric("laion_aes", (1, 10), "higher", False),
    "pyiqa_niqe": PyiqaMetric("niqe", (0, float("inf")), "lower", False),
    "pyiqa_psnr": PyiqaMetric("psnry", (0, float("inf")), "higher", True),
    "pyiqa_ssim": PyiqaMetric("ssim", (0, 1), "higher", True),
}
"""By the name columns have here; where this project has its own of a kind, pyiqa's is for comparing."""


def open_pyiqa(name: str, folder: Path) -> Callable[..., float]:
    """pyiqa's metric `name` of uint8 [H, W, 3] and, where it compares, a reference; on the GPU where there is one.

    Throws FileNotFoundError for a file that is not in `folder`, ImportError without the package.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with local_only(folder) as pyiqa:
        metric = pyiqa.create_metric(name, device=device)

    @torch.no_grad()
    def measure(rgb8: np.ndarray, reference: np.ndarray | None = None) -> float:
        pictures = [from_rgb8(each)[None].to(device) for each in (rgb8, reference) if each is not None]
        return float(metric(*pictures).item())

    return measure


def open_fid(folder: Path) -> Callable[[Path, Path], float]:
    """The Fréchet inception distance (Heusel et al., arXiv 1706.08500) of two folders of pictures. Throws as `open_pyiqa`."""
    with local_only(folder) as pyiqa:
        metric = pyiqa.create_metric("fid")
    return lambda ours, theirs: float(metric(str(ours), str(theirs)))


@contextmanager
def local_only(folder: Path) -> Iterator[Any]:
    """Gives the package; within, its networks are read from `folder`, and a download throws FileNotFoundError with the file's name."""
    hub, fetch, offline = torch.hub.get_dir(), torch.hub.download_url_to_file, os.environ.get("HF_HUB_OFFLINE")

    def refuse(url: str, dst: str, *_: Any, **__: Any) -> None:
        raise FileNotFoundError(f"expected {Path(dst).name} in {folder}, from {url}")

    torch.hub.set_dir(str(folder.parent))
    torch.hub.download_url_to_file = refuse
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        # pyiqa takes both over when it is imported, and then keeps them
        import pyiqa

        yield pyiqa
    finally:
        torch.hub.set_dir(hub)
        torch.hub.download_url_to_file = fetch
        if offline is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = offline
