"""RFSR's own figures (arXiv 2412.03268v1, table 1), and results of `rfsr evaluate` laid out as they are."""

from typing import Any

PAPER_METRICS = ("maniqa", "musiq", "clipiqa", "aesthetic", "lpips")
FAMILY_COLUMNS = {"diffbir": "DiffBIR", "diffbir-tag": "DiffBIR-tag", "pasd": "PASD", "seesr": "SeeSR"}
"""By what bundles' names begin with, the longest that fits."""
Pair = tuple[float, float]
TABLE_1: dict[str, dict[str, tuple[Pair, Pair, Pair, Pair]]] = {
    "DIV2K-val": {
        "maniqa": ((0.4869, 0.5058), (0.5193, 0.5341), (0.3412, 0.4517), (0.5091, 0.5954)),
        "musiq": ((67.88, 69.25), (69.27, 70.26), (50.26, 59.88), (67.40, 69.97)),
        "clipiqa": ((0.7036, 0.7231), (0.7114, 0.7377), (0.4619, 0.6056), (0.6989, 0.7944)),
        "aesthetic": ((5.0447, 5.0973), (5.1826, 5.2521), (4.7717, 5.0758), (5.1475, 5.2683)),
        "lpips": ((0.3659, 0.3882), (0.3556, 0.3693), (0.4410, 0.4277), (0.3329, 0.3369)),
    },
    "DRealSR": {
        "maniqa": ((0.4923, 0.4978), (0.5229, 0.5388), (0.3688, 0.5130), (0.5146, 0.5922)),
        "musiq": ((65.73, 66.28), (67.44, 68.75), (50.18, 63.79), (64.92, 67.48)),
        "clipiqa": ((0.6842, 0.6830), (0.7038, 0.7174), (0.4872, 0.6708), (0.6813, 0.7596)),
        "aesthetic": ((4.6101, 4.6184), (4.7418, 4.8171), (4.4174, 4.6433), (4.6985, 4.8158)),
        "lpips": ((0.3497, 0.3933), (0.3480, 0.3729), (0.2413, 0.2654), (0.2346, 0.2761)),
    },
    "RealSR": {
        "maniqa": ((0.4857, 0.4805), (0.5365, 0.5431), (0.3941, 0.5316), (0.5428, 0.6057)),
        "musiq": ((68.19, 68.51), (70.04, 70.90), (59.83, 68.99), (69.77, 71.22)),
        "clipiqa": ((0.6897, 0.6862), (0.7048, 0.7155), (0.4788, 0.6491), (0.6611, 0.7438)),
        "aesthetic": ((4.8153, 4.8299), (4.8964, 4.9212), (4.6750, 4.7879), (4.8046, 4.8985)),
        "lpips": ((0.2760, 0.2838), (0.2969, 0.3153), (0.2252, 0.2468), (0.2354, 0.2642)),
    },
}
"""By set and metric: base and RFSR of DiffBIR, DiffBIR-tag, PASD and SeeSR. Of LPIPS less is better, of all others more."""
LOWER = ("lpips",)


def paper_tables(results: dict[str, Any]) -> list[str]:
    """Of every set a table of the paper's shape: a row a metric and its own figures below, `base → RFSR` and a sign a family.

    A set of another name than the paper's stands beside its DIV2K-val. A family that was not measured with both versions has no figures.
    """
    lines = []
    for pictures in results["sets"]:
        known = next((name for name in TABLE_1 if name.lower() == pictures["name"].lower()), None)
        published = TABLE_1[known or "DIV2K-val"]
        lines += ["", f"**{pictures['name']}** beside the paper's {known or 'DIV2K-val, another set'} (table 1)", ""]
        lines += [row(["metric", "", *FAMILY_COLUMNS.values()]), row(["---"] * (2 + len(FAMILY_COLUMNS)))]
        measured = pairs_of(pictures)
        for metric in PAPER_METRICS:
            ours = [change(metric, measured.get((family, metric))) for family in FAMILY_COLUMNS]
            lines += [row([metric, "here", *ours]), row(["", "paper", *(change(metric, pair) for pair in published[metric])])]
    return lines


def pairs_of(pictures: dict[str, Any]) -> dict[tuple[str, str], Pair]:
    """Base and RFSR means of a set, by family and metric, where both were measured."""
    means = {model["name"]: model["mean"] for model in pictures["models"]}
    found = {}
    for pair in pictures["differences"]:
        family = max((name for name in FAMILY_COLUMNS if pair["model"].startswith(f"{name}-")), key=len, default=None)
        for metric in PAPER_METRICS:
            if family and all(metric in means[pair[role]] for role in ("base", "model")):
                found[family, metric] = (means[pair["base"]][metric]["value"], means[pair["model"]][metric]["value"])
    return found


def change(metric: str, pair: Pair | None) -> str:
    """`base → RFSR`, and + where that is to the better, − where to the worse."""
    if pair is None:
        return "–"
    base, tuned = pair
    sign = "=" if base == tuned else "+" if (tuned < base) == (metric in LOWER) else "−"
    return f"{base:.4g} → {tuned:.4g} {sign}"


def row(cells: list[str]) -> str:
    """One of a Markdown table."""
    return f"| {' | '.join(cells)} |"
