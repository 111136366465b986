"""Held-out pairs are the same whatever else is in the folder."""

from pathlib import Path

import numpy as np
from PIL import Image

from rfsr.pairs import degraded_pair, pair_generator, write_pairs


def write_picture(path: Path, *, seed: int, size: tuple[int, int]) -> None:
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def test_writes_references_cut_to_multiples_of_32_and_inputs_a_quarter_their_size(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "a.png", seed=0, size=(70, 101))
    write_pairs(tmp_path / "in", tmp_path / "out", degradation="b", seed=0)
    source = np.asarray(Image.open(tmp_path / "in" / "a.png"))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / "hr" / "a.png")), source[:64, :96])
    assert Image.open(tmp_path / "out" / "lr" / "a.png").size == (24, 16)


def test_an_input_depends_on_its_name_and_the_seed_alone(tmp_path: Path) -> None:
    for folder, names in (("one", ["b"]), ("more", ["a", "b", "c"])):
        for name in names:
            write_picture(tmp_path / folder / f"{name}.png", seed=ord(name), size=(64, 64))
        write_pairs(tmp_path / folder, tmp_path / f"{folder}-out", degradation="b", seed=3)
    one, more = ((tmp_path / f"{folder}-out" / "lr" / "b.png").read_bytes() for folder in ("one", "more"))
    assert one == more
    picture = Image.open(tmp_path / "one" / "b.png")
    other = degraded_pair(picture, degradation="b", rng=pair_generator("b", seed=4))[1]
    assert not np.array_equal(other, np.asarray(Image.open(tmp_path / "one-out" / "lr" / "b.png")))


def test_a_pair_of_another_scale_is_cut_to_its_multiples(tmp_path: Path) -> None:
    write_picture(tmp_path / "in" / "a.png", seed=0, size=(200, 110))
    picture = Image.open(tmp_path / "in" / "a.png")
    reference, lr = degraded_pair(picture, degradation="mild", rng=pair_generator("a", seed=0), scale=3)
    assert reference.shape == (192, 96, 3) and lr.shape == (64, 32, 3)
    reference, lr = degraded_pair(picture, degradation="none", rng=pair_generator("a", seed=0), scale=1)
    assert reference.shape == (192, 96, 3) and np.array_equal(lr, reference)
