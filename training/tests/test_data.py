"""`rfsr prepare` on a few generated pictures."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rfsr.__main__ import main
from rfsr.common import sha256_of
from rfsr.data import PackedCrops, PrepareConfig, prepare

CONFIG = PrepareConfig(
    count=9,
    side=64,
    degradations=2,
    crops_a_picture=(2, 6),
    pixels_a_crop=3000,
    shrink_above=150,
    scales={"4": 0.5, "1": 0.5},
    processes=1,
    seed=5,
)
ARRAYS = ("degraded.npy", "hr.npy", "lr.npy")


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Three detailed pictures of different sizes, one of them large enough to be reduced, and a flat one."""
    folder = tmp_path / "photographs"
    (folder / "deeper").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, (height, width) in {"a": (80, 120), "b": (200, 170), "deeper/c": (64, 64)}.items():
        coarse = Image.fromarray(rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8))
        coarse.resize((width, height), Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    Image.new("RGB", (200, 200), (90, 120, 30)).save(folder / "flat.png")
    return folder


def test_packs_crops_that_are_windows_of_their_sources(photographs: Path, tmp_path: Path) -> None:
    prepare(photographs, tmp_path / "out", CONFIG)
    crops = PackedCrops(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert crops.hr.dtype == crops.lr.dtype == crops.degraded.dtype == np.uint8
    assert crops.hr.shape[1:] == (64, 64, 3) and crops.lr.shape == crops.degraded.shape == (len(crops.hr), 2, 64, 64, 3)
    assert len(manifest["crops"]) == len(crops.hr) <= CONFIG.count
    for hr, crop in zip(crops.hr, manifest["crops"], strict=True):
        source = np.asarray(Image.open(photographs / manifest["sources"][crop["source"]]["file"]))
        scale, top, left = crop["box"]
        assert set(crop["sets"]) <= {"b", "mild"} and len(crop["sets"]) == 2
        if scale == 1:
            assert np.array_equal(hr, source[top : top + 64, left : left + 64])


def test_what_networks_see_is_the_small_picture_enlarged(photographs: Path, tmp_path: Path) -> None:
    prepare(photographs, tmp_path / "out", CONFIG)
    crops = PackedCrops(tmp_path / "out")
    scales = [scale for facts in crops.facts for scale in facts["scales"]]
    assert set(scales) == {1, 4}
    for index, kind in np.ndindex(len(crops.hr), 2):
        small = crops.small(index, kind)
        assert small.shape[0] == 64 // crops.facts[index]["scales"][kind]
        enlarged = np.asarray(Image.fromarray(small).resize((64, 64), Image.Resampling.BICUBIC))
        assert np.array_equal(crops.degraded[index, kind], enlarged)


def test_an_undegraded_crop_at_scale_1_is_the_crop(photographs: Path, tmp_path: Path) -> None:
    prepare(photographs, tmp_path, dataclasses.replace(CONFIG, mixture={"none": 1.0}, scales={"1": 1.0}))
    crops = PackedCrops(tmp_path)
    assert np.array_equal(crops.degraded[:, 0], crops.hr)


def test_never_takes_a_flat_crop_and_reduces_large_pictures(photographs: Path, tmp_path: Path) -> None:
    prepare(photographs, tmp_path, CONFIG)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    files = [manifest["sources"][crop["source"]]["file"] for crop in manifest["crops"]]
    assert "flat.png" not in files and {"a.png", "b.png"} <= set(files)
    for file, crop in zip(files, manifest["crops"], strict=True):
        assert (crop["box"][0] < 1) == (file == "b.png")


def test_gives_the_same_for_one_process_and_two(photographs: Path, tmp_path: Path) -> None:
    for processes in (1, 2):
        prepare(photographs, tmp_path / str(processes), dataclasses.replace(CONFIG, processes=processes))
    for name in ARRAYS:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_its_manifest_holds_the_hashes_of_sources_and_arrays(photographs: Path, tmp_path: Path) -> None:
    prepare(photographs, tmp_path, CONFIG)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["sha256"] == {name: sha256_of(tmp_path / name) for name in ARRAYS}
    assert all(each["sha256"] == sha256_of(photographs / each["file"]) for each in manifest["sources"])
    assert manifest["config"]["seed"] == 5
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [*ARRAYS, "manifest.json"]


def test_refuses_a_folder_without_pictures_and_one_without_detail(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected pictures under"):
        prepare(tmp_path, tmp_path / "out", CONFIG)
    Image.new("RGB", (100, 100)).save(tmp_path / "black.png")
    with pytest.raises(ValueError, match="with detail"):
        prepare(tmp_path, tmp_path / "out", CONFIG)


def test_the_command_reads_its_table_from_toml(photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "prepare.toml"
    config.write_text("[prepare]\ncount = 2\nside = 64\nprocesses = 1\ndegradations = 1\nshrink = [0.5, 0.9]\n")
    arguments = ["rfsr", "prepare", "--config", str(config), "--images", str(photographs), "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", arguments)
    main()
    assert PackedCrops(tmp_path / "out").lr.shape == (2, 1, 64, 64, 3)
