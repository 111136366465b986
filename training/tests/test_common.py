"""What every subcommand needs."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rfsr.common import command_line, from_rgb8, list_pictures, load_config, open_rgb, sha256_of, to_rgb8, write_grid


def test_eight_bits_survive_the_round_trip_and_others_are_rounded_and_clamped() -> None:
    rgb8 = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(to_rgb8(from_rgb8(rgb8)), rgb8)
    assert to_rgb8(torch.tensor([-0.1, 0.4999 / 255, 1.2])[:, None, None]).tolist() == [[[0, 0, 255]]]


def test_lists_pictures_at_any_depth_in_order_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.PNG", "b/a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in list_pictures(tmp_path)] == ["a.jpg", "z.PNG"]
    with pytest.raises(ValueError, match="expected pictures"):
        list_pictures(tmp_path / "nowhere")


def test_sixteen_bit_grey_is_scaled_and_alpha_dropped(tmp_path: Path) -> None:
    grey = np.array([[0, 257 * 100, 65535]], dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert np.asarray(open_rgb(tmp_path / "grey.png"))[0, :, 1].tolist() == [0, 100, 255]
    Image.new("RGBA", (2, 1), (10, 20, 30, 0)).save(tmp_path / "alpha.png")
    assert np.asarray(open_rgb(tmp_path / "alpha.png"))[0, 0].tolist() == [10, 20, 30]


def test_a_picture_marked_as_turned_is_opened_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (4, 2)).save(tmp_path / "turned.jpg", exif=exif)
    assert open_rgb(tmp_path / "turned.jpg").size == (2, 4)


def test_a_grid_has_a_row_a_tensor(tmp_path: Path) -> None:
    write_grid(tmp_path / "new" / "grid.png", [torch.zeros(3, 3, 5, 7), torch.ones(3, 3, 5, 7)])
    pixels = np.asarray(Image.open(tmp_path / "new" / "grid.png"))
    assert pixels.shape == (10, 21, 3) and pixels[:5].max() == 0 and pixels[5:].min() == 255


def test_hashes_the_whole_file(tmp_path: Path) -> None:
    data = b"x" * ((1 << 20) + 3)
    (tmp_path / "file").write_bytes(data)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(data).hexdigest()


def test_the_command_line_names_no_absolute_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "sys.argv", ["rfsr", "evaluate", "--nets", "/somewhere/nets", "--references", "k=/a/K", "--out", "runs/a b.json"]
    )
    assert command_line() == "python -m rfsr evaluate --nets nets --references k=K --out 'runs/a b.json'"


def test_settings_stand_in_for_a_configurations_own_and_join_them(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('stage = "x"\n[loop]\nsteps = 5\nseed = 1\n')
    (tmp_path / "more.toml").write_text('extends = "base.toml"\n[loop]\nseed = 2\n')
    config = load_config(tmp_path / "more.toml", ["loop.steps=9", "own.late=[8,20]", 'own.pixel="l1"'])
    assert config == {"stage": "x", "loop": {"steps": 9, "seed": 2}, "own": {"late": [8, 20], "pixel": "l1"}}


@pytest.mark.parametrize("line", ["loop.steps", "steps=9", "loop.steps=nine", "loop={steps=1,seed=2}"])
def test_what_is_no_setting_is_refused_with_its_form(tmp_path: Path, line: str) -> None:
    (tmp_path / "base.toml").write_text("[loop]\nsteps = 5\n")
    with pytest.raises(ValueError, match=r"expected --set TABLE\.KEY=VALUE"):
        load_config(tmp_path / "base.toml", [line])
