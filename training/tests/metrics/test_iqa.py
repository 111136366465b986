"""The adapter of pyiqa, against a module of the same interface: the package brings torchvision and cannot be had everywhere."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from rfsr.__main__ import main
from rfsr.metrics.iqa import PYIQA
from rfsr.metrics.registry import METRICS, Measures


class StandIn(ModuleType):
    """What of pyiqa is used: `create_metric`, which fetches what is not in torch hub's folder `pyiqa`."""

    def __init__(self) -> None:
        super().__init__("pyiqa")
        self.given: list[tuple[Tensor, ...]] = []

    def create_metric(self, name: str, *, device: torch.device | None = None) -> Any:
        file = Path(torch.hub.get_dir()) / "pyiqa" / f"{name}.pth"
        if not file.exists():
            torch.hub.download_url_to_file(f"https://example.org/{name}.pth", str(file), progress=True)

        if name == "fid":
            return lambda ours, theirs: float(ours != theirs) * len(list(Path(ours).iterdir()))

        def metric(*pictures: Tensor) -> Tensor:
            self.given.append(pictures)
            return torch.stack([picture.mean() for picture in pictures]).sum()[None, None]

        return metric


@pytest.fixture
def pyiqa(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    module = StandIn()
    module.__spec__ = sys.__spec__  # so that it is found as an installed package is
    monkeypatch.setitem(sys.modules, "pyiqa", module)
    return module


def weights(folder: Path, *names: str) -> Path:
    (folder / "pyiqa").mkdir(exist_ok=True)
    for name in names:
        (folder / "pyiqa" / f"{name}.pth").touch()
    return folder


def test_gives_pictures_as_pyiqa_takes_them_with_a_reference_where_it_compares(pyiqa: StandIn, tmp_path: Path) -> None:
    measures = Measures(weights(tmp_path, "lpips", "laion_aes"), ["lpips", "aesthetic"])
    dark, light = np.full((32, 48, 3), 51, np.uint8), np.full((32, 48, 3), 204, np.uint8)
    scores, declined = measures.score(dark, light, picture="x")
    assert scores == {"lpips": pytest.approx(1.0), "aesthetic": pytest.approx(0.2)} and not declined
    (both, one) = pyiqa.given
    assert [each.shape for each in both] == [(1, 3, 32, 48)] * 2 and len(one) == 1
    assert both[0].mean() < both[1].mean() <= 1 and both[0].dtype == torch.float32


def test_what_is_missing_is_declined_by_its_file_and_never_fetched(pyiqa: StandIn, tmp_path: Path) -> None:
    hub, fetch = torch.hub.get_dir(), torch.hub.download_url_to_file
    measures = Measures(weights(tmp_path, "lpips"), ["lpips", "musiq"])
    (declined,) = measures.declined
    assert (declined.metric, declined.reason) == ("musiq", "weights-missing")
    assert "musiq.pth" in declined.detail and "https://example.org/musiq.pth" in declined.detail
    assert set(measures.open) == {"lpips"}
    assert torch.hub.get_dir() == hub and torch.hub.download_url_to_file is fetch


def test_without_the_package_all_are_declined_and_none_is_measured_unasked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    asked = Measures(weights(tmp_path), list(PYIQA))
    assert not asked.open and {each.reason for each in asked.declined} == {"package-missing"}
    assert "pip install pyiqa" in asked.declined[0].detail
    assert PYIQA.keys() <= METRICS.keys() and PYIQA.keys().isdisjoint(Measures(tmp_path).open)


def test_the_frechet_distance_is_of_the_saved_pictures_to_the_truths(
    pyiqa: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    references = tmp_path / "references"
    references.mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(references / f"{name}.png")
    nets, out = weights(tmp_path, "fid", "maniqa"), tmp_path / "r.json"
    words = ["--references", references, "--nets", nets, "--out", out, "--metrics", "psnr", "maniqa", "--fid"]
    monkeypatch.setattr("sys.argv", ["rfsr", "evaluate", *map(str, words), "--save", str(tmp_path / "made"), "--paper"])
    main()
    results = json.loads(out.read_text())
    bicubic, truth = results["sets"][0]["models"]
    assert bicubic["mean"]["fid"] == {"value": 2.0, "count": 2} and truth["mean"]["fid"]["value"] == 0
    assert len(list((tmp_path / "made" / "truth").iterdir())) == 2
    assert {each["metric"] for each in results["declined"]} == {"musiq", "clipiqa", "aesthetic", "lpips"}
    table = out.with_suffix(".md").read_text()
    assert "fid ↓" in table and "beside the paper's DIV2K-val, another set" in table
    monkeypatch.setattr("sys.argv", ["rfsr", "evaluate", *map(str, words)])
    with pytest.raises(ValueError, match="--save beside --fid"):
        main()


def test_the_papers_metrics_are_all_there() -> None:
    assert {"lpips", "dists", "maniqa", "musiq", "clipiqa", "aesthetic"} <= PYIQA.keys()
    assert {name for name, each in PYIQA.items() if each.better == "lower"} == {"lpips", "dists", "pyiqa_niqe"}
