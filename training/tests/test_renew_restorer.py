"""A new first stage in a bundle that is there."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from rfsr.__main__ import main
from rfsr.checkpoint import load_bundle, read_manifest, write_runs

MODELS = Path(__file__).parents[2] / "tests/fixtures/models"


def test_only_the_first_stage_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("diffbir-nano", "shared"):
        shutil.copytree(MODELS / name, tmp_path / name)
    bundle = tmp_path / "diffbir-nano"
    write_runs(bundle, tmp_path / "runs")
    run = tmp_path / "runs/restorer"
    weights = {name: value + 0.01 for name, value in load_file(run / "model.safetensors").items()}
    save_file(weights, run / "model.safetensors")
    facts = json.loads((run / "facts.json").read_text())
    (run / "facts.json").write_text(json.dumps(facts | {"steps": 5, "loss": {"blocks": [1]}}))
    before = read_manifest(bundle)
    monkeypatch.setattr("sys.argv", ["rfsr", "renew-restorer", f"--run={run}", f"--bundle={bundle}"])
    main()
    after = read_manifest(bundle)
    assert {role for role, chain in after["graphs"].items() if chain != before["graphs"][role]} == {"restorer"}
    found = load_bundle(bundle).restorer
    assert found is not None
    wanted = weights["restorer.conv_last.weight"].half().float()
    assert torch.equal(found.state_dict()["conv_last.weight"], wanted)
    assert after["training"]["stages"][-1]["steps"] == 5 and after["training"]["configs"] == before["training"]["configs"]
