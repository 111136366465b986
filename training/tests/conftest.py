"""Crops and networks that tests of every stage share, made once."""

from dataclasses import replace
from pathlib import Path

import pytest

from rfsr.families import FAMILIES
from rfsr.pretrain.latents import FrozenParts
from tests.published import Published, converted
from tests.stages import LOOP, pack_crops, tagger_stage, train, vae_stage

NANO = Path(__file__).parents[2] / "tests/fixtures/models/seesr-nano"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packed crops of noise with some structure, network weights and class names."""
    return pack_crops(tmp_path_factory.mktemp("stages"))


@pytest.fixture(scope="session")
def parts(folder: Path) -> FrozenParts:
    """An autoencoder and a tagger after one step."""
    train(vae_stage(folder), folder / "vae", replace(LOOP, steps=1))
    train(tagger_stage(folder), folder / "tagger", replace(LOOP, steps=1))
    return FrozenParts.load(folder / "vae", folder / "tagger")


@pytest.fixture(scope="session")
def nano() -> Path:
    """The committed bundle of random weights."""
    return NANO


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Published]:
    """Every family's checkpoints at the smallest size, and the runs they are converted to."""
    return {family: converted(family, tmp_path_factory.mktemp(f"published-{family}")) for family in FAMILIES}
