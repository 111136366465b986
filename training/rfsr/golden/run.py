"""Golden prompts and full small runs of every family, through torch and the tokenizers library."""

from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from rfsr.checkpoint import load_bundle, read_manifest
from rfsr.families import FAMILIES
from rfsr.golden.analysis import step_statistics
from rfsr.golden.pictures import made_up
from rfsr.models.vocabulary import NEGATIVE_PROMPT, POSITIVE_PROMPT, token_ids
from rfsr.pipelines import Settings, restore

TEXTS = ("", "bird, tree, ,clean, high-resolution, 8k", NEGATIVE_PROMPT, "A Zebra on the SEA; it's 8k!", "dog, " * 90)


def prompts(bundle: Path) -> list[dict[str, Any]]:
    """Token ids of texts with known, unknown, capital and too many words."""
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    return [{"text": text, "ids": token_ids(tokenizer, text)} for text in (*TEXTS, POSITIVE_PROMPT)]


REQUESTS: dict[str, tuple[dict[str, Any], ...]] = {
    "seesr": (
        {},
        {"steps": 3, "guidance": 1.0, "seed": 123, "sampler": "ddim", "color_fix": "adain", "scale": 3},
    ),
    "diffbir": (
        {"steps": 5, "guidance": 1.0},
        {"steps": 3, "guidance": 3.0, "seed": 9, "sampler": "ddpm", "start_point": "lr", "color_fix": "adain", "scale": 2},
    ),
    "pasd": (
        {"steps": 6, "guidance": 3.0},
        {"steps": 4, "guidance": 1.0, "seed": 8, "start_point": "lr-twice-legacy", "color_fix": "none", "scale": 2},
    ),
}
"""By family, what its runs ask for beside `requests_of`; a family that is not named here is run once."""


def requests_of(family: str) -> list[dict[str, Any]]:
    """A family's runs; every request says its sampler and start, so that none is left to a default."""
    traits = FAMILIES[family]
    own = {"steps": 4, "guidance": 2.0, "seed": 7, "sampler": traits.sampler, "start_point": traits.start_point}
    return [{**own, "color_fix": "wavelet", **request} for request in REQUESTS.get(family, ({},))]


def full_runs(bundle: Path) -> list[dict[str, Any]]:
    """Runs of a bundle on a small picture: its requests, of an RFSR twin the first alone, and the resulting pixels."""
    models = load_bundle(bundle)
    requests = requests_of(models.family)[: 1 if read_manifest(bundle)["variant"] == "rfsr" else None]
    picture = made_up(20, 28, seed=9)
    cases = []
    for table in requests:
        restored = restore(models, picture, Settings(**table))
        height, width = restored.rgb8.shape[:2]
        words = {"positive": models.traits.positive, "negative": models.traits.negative}
        cases.append(
            {
                "bundle": bundle.name,
                "request": {**table, **words},
                "input": {"height": 20, "width": 28, "rgb8": picture.ravel()},
                "tags": restored.tags,
            }
            | {"steps": step_statistics(models, restored)}
            | {"height": height, "width": width, "rgb8": np.asarray(restored.rgb8).ravel()}
        )
    return cases
