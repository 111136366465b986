"""Which metrics there are, and which are declined."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import rfsr
from rfsr.metrics.registry import METRICS, Measures
from tests.metrics.networks import write_networks

SHIPPED_REWARDS = {"mini_quality", "mini_preference"}
WITHOUT_WEIGHTS = {"psnr", "ssim", "cell_pattern", "high_band", "sharpness", "swd"}


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
    unasked = {name: metric for name, metric in METRICS.items() if not metric.asked}
    assert not nothing_declined and own.keys() == other.keys() == unasked.keys()
    for name, metric in unasked.items():
        assert metric.range[0] <= other[name] <= metric.range[1]
        # a preference takes words from the reference, not pixels
        if metric.needs_reference and name != "mini_preference":
            assert metric.merit(own[name]) > metric.merit(other[name])


@pytest.mark.parametrize("given", [True, False])
def test_declines_what_needs_weights_that_are_not_there(given: bool, tmp_path: Path) -> None:
    measures = Measures(tmp_path if given else None)
    assert set(measures.open) == WITHOUT_WEIGHTS | SHIPPED_REWARDS
    assert {(each.metric, each.picture, each.reason) for each in measures.declined} == {
        (name, None, "weights-missing") for name in ("ed", "fd", "niqe")
    }


def test_declines_a_network_whose_package_is_not_installed(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    measures = Measures(nets)
    (declined,) = measures.declined
    assert (declined.metric, declined.reason) == ("ed", "package-missing") and "efficientnet-lite-pytorch" in declined.detail
    assert "ed" not in measures.open


def test_marks_what_training_sees_and_nothing_else() -> None:
    assert {name for name, metric in METRICS.items() if metric.seen} == {"fd", "clipiqa", *SHIPPED_REWARDS}


def test_nothing_that_trains_can_reach_the_network_that_judges() -> None:
    package = Path(rfsr.__file__).parent
    judges = [path for path in package.rglob("*.py") if re.search("efficientnet|EfficientNet", path.read_text())]
    assert {path.relative_to(package).as_posix() for path in judges} == {"metrics/efficientnet.py", "metrics/registry.py"}
    readers = [path for path in package.rglob("*.py") if "rfsr.metrics.registry import" in path.read_text()]
    assert {path.relative_to(package).as_posix() for path in readers} == {"evaluate.py"}


def test_merit_goes_the_better_way_and_towards_one_by_ratio() -> None:
    psnr, fd, energy = (METRICS[name] for name in ("psnr", "fd", "high_band"))
    assert psnr.merit(30) > psnr.merit(20) and fd.merit(0.1) > fd.merit(0.2)
    assert energy.merit(1) > energy.merit(0.9) > energy.merit(1.3) > energy.merit(0.5) and energy.merit(0) < energy.merit(100)
    assert energy.merit(2) == pytest.approx(energy.merit(0.5))


def test_declines_full_reference_metrics_without_a_reference(nets: Path) -> None:
    scores, declined = Measures(nets).score(picture(0), None, picture="real")
    assert set(scores) == {"niqe", "cell_pattern", "mini_quality"}
    names = {name for name, metric in METRICS.items() if metric.needs_reference and not metric.asked}
    assert {"psnr", "ssim", "ed", "high_band", "sharpness", "swd", "fd", "mini_preference"} == names
    assert {(each.metric, each.reason) for each in declined} == {(name, "reference-missing") for name in names}


def test_declines_a_reference_of_another_size_and_a_picture_too_small(nets: Path) -> None:
    scores, declined = Measures(nets).score(picture(0), picture(0, height=96, width=192), picture="turned")
    assert set(scores) == {"niqe", "cell_pattern", "mini_quality"} and {each.reason for each in declined} == {"size-differs"}
    small = picture(0, height=18, width=18)
    scores, declined = Measures(nets).score(small, small, picture="small")
    assert scores.keys() == {*SHIPPED_REWARDS, "high_band", "sharpness"} and {each.reason for each in declined} == {
        "picture-unsuitable"
    }


def test_refuses_a_metric_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="'beauty'"):
        Measures(None, ["psnr", "beauty"])
