"""Results of `rfsr evaluate` in the forms people and manifests read."""

import json
from pathlib import Path
from typing import Any

ARROWS = {"higher": "↑", "lower": "↓", "one": "→1"}
SEEN = "†"
"""Of a metric that training has seen."""
MARKS = {True: "✓", False: "✗", None: "="}
"""Of a difference: to the better, to the worse, none."""


def markdown(results: dict[str, Any]) -> str:
    """The command, a table a set, which of its columns are no headlines, and what was declined."""
    tables = [line for pictures in results["sets"] for line in set_table(pictures, results["metrics"])]
    if any(metric["seen"] for metric in results["metrics"].values()):
        tables += [
            "",
            f"{SEEN} seen in training, by a loss, a discriminator or a reward: scoring well in it is no sign of a better picture.",
        ]
    reasons = [f"- {each['metric']} was not computed: {each['detail']}" for each in results["declined"]]
    return "\n".join([f"`{results['command']}`", *tables, *([""] if reasons else []), *reasons]) + "\n"


def set_table(pictures: dict[str, Any], metrics: dict[str, Any]) -> list[str]:
    """A set's name and a row a model, then one a difference, marked where it is to the better (✓) or the worse (✗), and of how many pictures
    it is to the better. A mean over fewer pictures than were measured says over how many.
    """
    count = len(pictures["models"][0]["pictures"])
    head = [
        "model",
        *(f"{name}{SEEN * metric['seen']} {ARROWS[metric['better']]}" for name, metric in metrics.items()),
        "seconds",
    ]
    rows = [head, ["---"] * len(head)]
    for model in pictures["models"]:
        rows.append([model["name"], *(cell(model["mean"].get(name), count) for name in (*metrics, "seconds"))])
    for pair in pictures["differences"]:
        marked = [difference_cell(pair["mean"].get(name), count) for name in metrics]
        rows.append([f"{pair['model']} − {pair['base']}", *marked, ""])
    return [
        "",
        f"**{pictures['name']}**, {count} pictures, ×{pictures['scale']}, {inputs_said(pictures['inputs'])}",
        "",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def inputs_said(inputs: Any) -> str:
    """How a set's inputs came to be."""
    return "inputs given" if inputs == "given" else f"degradation {inputs['degradation']}, seed {inputs['seed']}"


def cell(mean: dict[str, Any] | None, count: int, form: str = ".4g") -> str:
    """A mean, and over how many pictures where not over all `count`."""
    if mean is None:
        return "–"
    return f"{mean['value']:{form}}" + (f" ({mean['count']})" if mean["count"] < count else "")


def difference_cell(mean: dict[str, Any] | None, count: int) -> str:
    """As `cell`, with sign, mark and the number of improved pictures."""
    return cell(mean, count, "+.3g") + (f" {MARKS[mean['better']]} {mean['improved']}" if mean else "")


def add_to_quality(path: Path, results: dict[str, Any]) -> None:
    """Adds the means, set by set and model by model, to a manifest's `quality` section kept in a JSON file; other sets in it stay."""
    quality = json.loads(path.read_text()) if path.exists() else {"sets": {}, "settings": {}}
    for pictures in results["sets"]:
        models = pictures["models"]
        quality["sets"][pictures["name"]] = {
            "pictures": len(models[0]["pictures"]),
            "inputs": pictures["inputs"],
            **{model["name"]: {name: mean["value"] for name, mean in model["mean"].items()} for model in models},
        }
        quality["settings"].update({model["name"]: model["settings"] for model in models if model["settings"]})
    path.write_text(json.dumps(quality, indent=1) + "\n")
