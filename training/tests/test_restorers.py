"""What can be measured; a bundle is run with its manifest's defaults."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rfsr.common import from_rgb8, to_rgb8
from rfsr.export.sources import nano_models
from rfsr.families import FAMILIES
from rfsr.pipelines import Settings, restore
from rfsr.restorers import BicubicRestorer, BundleRestorer, FolderRestorer, RealESRGANRestorer, published_settings
from tests.metrics.networks import save_real_esrgan

IMAGE = {"scale": 4, "multipleOf": 32, "minSide": 64, "workingSide": 128, "colorFix": "adain"}
SAMPLING = {
    "sampler": "ddim",
    "steps": 2,
    "guidance": 1.5,
    "startPoint": "noise",
    "positivePrompt": "sharp",
    "negativePrompt": "blurred",
}


def picture(height: int = 16, width: int = 24) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_bicubic_gives_four_times_the_sides_and_keeps_a_flat_picture() -> None:
    assert BicubicRestorer().restore(picture(5, 7), picture="x").shape == (20, 28, 3)
    flat = np.full((5, 7, 3), 90, np.uint8)
    assert (BicubicRestorer().restore(flat, picture="x") == 90).all()


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_bicubic_enlarges_by_what_it_is_told(scale: int) -> None:
    made = BicubicRestorer(scale).restore(picture(5, 7), picture="x")
    assert made.shape == (5 * scale, 7 * scale, 3) and (scale > 1 or np.array_equal(made, picture(5, 7)))


def test_real_esrgan_is_its_network_and_reduced_where_less_is_wanted(tmp_path: Path) -> None:
    network = save_real_esrgan(tmp_path)
    small = picture(6, 9)
    with torch.no_grad():
        whole = to_rgb8(network(from_rgb8(small)[None])[0])
    assert whole.std() > 0
    assert np.array_equal(RealESRGANRestorer(tmp_path).restore(small, picture="x"), whole)
    halved = RealESRGANRestorer(tmp_path, 2).restore(small, picture="x")
    assert np.array_equal(halved, np.asarray(Image.fromarray(whole).resize((18, 12), Image.Resampling.LANCZOS)))


def test_a_folder_gives_the_picture_of_that_name_and_refuses_two(tmp_path: Path) -> None:
    Image.fromarray(picture()).save(tmp_path / "a.png")
    restorer = FolderRestorer("theirs", tmp_path)
    assert np.array_equal(restorer.restore(picture(), picture="a"), picture())
    Image.fromarray(picture()).save(tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError, match="got 2"):
        restorer.restore(picture(), picture="a")


def test_a_bundle_runs_with_its_own_defaults_and_the_overrides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models, _ = nano_models({"bundle": {"family": "seesr", "tagged": True}, "image": IMAGE})
    # The manifest's weights are the exporter's business; what is tested here is which settings a run gets.
    monkeypatch.setattr("rfsr.checkpoint.load_bundle", lambda folder: models)
    identity = {"id": "nano", "variant": "rfsr", "pairedWith": "nano-base"}
    (tmp_path / "manifest.json").write_text(json.dumps({**identity, "family": "seesr", "image": IMAGE, "sampling": SAMPLING}))
    restorer = BundleRestorer(tmp_path, overrides={"seed": 7, "color_fix": "none"})
    wanted = Settings(
        steps=2,
        guidance=1.5,
        seed=7,
        sampler="ddim",
        start_point="noise",
        color_fix="none",
        positive="sharp",
        negative="blurred",
    )
    assert (restorer.name, restorer.base) == ("nano", "nano-base")
    assert restorer.request == wanted and restorer.settings["steps"] == 2
    got = restorer.restore(picture(), picture="x")
    assert got.shape == (64, 96, 3) and np.array_equal(got, restore(models, picture(), wanted).rgb8)
    published = BundleRestorer(tmp_path, overrides={"seed": 7}, published=True).request
    assert published == Settings(**published_settings(FAMILIES["seesr"]), seed=7) and published.guidance == 5.5
    another = restorer.restore(picture(), picture="x", seed=8)
    assert restorer.seed == 7 and np.array_equal(another, restore(models, picture(), replace(wanted, seed=8)).rgb8)
    assert not np.array_equal(another, got)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_published_settings_are_those_the_page_offers(family: str) -> None:
    page = (Path(__file__).parents[2] / f"src/protocol/options/{family}.ts").read_text()
    table = re.search(r"published: \{(.*?)\}", page, re.DOTALL)
    assert table is not None
    offered = {key: value.strip("'") for key, value in re.findall(r"(\w+): ('[^']*'|[\d.]+)", table[1])}
    request = Settings(**published_settings(FAMILIES[family]))
    assert (request.steps, request.guidance) == (int(offered["steps"]), float(offered["guidance"]))
    words = (request.sampler, request.start_point, request.color_fix, request.positive, request.negative)
    assert words == tuple(offered[key] for key in ("sampler", "startPoint", "colorFix", "positive", "negative"))
