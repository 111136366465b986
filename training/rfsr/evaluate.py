"""`rfsr evaluate`: measures models over sets of pictures, as JSON and Markdown tables.

With --references alone, inputs are made from them (whole pictures) with a named degradation, scale and seed; with --inputs beside it,
pairs are matched by file name; with --inputs alone, only metrics without reference apply. Bicubic, Real-ESRGAN where its weights are there,
and the references themselves are always rows. Where a base model and its RFSR version are among the bundles, what the second adds is given too.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from rfsr.color_fix import COLOR_FIXES
from rfsr.common import command_line, current_commit, list_pictures, named_path, open_rgb
from rfsr.degrade.params import SETS
from rfsr.families import START_POINTS
from rfsr.metrics.registry import FID, METRICS, SEED_SPREAD, Declined, Measures, Metric
from rfsr.metrics.texture import seed_spread
from rfsr.pairs import degraded_pair, pair_generator
from rfsr.paper import PAPER_METRICS, paper_tables
from rfsr.report import add_to_quality, markdown
from rfsr.restorers import (
    SCALE,
    SCALES,
    BicubicRestorer,
    BundleRestorer,
    FolderRestorer,
    RealESRGANRestorer,
    Restorer,
    RunsRestorer,
)
from rfsr.samplers import SAMPLERS
from rfsr.teach import TEACHER

TRUTH = "truth"
"""The row of the references themselves: what metrics without a reference say of the best answer there is."""


@dataclass(frozen=True)
class PictureSet:
    """Folders of clean pictures, of inputs, or of both, under the name results have it."""

    name: str
    references: Path | None
    inputs: Path | None


@dataclass(frozen=True)
class Sample:
    """An input uint8 [h, w, 3] and, where there is one, its reference uint8 [scale·h, scale·w, 3]."""

    name: str
    lr: np.ndarray
    reference: np.ndarray | None


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rfsr evaluate`."""
    parser.add_argument(
        "--references",
        action="append",
        default=[],
        metavar="[NAME=]DIR",
        help="folder of clean pictures, and what to call the set (default: the folder's name); may be repeated",
    )
    parser.add_argument("--inputs", metavar="[NAME=]DIR", help="folder of low-resolution pictures, of one set")
    parser.add_argument("--limit", type=int, help="only the first so many pictures of a set")
    parser.add_argument("--degradation", choices=SETS, default="b", help="how inputs are made from references")
    parser.add_argument("--degradation-seed", type=int, default=0)
    parser.add_argument("--scale", type=int, choices=SCALES, default=SCALE, help="how much smaller inputs are than references")
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="run what draws noise with N seeds in a row, for seed_spread; the first is scored",
    )
    parser.add_argument(
        "--bundle", type=Path, action="append", default=[], help="folder of an exported bundle; may be repeated"
    )
    parser.add_argument(
        "--runs",
        action="append",
        default=[],
        metavar="RECIPE=DIR",
        help="runs, by the recipe that exports them (configs/export_full_seesr.toml); may be repeated",
    )
    parser.add_argument(
        "--outputs", action="append", default=[], metavar="NAME=DIR", help="ready-made results; may be repeated"
    )
    parser.add_argument("--metrics", nargs="+", choices=METRICS, help="default: all that can be had without pyiqa")
    parser.add_argument(
        "--paper", action="store_true", help="also the metrics of the paper's tables, beside its figures (needs pyiqa)"
    )
    parser.add_argument(
        "--without-real-esrgan", action="store_true", help="leave its row out: at ×1 it takes minutes a picture"
    )
    parser.add_argument(
        "--fid",
        action="store_true",
        help="also the Fréchet distance of each model's pictures to the truths (pyiqa; needs --save)",
    )
    parser.add_argument("--nets", type=Path, help="folder with the weights of networks that metrics need, and of Real-ESRGAN")
    parser.add_argument("--out", type=Path, required=True, help="results as JSON; a table is written beside it as .md")
    parser.add_argument("--quality", type=Path, help="JSON to add the means to, in the form `rfsr export --quality` takes")
    parser.add_argument("--save", type=Path, help="folder for every model's pictures; of several sets, one in it for each")
    sampling = parser.add_argument_group("sampling, where it should differ from the bundle's defaults")
    sampling.add_argument(
        "--published", action="store_true", help="the settings of the families' published programs, in place of the bundles'"
    )
    sampling.add_argument("--steps", type=int)
    sampling.add_argument("--guidance", type=float)
    sampling.add_argument("--seed", type=int)
    sampling.add_argument("--sampler", choices=SAMPLERS)
    sampling.add_argument("--start-point", choices=START_POINTS)
    sampling.add_argument("--color-fix", choices=COLOR_FIXES)


def main(args: argparse.Namespace) -> None:
    """Measures every model on every set and writes both files. Throws ValueError for sets and numbers of seeds that cannot be."""
    if args.seeds < 1:
        raise ValueError(f"expected at least one seed, got {args.seeds}")
    if args.fid and not args.save:
        raise ValueError("expected --save beside --fid, which compares folders of pictures")
    sets = picture_sets(args)
    measures = Measures(args.nets, wanted(args), fid=args.fid)
    restorers = build_restorers(args)
    results = {
        "schema": 3,
        "command": command_line(),
        "commit": current_commit(),
        "metrics": {metric.name: facts(metric) for metric in columns(measures, args)},
        "declined": [asdict(each) for each in measures.declined],
        "sets": [measure_set(each, restorers, args, measures) for each in sets],
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(results, indent=1, allow_nan=False))
    if args.quality:
        add_to_quality(args.quality, results)
    text = markdown(results) + ("\n".join(paper_tables(results)) + "\n" if args.paper else "")
    args.out.with_suffix(".md").write_text(text)
    print(text)


def wanted(args: argparse.Namespace) -> list[str]:
    """The metrics that are asked for, by default all that need no asking."""
    names = args.metrics or [name for name, metric in METRICS.items() if not metric.asked]
    return [*names, *(name for name in PAPER_METRICS if name not in names)] if args.paper else names


def picture_sets(args: argparse.Namespace) -> list[PictureSet]:
    """The sets that --references and --inputs name.

    With both, the set is called what --references say, or --inputs where only that gives a name. Throws ValueError where neither is given, for
    --inputs beside several --references, and for two sets of one name.
    """
    references = [named_folder(text) for text in args.references]
    if args.inputs is None:
        sets = [PictureSet(name, folder, None) for name, folder in references]
    else:
        if len(references) > 1:
            raise ValueError(f"expected one --references at most beside --inputs, got {len(references)}")
        name, inputs = named_folder(args.inputs)
        named = not references or ("=" in args.inputs and "=" not in args.references[0])
        sets = [PictureSet(name if named else references[0][0], references[0][1] if references else None, inputs)]
    if not sets:
        raise ValueError("expected --references, --inputs or both")
    if len({each.name for each in sets}) < len(sets):
        raise ValueError(f"expected sets of different names, got {', '.join(each.name for each in sets)}")
    return sets


def named_folder(text: str) -> tuple[str, Path]:
    """[NAME=]DIR in its two parts; without a name the folder's own."""
    return named_path("[NAME=]DIR", text) if "=" in text else (Path(text).name, Path(text))


def build_restorers(args: argparse.Namespace) -> list[Restorer]:
    """Bicubic, Real-ESRGAN where it is there, bundles, ready-made pictures. Throws ValueError for an --outputs without a name."""
    names = ("scale", "steps", "guidance", "seed", "sampler", "start_point", "color_fix")
    overrides = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    restorers: list[Restorer] = [BicubicRestorer(args.scale)]
    if args.nets and (args.nets / TEACHER).exists() and not args.without_real_esrgan:
        restorers.append(RealESRGANRestorer(args.nets, args.scale))
    restorers += [BundleRestorer(folder, overrides=overrides, published=args.published) for folder in args.bundle]
    for text in args.runs:
        recipe, folder = named_path("--runs RECIPE=DIR", text)
        restorers.append(RunsRestorer(Path(recipe), folder, overrides=overrides, published=args.published))
    for text in args.outputs:
        restorers.append(FolderRestorer(*named_path("--outputs NAME=DIR", text)))
    return restorers


def samples(pictures: PictureSet, args: argparse.Namespace) -> Iterator[Sample]:
    """The pictures to measure on, in the order of their names; made anew each time, so that one is in memory at once."""
    folder = pictures.inputs or pictures.references
    assert folder is not None
    paths = list_pictures(folder)[: args.limit]
    if pictures.inputs is None:
        for path in paths:
            rng = pair_generator(path.stem, seed=args.degradation_seed)
            reference, lr = degraded_pair(open_rgb(path), degradation=args.degradation, rng=rng, scale=args.scale)
            yield Sample(path.stem, lr, reference)
        return
    references = {path.stem: path for path in list_pictures(pictures.references)} if pictures.references else {}
    for path in paths:
        found = references.get(path.stem)
        yield Sample(path.stem, np.asarray(open_rgb(path)), None if found is None else np.asarray(open_rgb(found)))


def measure_set(
    pictures: PictureSet, restorers: list[Restorer], args: argparse.Namespace, measures: Measures
) -> dict[str, Any]:
    """One set: what it is, every model's results, and the differences of those that belong together."""
    models = [measure(restorer, pictures, args, measures) for restorer in restorers]
    if pictures.references:
        models.append(measure(None, pictures, args, measures))
        add_fid(models, pictures, args, measures)
    return {
        "name": pictures.name,
        "references": pictures.references is not None,
        "inputs": "given" if pictures.inputs else {"degradation": args.degradation, "seed": args.degradation_seed},
        "scale": args.scale,
        "models": models,
        "differences": differences(models, {restorer.name: restorer.base for restorer in restorers if restorer.base}),
    }


def measure(restorer: Restorer | None, pictures: PictureSet, args: argparse.Namespace, measures: Measures) -> dict[str, Any]:
    """One model (None: the truth) over all pictures: its settings, every picture's scores and seconds, their means, and what was declined."""
    rows: list[dict[str, Any]] = []
    declined: list[Declined] = []
    name = restorer.name if restorer else TRUTH
    saved = args.save and (restorer or args.fid) and saved_folder(args, pictures, name)
    if args.seeds > 1 and (restorer is None or restorer.seed is None):
        declined.append(Declined(SEED_SPREAD.name, None, "seeds-missing", "it draws no noise"))
    for sample in tqdm(samples(pictures, args), desc=f"{pictures.name}, {name}", mininterval=5):
        if restorer is None and sample.reference is None:
            continue
        began = time.perf_counter()
        rgb8 = restorer.restore(sample.lr, picture=sample.name) if restorer else sample.reference
        seconds = time.perf_counter() - began
        if saved:
            saved.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rgb8).save(saved / f"{sample.name}.png")
        scores, ruled_out = measures.score(rgb8, sample.reference, picture=sample.name)
        declined += ruled_out
        if args.seeds > 1 and restorer and restorer.seed is not None:
            try:
                scores[SEED_SPREAD.name] = spread_over_seeds(restorer, restorer.seed, sample, first=rgb8, count=args.seeds)
            except ValueError as error:
                declined.append(Declined(SEED_SPREAD.name, sample.name, "picture-unsuitable", str(error)))
        rows.append({"picture": sample.name, "seconds": round(seconds, 3), **{k: round(v, 5) for k, v in scores.items()}})
    return {
        "name": name,
        "settings": restorer.settings if restorer else {},
        "mean": means(rows, [*(metric.name for metric in columns(measures, args)), "seconds"]),
        "declined": [asdict(each) for each in declined],
        "pictures": rows,
    }


def saved_folder(args: argparse.Namespace, pictures: PictureSet, model: str) -> Path:
    """Where a model's pictures of a set are put; of several sets, each has a folder."""
    return args.save / (pictures.name if len(args.references) > 1 else "") / model


def add_fid(models: list[dict[str, Any]], pictures: PictureSet, args: argparse.Namespace, measures: Measures) -> None:
    """Every model's Fréchet distance to the truths, where it is asked for and can be had, among its means."""
    if measures.fid:
        truths = saved_folder(args, pictures, TRUTH)
        for model in models:
            distance = measures.fid(saved_folder(args, pictures, model["name"]), truths)
            model["mean"][FID.name] = {"value": round(distance, 5), "count": len(model["pictures"])}


def spread_over_seeds(restorer: Restorer, seed: int, sample: Sample, *, first: np.ndarray, count: int) -> float:
    """`seed_spread` of `first`, made with `seed`, and of the results of the seeds after it. Throws ValueError without a reference of their size."""
    if sample.reference is None or sample.reference.shape != first.shape:
        raise ValueError("expected a reference of the result's size, to take the error against")
    more = (restorer.restore(sample.lr, picture=sample.name, seed=seed + index) for index in range(1, count))
    return seed_spread([first, *more], sample.reference)


def columns(measures: Measures, args: argparse.Namespace) -> list[Metric]:
    """What is measured, in the order of a table: headlines first, what training has seen last."""
    found = [METRICS[name] for name in measures.open] + [SEED_SPREAD] * (args.seeds > 1) + [FID] * bool(measures.fid)
    return sorted(found, key=lambda metric: metric.seen)


def differences(models: list[dict[str, Any]], bases: dict[str, str]) -> list[dict[str, Any]]:
    """Mean of RFSR − base over the pictures that both have a score of, for every model whose base (by name) was measured too.

    `better`: whether the mean merit is, None where there is no difference; `improved`: of how many pictures.
    """
    by_name = {model["name"]: model["pictures"] for model in models}
    found = []
    for name, base in bases.items():
        if base not in by_name:
            continue
        mean = {}
        for metric in (*METRICS.values(), SEED_SPREAD):
            pairs = [
                (ours[metric.name], theirs[metric.name])
                for ours, theirs in zip(by_name[name], by_name[base], strict=True)
                if metric.name in ours and metric.name in theirs
            ]
            if pairs:
                gains = [metric.merit(ours) - metric.merit(theirs) for ours, theirs in pairs]
                mean[metric.name] = {
                    **mean_of([ours - theirs for ours, theirs in pairs]),
                    "better": None if sum(gains) == 0 else sum(gains) > 0,
                    "improved": sum(gain > 0 for gain in gains),
                }
        found.append({"model": name, "base": base, "mean": mean})
    return found


def means(rows: list[dict[str, Any]], names: list[str]) -> dict[str, dict[str, float]]:
    """Mean and count of each named column over the rows that have it; a column that no row has is left out."""
    found = {name: [row[name] for row in rows if name in row] for name in names}
    return {name: mean_of(values) for name, values in found.items() if values}


def mean_of(values: list[float]) -> dict[str, float]:
    """Mean, rounded, and count."""
    return {"value": round(float(np.mean(values)), 5), "count": len(values)}


def facts(metric: Metric) -> dict[str, Any]:
    """A metric for JSON, which knows no infinity: a bound of None is none."""
    bounds = [bound if np.isfinite(bound) else None for bound in metric.range]
    return {"better": metric.better, "range": bounds, "seen": metric.seen}
