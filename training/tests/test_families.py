"""A family is whole: every place that tells families apart by their traits finds what it needs."""

from pathlib import Path

import pytest

from rfsr.common import load_config
from rfsr.families import FAMILIES, PRIOR, START_POINTS
from rfsr.golden.run import requests_of
from rfsr.models.published import SIZES
from rfsr.pipelines import PROCEDURES, Settings
from rfsr.pretrain import STAGES
from rfsr.samplers import SAMPLERS

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_sizes_a_procedure_a_sampler_a_start_and_golden_runs(name: str) -> None:
    family = FAMILIES[name]
    assert family.configs.keys() == {"mini", "nano", *SIZES}
    assert PROCEDURES[name].__module__ == f"rfsr.pipelines.{name}"
    assert family.sampler in SAMPLERS and family.start_point in START_POINTS
    first, *_ = (Settings(**request) for request in requests_of(name))
    assert (first.sampler, first.start_point) == (family.sampler, family.start_point)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("size", ["mini", "nano"])
def test_a_family_has_base_and_rfsr_bundles_that_name_each_other(name: str, size: str) -> None:
    bundles = [load_config(path)["bundle"] for path in CONFIGS.glob(f"export_{size}*.toml")]
    pairs = {(bundle["id"], bundle["pairedWith"]): bundle["variant"] for bundle in bundles if bundle["family"] == name}
    assert {"base", "rfsr"} == set(pairs.values())
    assert all({pairs[pair], pairs[pair[::-1]]} == {"base", "rfsr"} for pair in pairs)
    if FAMILIES[name].tags_optional:
        assert {bundle["tagged"] for bundle in bundles if bundle["family"] == name} == {True, False}


def test_every_family_but_the_prior_is_a_stage_that_starts_from_it() -> None:
    assert set(STAGES) & FAMILIES.keys() == FAMILIES.keys() - {PRIOR}
