"""What `rfsr evaluate` can measure: anything that enlarges a picture by 1 to 4."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from PIL import Image

from rfsr.common import from_rgb8, load_config, open_rgb, to_rgb8
from rfsr.families import FAMILIES, Family
from rfsr.teach import TEACHER, open_teacher

if TYPE_CHECKING:
    from rfsr.pipelines import BundleModels

SCALE = 4
"""What the families were trained for, and what is measured where nothing is said."""
SCALES = (1, 2, 3, 4)


class Restorer(Protocol):
    """A model under measurement. `settings`: JSON facts that say what was run. `base`: of an RFSR version, the model it came from. `seed`: of its
    noise, None where it draws none.
    """

    name: str
    settings: dict[str, Any]
    base: str | None
    seed: int | None

    def restore(self, lr: np.ndarray, *, picture: str, seed: int | None = None) -> np.ndarray:
        """uint8 [h, w, 3] to uint8 [scale·h, scale·w, 3]; `picture` is the file's name without suffix, `seed` stands in for its own."""


class BicubicRestorer:
    """The baseline: Pillow's bicubic."""

    name = "bicubic"
    base: str | None = None
    seed: int | None = None

    def __init__(self, scale: int = SCALE) -> None:
        self.scale = scale
        self.settings: dict[str, Any] = {}

    def restore(self, lr: np.ndarray, *, picture: str, seed: int | None = None) -> np.ndarray:
        """See `Restorer`."""
        height, width = lr.shape[:2]
        return np.asarray(Image.fromarray(lr).resize((width * self.scale, height * self.scale), Image.Resampling.BICUBIC))


class RealESRGANRestorer:
    """Real-ESRGAN x4plus (Wang et al., arXiv 2107.10833) from the folder of networks, in single precision, whole. Below ×4 its result is reduced (Lanczos), as the released program does."""

    name = "realesrgan-x4plus"
    base: str | None = None
    seed: int | None = None

    def __init__(self, nets: Path, scale: int = SCALE) -> None:
        self.scale = scale
        self.settings: dict[str, Any] = {"weights": TEACHER.name}
        self.network = open_teacher(nets)

    @torch.no_grad()
    def restore(self, lr: np.ndarray, *, picture: str, seed: int | None = None) -> np.ndarray:
        """See `Restorer`."""
        height, width = lr.shape[:2]
        made = to_rgb8(self.network(from_rgb8(lr)[None])[0])
        if self.scale == SCALE:
            return made
        return np.asarray(Image.fromarray(made).resize((width * self.scale, height * self.scale), Image.Resampling.LANCZOS))


class FolderRestorer:
    """Pictures made elsewhere: folder/NAME.* for every input NAME."""

    base: str | None = None
    seed: int | None = None

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.settings: dict[str, Any] = {"outputs": folder.name}

    def restore(self, lr: np.ndarray, *, picture: str, seed: int | None = None) -> np.ndarray:
        """See `Restorer`. Throws FileNotFoundError unless there is exactly one such picture."""
        found = [path for path in self.folder.iterdir() if path.stem == picture]
        if len(found) != 1:
            raise FileNotFoundError(f"expected one picture {picture}.* in {self.folder}, got {len(found)}")
        return np.asarray(open_rgb(found[0]))


class ModelsRestorer:
    """Networks of a bundle or of runs, run in PyTorch with the defaults given, where `overrides` (fields of Settings) do not say otherwise."""

    base: str | None = None

    def __init__(self, name: str, models: "BundleModels", defaults: dict[str, Any], overrides: dict[str, Any]) -> None:
        from rfsr.pipelines import Settings

        self.name, self.models = name, models
        self.request = Settings(**{**defaults, **overrides})
        self.settings = asdict(self.request)
        self.seed: int | None = self.request.seed

    def restore(self, lr: np.ndarray, *, picture: str, seed: int | None = None) -> np.ndarray:
        """See `Restorer`."""
        from rfsr.pipelines import restore

        request = self.request if seed is None else replace(self.request, seed=seed)
        return restore(self.models, lr, request).rgb8


class BundleRestorer(ModelsRestorer):
    """An exported bundle, with its own sampling defaults, or its family's published settings."""

    def __init__(self, folder: Path, *, overrides: dict[str, Any], published: bool = False) -> None:
        # Networks are loaded only where a bundle is measured: bicubic and ready-made pictures need none.
        from rfsr.checkpoint import load_bundle

        manifest = json.loads((folder / "manifest.json").read_text())
        defaults = published_settings(FAMILIES[manifest["family"]]) if published else own_settings(manifest)
        super().__init__(manifest["id"], load_bundle(folder), defaults, overrides)
        self.base = manifest["pairedWith"] if manifest["variant"] == "rfsr" else None


class RunsRestorer(ModelsRestorer):
    """Runs, as `rfsr convert` and the stages leave them, of the identity and the settings that a bundle's recipe says: what an export of them
    would be, without one.
    """

    def __init__(self, recipe: Path, folder: Path, *, overrides: dict[str, Any], published: bool = False) -> None:
        from rfsr.checkpoint import load_runs, runs_in
        from rfsr.export.manifest import sampling_defaults

        config = load_config(recipe)
        bundle, image = config["bundle"], config["image"]
        family = FAMILIES[bundle["family"]]
        sampling = {"sampling": sampling_defaults(family, config.get("sampling", {})), "image": image}
        defaults = published_settings(family) if published else own_settings(sampling)
        models, _ = load_runs(runs_in(folder), tagged=bundle["tagged"], image=image)
        super().__init__(bundle["id"], models, defaults, overrides)


def own_settings(manifest: dict[str, Any]) -> dict[str, Any]:
    """Fields of Settings that a bundle's manifest gives."""
    sampling = manifest["sampling"]
    return {
        "steps": sampling["steps"],
        "guidance": sampling["guidance"],
        "sampler": sampling["sampler"],
        "start_point": sampling["startPoint"],
        "positive": sampling["positivePrompt"],
        "negative": sampling["negativePrompt"],
        "color_fix": manifest["image"]["colorFix"],
    }


def published_settings(family: Family) -> dict[str, Any]:
    """The same of a family's published program."""
    return {
        "steps": family.windows.steps,
        "guidance": family.guidance,
        "sampler": family.sampler,
        "start_point": family.start_point,
        "positive": family.positive,
        "negative": family.negative,
        "color_fix": family.color_fix,
    }
