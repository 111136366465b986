"""The paper's table, and results laid out beside it."""

from typing import Any

from rfsr.paper import FAMILY_COLUMNS, PAPER_METRICS, TABLE_1, change, paper_tables


def results(name: str, means: dict[str, dict[str, float]], bases: dict[str, str]) -> dict[str, Any]:
    models = [{"name": model, "mean": {k: {"value": v, "count": 1} for k, v in mean.items()}} for model, mean in means.items()]
    differences = [{"model": model, "base": base, "mean": {}} for model, base in bases.items()]
    return {"sets": [{"name": name, "models": models, "differences": differences}]}


def test_the_table_is_whole_and_says_what_the_text_of_the_paper_does() -> None:
    assert all(set(table) == set(PAPER_METRICS) and all(len(row) == 4 for row in table.values()) for table in TABLE_1.values())
    column = list(FAMILY_COLUMNS).index
    worst = max(tuned / base - 1 for table in TABLE_1.values() for base, tuned in table["lpips"])
    assert round(worst, 3) == 0.177  # SeeSR on DRealSR
    assert change("lpips", TABLE_1["DIV2K-val"]["lpips"][column("pasd")]) == "0.441 → 0.4277 +"
    falls = {(name, metric) for name, table in TABLE_1.items() for metric in ("clipiqa", "maniqa")
             if change(metric, table[metric][column("diffbir")]).endswith("−")}  # fmt: skip
    assert falls == {("DRealSR", "clipiqa"), ("RealSR", "clipiqa"), ("RealSR", "maniqa")}


def test_figures_stand_beside_the_papers_family_by_family() -> None:
    means = {
        "seesr-mini": {"musiq": 50.0, "lpips": 0.3},
        "seesr-mini-rfsr": {"musiq": 55.0, "lpips": 0.31},
        "diffbir-tag-mini": {"musiq": 40.0},
        "diffbir-tag-mini-rfsr": {"musiq": 39.0},
    }
    bases = {"seesr-mini-rfsr": "seesr-mini", "diffbir-tag-mini-rfsr": "diffbir-tag-mini"}
    lines = paper_tables(results("realsr", means, bases))
    assert "**realsr** beside the paper's RealSR (table 1)" in lines
    at = lines.index("| musiq | here | – | 40 → 39 − | – | 50 → 55 + |")
    assert lines[at + 1] == "|  | paper | 68.19 → 68.51 + | 70.04 → 70.9 + | 59.83 → 68.99 + | 69.77 → 71.22 + |"
    assert "| lpips | here | – | – | – | 0.3 → 0.31 − |" in lines and "| maniqa | here | – | – | – | – |" in lines


def test_another_set_stands_beside_div2k_and_says_so() -> None:
    lines = paper_tables(results("kodak24", {}, {}))
    assert "**kodak24** beside the paper's DIV2K-val, another set (table 1)" in lines
    assert change("musiq", None) == "–" and change("musiq", (1.0, 1.0)) == "1 → 1 ="
