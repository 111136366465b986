"""Golden prompts and one full small run, through torch and the tokenizers library."""

from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from rfsr.checkpoint import load_bundle
from rfsr.golden.analysis import step_statistics
from rfsr.golden.pictures import made_up
from rfsr.models.vocabulary import NEGATIVE_PROMPT, POSITIVE_PROMPT, token_ids
from rfsr.pipeline import Settings, restore

TEXTS = ("", "bird, tree, ,clean, high-resolution, 8k", NEGATIVE_PROMPT, "A Zebra on the SEA; it's 8k!", "dog, " * 90)


def prompts(bundle: Path) -> list[dict[str, Any]]:
    """Token ids of texts with known, unknown, capital and too many words."""
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    return [{"text": text, "ids": token_ids(tokenizer, text)} for text in (*TEXTS, POSITIVE_PROMPT)]


def full_run(bundle: Path) -> list[dict[str, Any]]:
    """Runs of a bundle on a small picture: its request and the resulting pixels."""
    models = load_bundle(bundle)
    picture = made_up(20, 28, seed=9)
    cases = []
    for table in (
        {"steps": 4, "guidance": 2.0, "seed": 7, "sampler": "ddpm", "color_fix": "wavelet"},
        {"steps": 3, "guidance": 1.0, "seed": 123, "sampler": "ddim", "color_fix": "adain", "scale": 3},
    ):
        restored = restore(models, picture, Settings(**table))
        height, width = restored.rgb8.shape[:2]
        cases.append(
            {"request": table, "input": {"height": 20, "width": 28, "rgb8": picture.ravel()}, "tags": restored.tags}
            | {"steps": step_statistics(models, restored)}
            | {"height": height, "width": width, "rgb8": np.asarray(restored.rgb8).ravel()}
        )
    return cases
