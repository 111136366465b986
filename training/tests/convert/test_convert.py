"""From published files to runs: every tensor arrives, and what does not fit is named."""

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from rfsr import convert
from rfsr.checkpoint import load_runs, runs_in
from rfsr.convert.files import ConversionError
from rfsr.convert.synthesize import random_network
from rfsr.families import FAMILIES
from rfsr.models.denoiser import Denoiser
from rfsr.models.published import SIZES
from rfsr.models.text import TextEncoder
from rfsr.models.vae import StockAutoencoder
from tests.published import Published, arguments

TOY = SIZES["toy"]


@pytest.mark.parametrize("family", FAMILIES)
def test_runs_hold_the_networks_that_the_files_were_made_of(family: str, published: dict[str, Published]) -> None:
    models, facts = load_runs(runs_in(published[family].runs), tagged=True, image={})
    expected = {
        "denoiser": random_network(
            lambda: Denoiser(FAMILIES[family].configs["toy"], rgb_heads=FAMILIES[family].rgb_heads), seed=0
        ),
        "vae": random_network(lambda: StockAutoencoder(TOY.vae), seed=1),
        "text_encoder": random_network(lambda: TextEncoder(TOY.text[FAMILIES[family].base]), seed=2),
    }
    for name, network in expected.items():
        want = network.state_dict()
        for key, value in getattr(models, name).state_dict().items():
            assert torch.equal(value, want[key]), f"{name}.{key}"
    assert models.pad_id == (599 if family == "pasd" else 0)
    assert (models.latent_scale, models.latent_shift) == (0.18215, 0.0)
    assert len(models.tags) == len(models.thresholds) == TOY.tagger.tags and models.thresholds[1] == 0.55
    assert (models.restorer is not None) == FAMILIES[family].first_stage
    assert {file["name"] for file in facts["denoiser"]["converted"]["files"]} >= {published[family].options["model"].name} or (
        family != "diffbir"
    )


def test_diffbirs_whole_checkpoint_and_its_controlnet_alone_give_the_same_networks(
    published: dict[str, Published], tmp_path: Path
) -> None:
    options = published["diffbir"].options | {"model": published["diffbir"].options["model"].with_name("v1_general.pth")}
    convert.convert(arguments(convert, family="diffbir", size="toy", out=tmp_path, **options))
    for part in ("vae", "denoiser"):
        ours, theirs = (load_file(runs / part / "model.safetensors") for runs in (tmp_path, published["diffbir"].runs))
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_part_that_is_there_is_not_converted_again_and_one_of_other_files_is(
    published: dict[str, Published], tmp_path: Path
) -> None:
    runs, files = tmp_path / "runs", tmp_path / "files"
    shutil.copytree(published["pasd"].runs, runs)
    shutil.copytree(published["pasd"].options["base"], files)
    options = arguments(convert, family="pasd", size="toy", out=runs, **{**published["pasd"].options, "base": files})
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*")}
    convert.convert(options)
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*")} == before
    (runs / "denoiser/facts.json").unlink()
    vae = torch.load(files / "vae/diffusion_pytorch_model.bin", weights_only=True)
    save_file({name: value.contiguous() for name, value in vae.items()}, files / "vae/diffusion_pytorch_model.safetensors")
    convert.convert(options)
    changed = {path.parent.name for path, time in before.items() if path.is_file() and path.stat().st_mtime_ns != time}
    assert changed == {"vae", "denoiser"}
    assert json.loads((runs / "vae/facts.json").read_text())["converted"]["files"][0]["name"].endswith(".safetensors")


@pytest.fixture
def altered(published: dict[str, Published], tmp_path: Path):
    """Converts SeeSR with a changed UNet."""

    def run(change, *, ignore: bool = False) -> None:
        options = dict(published["seesr"].options)
        shutil.copytree(options["model"], tmp_path / "seesr")
        path = tmp_path / "seesr/unet/diffusion_pytorch_model.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)
        given = arguments(
            convert, family="seesr", size="toy", out=tmp_path / "runs", **{**options, "model": tmp_path / "seesr"}
        )
        given.ignore_unknown = ignore
        convert.convert(given)

    return run


def test_tensors_that_are_missing_of_another_shape_or_unknown_are_named(altered, tmp_path: Path) -> None:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        del tensors["conv_in.bias"]
        tensors["conv_out.weight"] = torch.zeros(4, 5, 1, 1)
        tensors["somebodys.own"] = torch.zeros(1)

    with pytest.raises(ConversionError) as error:
        altered(change)
    assert "1 missing (conv_in.bias)" in str(error.value)
    assert "1 of another shape (conv_out.weight (4, 5, 1, 1))" in str(error.value)
    assert "1 unknown (somebodys.own)" in str(error.value)
    assert not (tmp_path / "runs/denoiser").exists()


def test_unknown_tensors_are_let_pass_where_that_is_asked_for(altered, tmp_path: Path) -> None:
    altered(lambda tensors: tensors.update({"somebodys.own": torch.zeros(1)}), ignore=True)
    assert (tmp_path / "runs/denoiser/facts.json").exists()


class Intruder:
    def __reduce__(self):
        return (print, ("code ran",))


def test_a_pickle_that_wants_code_is_refused_with_a_sentence(
    published: dict[str, Published], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "DAPE.pth"
    torch.save({"lora_A": Intruder()}, path)
    options = {**published["seesr"].options, "dape": path}
    with pytest.raises(SystemExit, match=r"DAPE\.pth wants to run code"):
        convert.main(arguments(convert, family="seesr", size="toy", out=tmp_path / "runs", **options))
    path.write_bytes(pickle.dumps(Intruder()))
    with pytest.raises(SystemExit, match=r"DAPE\.pth wants to run code"):
        convert.main(arguments(convert, family="seesr", size="toy", out=tmp_path / "runs", **options))
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("family", "option", "words"),
    [
        ("seesr", "dape", "seesr needs --dape"),
        ("diffbir", "swinir", "diffbir needs --swinir"),
    ],
)
def test_a_file_that_is_needed_is_asked_for(
    family: str, option: str, words: str, published: dict[str, Published], tmp_path: Path
) -> None:
    options = {name: path for name, path in published[family].options.items() if name != option}
    with pytest.raises(ConversionError, match=words):
        convert.convert(arguments(convert, family=family, size="toy", out=tmp_path, **options))


def test_an_encoder_of_the_condition_that_is_not_the_autoencoders_is_refused(
    published: dict[str, Published], tmp_path: Path
) -> None:
    content = torch.load(published["diffbir"].options["model"], weights_only=True)
    content["state_dict"]["cond_encoder.encoder.conv_in.bias"] += 1
    torch.save(content, tmp_path / "general_full_v1.ckpt")
    options = {**published["diffbir"].options, "model": tmp_path / "general_full_v1.ckpt"}
    with pytest.raises(ConversionError, match="1 tensors differ"):
        convert.convert(arguments(convert, family="diffbir", size="toy", out=tmp_path / "runs", **options))


def test_tags_without_a_threshold_each_are_refused(published: dict[str, Published], tmp_path: Path) -> None:
    shutil.copytree(published["pasd"].options["tags"], tmp_path / "tags")
    (tmp_path / "tags/ram_tag_list_threshold.txt").write_text("0.68\n")
    options = {**published["pasd"].options, "tags": tmp_path / "tags"}
    with pytest.raises(ConversionError, match="17 tags and 1 thresholds"):
        convert.convert(arguments(convert, family="pasd", size="toy", out=tmp_path / "runs", **options))
