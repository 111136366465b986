"""`rfsr evaluate` over tiny folders, with random weights for the metrics that need some."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rfsr.__main__ import main
from rfsr.color_fix import COLOR_FIXES
from rfsr.evaluate import configure, differences
from rfsr.families import START_POINTS
from rfsr.metrics.pixels import psnr
from rfsr.metrics.texture import seed_spread
from rfsr.pairs import write_pairs
from rfsr.samplers import SAMPLERS
from tests.metrics.networks import save_real_esrgan, write_networks


@pytest.fixture
def references(tmp_path: Path) -> Path:
    """Two detailed pictures of multiples of 32, H and W different."""
    folder = tmp_path / "references"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        coarse = Image.fromarray(rng.integers(0, 256, (16, 24, 3), dtype=np.uint8))
        coarse.resize((96, 64), Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return folder


def evaluate(monkeypatch: pytest.MonkeyPatch, out: Path, *arguments: str | Path) -> dict[str, Any]:
    monkeypatch.setattr("sys.argv", ["rfsr", "evaluate", "--out", str(out), *map(str, arguments)])
    main()
    return json.loads(out.read_text())


def test_degrades_references_itself_as_prepare_does(references: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pairs(references, tmp_path / "pairs", degradation="mild", seed=2)
    itself = evaluate(
        monkeypatch, tmp_path / "a.json", "--references", references, "--degradation", "mild", "--degradation-seed", 2
    )
    folders = ["--inputs", tmp_path / "pairs" / "lr", "--references", tmp_path / "pairs" / "hr"]
    given = evaluate(monkeypatch, tmp_path / "b.json", *folders)

    def scores(results: dict[str, Any]) -> list[dict[str, Any]]:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in results["sets"][0]["models"][0]["pictures"]]

    assert scores(itself) == scores(given)
    facts = {"name": "references", "references": True, "inputs": {"degradation": "mild", "seed": 2}, "scale": 4}
    assert facts.items() <= itself["sets"][0].items() and given["sets"][0]["inputs"] == "given"
    lr, hr = (Image.open(tmp_path / "pairs" / folder / "a.png") for folder in ("lr", "hr"))
    want = psnr(np.asarray(lr.resize(hr.size, Image.Resampling.BICUBIC)), np.asarray(hr))
    assert scores(given)[0]["psnr"] == round(want, 5)


def test_scores_ready_made_pictures_beside_bicubic(references: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nets = write_networks(tmp_path / "nets")
    results = evaluate(
        monkeypatch, tmp_path / "r.json", "--references", references, "--outputs", f"perfect={references}", "--nets", nets
    )
    bicubic, perfect, truth = results["sets"][0]["models"]
    assert (bicubic["name"], perfect["name"], truth["name"]) == ("bicubic", "perfect", "truth")
    for metric in ("ed", "fd"):
        assert perfect["mean"][metric] == {"value": 0.0, "count": 2} and bicubic["mean"][metric]["value"] > 0
    assert {k: v for k, v in truth["mean"].items() if k != "seconds"} == {
        k: v for k, v in perfect["mean"].items() if k != "seconds"
    }
    assert {each["reason"] for each in bicubic["declined"]} == {"picture-unsuitable"}  # too small for NIQE's blocks
    table = (tmp_path / "r.md").read_text()
    heads = "psnr ↑ | ssim ↑ | ed ↓ | niqe ↓ | cell_pattern ↓ | high_band →1 | sharpness ↑ | swd ↓"
    seen = "fd† ↓ | mini_quality† ↑ | mini_preference† ↑"
    assert f"| model | {heads} | {seen} | seconds |" in table and "† seen in training" in table
    assert "| perfect | 100 | 1 | 0 | – |" in table and "2 pictures, ×4, degradation b, seed 0" in table
    assert results["metrics"]["fd"]["seen"] and not results["metrics"]["ed"]["seen"]
    assert results["metrics"]["high_band"] == {"better": "one", "range": [0, None], "seen": False}


def test_real_inputs_get_no_full_reference_scores(references: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--inputs", references, "--limit", 1, "--save", tmp_path / "made"]
    results = evaluate(monkeypatch, tmp_path / "r.json", *arguments)
    assert results["sets"][0]["models"][0]["mean"].keys() == {"cell_pattern", "mini_quality", "seconds"}
    assert {each["metric"] for each in results["declined"]} == {"ed", "fd", "niqe"}
    assert [model["name"] for model in results["sets"][0]["models"]] == ["bicubic"]  # there is no truth to show
    assert "niqe was not computed" in (tmp_path / "r.md").read_text()
    made = list((tmp_path / "made" / "bicubic").iterdir())
    assert [path.name for path in made] == ["a.png"] and Image.open(made[0]).size == (384, 256)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_measures_clean_inputs_at_every_scale(
    scale: int, references: Path, nano: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = Image.open(references / "a.png").resize((200, 100), Image.Resampling.BICUBIC)
    truth.save(references / "a.png")
    arguments = ["--references", references, "--degradation", "none", "--scale", scale, "--metrics", "psnr", "--limit", 1]
    arguments += ["--bundle", nano, "--steps", 1, "--save", tmp_path / "made"]
    results = evaluate(monkeypatch, tmp_path / "r.json", *arguments)
    (pictures,) = results["sets"]
    assert pictures["scale"] == scale and pictures["inputs"] == {"degradation": "none", "seed": 0}
    bicubic, model, _ = pictures["models"]
    assert model["settings"]["scale"] == scale and model["mean"]["psnr"]["count"] == 1
    truth = truth.crop((0, 0, 192, 96))  # multiples of 32 and of the scale
    assert Image.open(tmp_path / "made" / model["name"] / "a.png").size == truth.size
    lr = truth.resize((truth.width // scale, truth.height // scale), Image.Resampling.BICUBIC)
    want = psnr(np.asarray(lr.resize(truth.size, Image.Resampling.BICUBIC)), np.asarray(truth))
    assert bicubic["mean"]["psnr"]["value"] == round(want, 5) and (scale > 1 or want == 100)


def test_the_spread_over_seeds_is_that_of_the_runs_one_by_one(
    references: Path, nano: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--references", references, "--limit", 1, "--bundle", nano, "--steps", 2, "--metrics", "psnr"]
    results = evaluate(monkeypatch, tmp_path / "r.json", *arguments, "--seeds", 3, "--seed", 5)
    bicubic, model, truth = results["sets"][0]["models"]
    made = []
    for seed in (5, 6, 7):
        evaluate(monkeypatch, tmp_path / "one.json", *arguments, "--seed", seed, "--save", tmp_path / str(seed))
        made.append(np.asarray(Image.open(tmp_path / str(seed) / model["name"] / "a.png")))
    want = seed_spread(made, np.asarray(Image.open(references / "a.png")))
    assert model["mean"]["seed_spread"] == {"value": round(want, 5), "count": 1} and want > 0
    assert results["metrics"]["seed_spread"]["better"] == "higher"
    for row in (bicubic, truth):
        assert row["declined"] == [
            {"metric": "seed_spread", "picture": None, "reason": "seeds-missing", "detail": "it draws no noise"}
        ]
    with pytest.raises(ValueError, match="at least one seed, got 0"):
        evaluate(monkeypatch, tmp_path / "r.json", *arguments, "--seeds", 0)


def test_real_esrgan_is_a_row_where_its_weights_are_there(
    references: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_real_esrgan(tmp_path / "nets")
    arguments = ["--references", references, "--limit", 1, "--metrics", "psnr", "--nets", tmp_path / "nets"]
    results = evaluate(monkeypatch, tmp_path / "r.json", *arguments)
    assert [model["name"] for model in results["sets"][0]["models"]] == ["bicubic", "realesrgan-x4plus", "truth"]


def test_several_sets_are_measured_at_once_each_under_its_name(
    references: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (references / "b.png").rename(other / "b.png")
    quality = tmp_path / "quality.json"
    quality.write_text(json.dumps({"sets": {"before": {}}, "settings": {}}))
    arguments = ["--references", f"first={references}", "--references", other, "--metrics", "psnr"]
    results = evaluate(monkeypatch, tmp_path / "r.json", *arguments, "--quality", quality, "--save", tmp_path / "made")
    assert [pictures["name"] for pictures in results["sets"]] == ["first", "other"]
    means = {each["name"]: each["models"][0]["mean"]["psnr"]["value"] for each in results["sets"]}
    assert means["first"] != means["other"]
    sets = json.loads(quality.read_text())["sets"]
    assert sets.keys() == {"before", "first", "other"} and sets["other"]["pictures"] == 1
    assert {name: sets[name]["bicubic"]["psnr"] for name in means} == means
    made = {path.relative_to(tmp_path / "made").as_posix() for path in (tmp_path / "made").rglob("*.png")}
    assert made == {"first/bicubic/a.png", "other/bicubic/b.png"}
    table = (tmp_path / "r.md").read_text()
    assert table.index("**first**, 1 pictures") < table.index("**other**, 1 pictures")


def test_says_what_every_rfsr_version_adds_to_its_base(
    references: Path, nano: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles = [nano.with_name(name) for name in ("seesr-nano-rfsr", "seesr-nano", "pasd-nano-rfsr")]
    arguments = [word for folder in bundles for word in ("--bundle", folder)]
    arguments += ["--steps", 1, "--sampler", "spaced-ddpm", "--start-point", "lr-twice"]
    results = evaluate(monkeypatch, tmp_path / "r.json", "--references", references, "--metrics", "psnr", "ssim", *arguments)
    (pictures,) = results["sets"]
    models = {model["name"]: model for model in pictures["models"]}
    assert models["pasd-nano-rfsr"]["settings"]["sampler"] == "spaced-ddpm"
    assert models["pasd-nano-rfsr"]["settings"]["start_point"] == "lr-twice"
    (pair,) = pictures["differences"]  # PASD's base was not measured
    assert (pair["model"], pair["base"]) == ("seesr-nano-rfsr", "seesr-nano")
    for metric in ("psnr", "ssim"):
        found, (ours, theirs) = (
            pair["mean"][metric],
            (models[pair[role]]["mean"][metric]["value"] for role in ("model", "base")),
        )
        assert found["value"] == pytest.approx(ours - theirs, abs=2e-5) and found["better"] == (ours > theirs)
        pairs = zip(*(models[pair[role]]["pictures"] for role in ("model", "base")), strict=True)
        assert found["improved"] == sum(one[metric] > other[metric] for one, other in pairs)
    row = next(line for line in (tmp_path / "r.md").read_text().splitlines() if "seesr-nano-rfsr − seesr-nano" in line)
    assert row.count("✓") + row.count("✗") == 2


@pytest.mark.parametrize(
    ("metric", "ours", "theirs", "better"),
    [
        ("psnr", 20.1, 20, True),
        ("psnr", 20, 20.1, False),
        ("ed", 0.4, 0.5, True),
        ("niqe", 5.1, 5, False),
        ("ssim", 0.7, 0.7, None),
        ("high_band", 1.2, 0.5, True),
        ("high_band", 2.2, 0.5, False),
        ("seed_spread", 0.3, 0.2, True),
    ],
)
def test_a_difference_is_judged_by_the_measures_direction(metric: str, ours: float, theirs: float, better: bool | None) -> None:
    models = [{"name": name, "pictures": [{metric: score}]} for name, score in (("base", theirs), ("tuned", ours))]
    (found,) = differences(models, {"tuned": "base"})
    assert found["mean"] == {
        metric: {"value": round(ours - theirs, 5), "count": 1, "better": better, "improved": int(better is True)}
    }


def test_every_sampler_and_start_there_is_can_be_asked_for() -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    for option, names in (("--sampler", SAMPLERS), ("--start-point", START_POINTS), ("--color-fix", COLOR_FIXES)):
        for name in names:
            parser.parse_args(["--out", "r.json", option, name])
        with pytest.raises(SystemExit):
            parser.parse_args(["--out", "r.json", option, "another"])


def test_a_missing_result_names_the_picture(references: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"one picture a\.\*"):
        evaluate(monkeypatch, tmp_path / "r.json", "--references", references, "--outputs", f"x={tmp_path / 'empty'}")


def test_refuses_to_measure_nothing_and_outputs_without_a_name(
    references: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="--references, --inputs or both"):
        evaluate(monkeypatch, tmp_path / "r.json")
    with pytest.raises(ValueError, match="NAME=DIR"):
        evaluate(monkeypatch, tmp_path / "r.json", "--references", references, "--outputs", "folder")


def test_a_set_of_inputs_and_references_is_called_what_either_is_named(
    references: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name_of(given: str, truth: str) -> str:
        results = evaluate(monkeypatch, tmp_path / "r.json", "--inputs", given, "--references", truth, "--metrics", "psnr")
        return results["sets"][0]["name"]

    write_pairs(references, tmp_path / "pairs", degradation="mild", seed=2)
    lr, hr = tmp_path / "pairs/lr", tmp_path / "pairs/hr"
    assert name_of(f"inputs={lr}", f"{hr}") == "inputs"
    assert name_of(f"inputs={lr}", f"truths={hr}") == "truths"
    assert name_of(f"{lr}", f"{hr}") == "hr"


def test_refuses_two_sets_of_one_name_and_inputs_of_several(
    references: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = ["--references", references, "--references", references]
    with pytest.raises(ValueError, match="different names, got references, references"):
        evaluate(monkeypatch, tmp_path / "r.json", *two)
    with pytest.raises(ValueError, match="one --references at most beside --inputs, got 2"):
        evaluate(monkeypatch, tmp_path / "r.json", *two, "--inputs", references)
