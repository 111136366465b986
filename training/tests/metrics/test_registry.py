"""Which metrics there are, and which are declined."""

from pathlib import Path

import numpy as np
import pytest

from rfsr.metrics.registry import METRICS, Measures
from tests.metrics.networks import write_networks

SHIPPED_REWARDS = {"mini_quality", "mini_preference"}


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_networks(tmp_path_factory.mktemp("nets"))


def picture(seed: int, *, height: int = 192, width: int = 96) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_every_score_lies_in_its_range_and_the_reference_itself_scores_best(nets: Path) -> None:
    measures = Measures(nets)
    reference = picture(0)
    own, nothing_declined = measures.score(reference, reference, picture="own")
    other, _ = measures.score(picture(1), reference, picture="other")
    assert not nothing_declined and own.keys() == other.keys() == METRICS.keys()
    for name, metric in METRICS.items():
        assert metric.range[0] <= other[name] <= metric.range[1]
        # a preference takes words from the reference, not pixels
        if metric.needs_reference and name != "mini_preference":
            assert own[name] > other[name] if metric.better == "higher" else own[name] < other[name]


@pytest.mark.parametrize("given", [True, False])
def test_declines_what_needs_weights_that_are_not_there(given: bool, tmp_path: Path) -> None:
    measures = Measures(tmp_path if given else None)
    assert set(measures.open) == {"psnr", "ssim", *SHIPPED_REWARDS}
    assert {(each.metric, each.picture, each.reason) for each in measures.declined} == {
        ("fd", None, "weights-missing"),
        ("niqe", None, "weights-missing"),
    }


def test_declines_full_reference_metrics_without_a_reference(nets: Path) -> None:
    scores, declined = Measures(nets).score(picture(0), None, picture="real")
    assert set(scores) == {"niqe", "mini_quality"}
    names = ("psnr", "ssim", "fd", "mini_preference")
    assert {(each.metric, each.reason) for each in declined} == {(name, "reference-missing") for name in names}


def test_declines_a_reference_of_another_size_and_a_picture_too_small(nets: Path) -> None:
    scores, declined = Measures(nets).score(picture(0), picture(0, height=96, width=192), picture="turned")
    assert set(scores) == {"niqe", "mini_quality"} and {each.reason for each in declined} == {"size-differs"}
    small = picture(0, height=18, width=18)
    scores, declined = Measures(nets).score(small, small, picture="small")
    assert scores.keys() == SHIPPED_REWARDS and {each.reason for each in declined} == {"picture-unsuitable"}


def test_refuses_a_metric_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="lpips"):
        Measures(None, ["psnr", "lpips"])
