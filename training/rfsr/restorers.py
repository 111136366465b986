"""What `rfsr evaluate` can measure: anything that turns a low-resolution picture into one four times its size."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from rfsr.common import open_rgb

SCALE = 4


class Restorer(Protocol):
    """A model under measurement. `settings`: JSON facts that say what was run. `base`: of an RFSR version, the model it came from."""

    name: str
    settings: dict[str, Any]
    base: str | None

    def restore(self, lr: np.ndarray, *, picture: str) -> np.ndarray:
        """uint8 [h, w, 3] to uint8 [4h, 4w, 3]; `picture` is the file's name without suffix."""


class BicubicRestorer:
    """The baseline: Pillow's bicubic."""

    name = "bicubic"
    base: str | None = None

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}

    def restore(self, lr: np.ndarray, *, picture: str) -> np.ndarray:
        """See `Restorer`."""
        height, width = lr.shape[:2]
        return np.asarray(Image.fromarray(lr).resize((width * SCALE, height * SCALE), Image.Resampling.BICUBIC))


class FolderRestorer:
    """Pictures made elsewhere: folder/NAME.* for every input NAME."""

    base: str | None = None

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.settings: dict[str, Any] = {"outputs": folder.name}

    def restore(self, lr: np.ndarray, *, picture: str) -> np.ndarray:
        """See `Restorer`. Throws FileNotFoundError unless there is exactly one such picture."""
        found = [path for path in self.folder.iterdir() if path.stem == picture]
        if len(found) != 1:
            raise FileNotFoundError(f"expected one picture {picture}.* in {self.folder}, got {len(found)}")
        return np.asarray(open_rgb(found[0]))


class BundleRestorer:
    """An exported bundle, run in PyTorch with its own sampling defaults where `overrides` (fields of Settings) does not say otherwise."""

    def __init__(self, folder: Path, *, overrides: dict[str, Any]) -> None:
        # Networks are loaded only where a bundle is measured: bicubic and ready-made pictures need none.
        from rfsr.checkpoint import load_bundle
        from rfsr.pipelines import Settings

        manifest = json.loads((folder / "manifest.json").read_text())
        sampling = manifest["sampling"]
        defaults = {
            "scale": SCALE,
            "steps": sampling["steps"],
            "guidance": sampling["guidance"],
            "sampler": sampling["sampler"],
            "start_point": sampling["startPoint"],
            "positive": sampling["positivePrompt"],
            "negative": sampling["negativePrompt"],
            "color_fix": manifest["image"]["colorFix"],
        }
        self.name = manifest["id"]
        self.base = manifest["pairedWith"] if manifest["variant"] == "rfsr" else None
        self.models = load_bundle(folder)
        self.request = Settings(**{**defaults, **overrides})
        self.settings = asdict(self.request)

    def restore(self, lr: np.ndarray, *, picture: str) -> np.ndarray:
        """See `Restorer`."""
        from rfsr.pipelines import restore

        return restore(self.models, lr, self.request).rgb8
