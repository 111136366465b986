"""Checkpoints in the published layout, of random values and as small as they can be, and the runs they are converted to."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from rfsr import convert
from rfsr.checkpoint import load_runs, runs_in
from rfsr.convert.synthesize import WRITERS
from rfsr.pipelines.parts import BundleModels


@dataclass(frozen=True)
class Published:
    """A family's files by option of `rfsr convert`, and its runs."""

    options: dict[str, Path]
    runs: Path

    def models(self) -> BundleModels:
        """What the runs hold."""
        return load_runs(runs_in(self.runs), tagged=True, image={})[0]


def arguments(module: ModuleType, **given: object) -> argparse.Namespace:
    """A command's arguments, options by name."""
    parser = argparse.ArgumentParser()
    module.configure(parser)
    return parser.parse_args([f"--{name.replace('_', '-')}={value}" for name, value in given.items()])


def converted(family: str, folder: Path, *, width: str = "toy") -> Published:
    """Written and converted into `folder`."""
    options = WRITERS[family](folder / "files", width)
    convert.convert(arguments(convert, family=family, size=width, out=folder / "runs", **options))
    return Published(options, folder / "runs")
