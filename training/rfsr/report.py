"""Results of `rfsr evaluate` in the forms people and manifests read."""

import json
from pathlib import Path
from typing import Any

ARROWS = {"higher": "↑", "lower": "↓"}


def markdown_table(results: dict[str, Any]) -> str:
    """A row a model; a mean over fewer pictures than were measured says over how many."""
    names = list(results["metrics"])
    head = ["model", *(f"{name} {ARROWS[results['metrics'][name]['better']]}" for name in names), "seconds"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for model in results["models"]:
        cells = [model["name"]]
        for name in (*names, "seconds"):
            mean = model["mean"].get(name)
            partial = f" ({mean['count']})" if mean and mean["count"] < len(model["pictures"]) else ""
            cells.append(f"{mean['value']:.4g}{partial}" if mean else "–")
        lines.append("| " + " | ".join(cells) + " |")
    reasons = [f"- {each['metric']} was not computed: {each['detail']}" for each in results["declined"]]
    pictures = len(results["models"][0]["pictures"])
    source = f"{results['data']['set']}, {pictures} pictures, `{results['command']}`"
    return "\n".join([source, "", *lines, *([""] if reasons else []), *reasons]) + "\n"


def add_to_quality(path: Path, results: dict[str, Any]) -> None:
    """Adds a set's means, model by model, to a manifest's `quality` section kept in a JSON file; other sets in it stay."""
    quality = json.loads(path.read_text()) if path.exists() else {"sets": {}, "settings": {}}
    quality["sets"][results["data"]["set"]] = {
        "pictures": len(results["models"][0]["pictures"]),
        "inputs": results["data"]["inputs"],
        **{model["name"]: {name: mean["value"] for name, mean in model["mean"].items()} for model in results["models"]},
    }
    quality["settings"].update({model["name"]: model["settings"] for model in results["models"] if model["settings"]})
    path.write_text(json.dumps(quality, indent=1) + "\n")
