"""CLIP's tokenizer from its files, against transformers' own, and what prompts are padded with."""

import json
import shutil
from pathlib import Path

import pytest
from transformers import CLIPTokenizer

from rfsr.convert.files import ConversionError
from rfsr.convert.tokenizer import END, read_tokenizer
from rfsr.models.vocabulary import token_ids
from tests.published import Published

TEXTS = (
    "bird, branch, tree, ,clean, high-resolution, 8k",
    "A photo of John's café at 10:30 — don't\n look!",
    "",
    "word " * 100,
)


@pytest.mark.parametrize(("family", "pad"), [("seesr", "!"), ("pasd", END)])
def test_ids_are_transformers_with_the_pad_of_the_base(family: str, pad: str, published: dict[str, Published]) -> None:
    folder = published[family].options["base"] / "tokenizer"
    tokenizer, pad_id = read_tokenizer(folder)
    assert pad_id == tokenizer.token_to_id(pad) and (pad_id == 0) == (family == "seesr")
    reference = CLIPTokenizer.from_pretrained(folder)
    assert reference.pad_token == pad
    for text in TEXTS:
        expected = reference(text, padding="max_length", truncation=True, max_length=77).input_ids
        assert token_ids(tokenizer, text, pad_id=pad_id) == expected


def test_ids_say_their_text_again(published: dict[str, Published]) -> None:
    tokenizer, _ = read_tokenizer(published["seesr"].options["base"] / "tokenizer")
    said = tokenizer.decode(tokenizer.encode("Café, tree").ids, skip_special_tokens=False)
    assert (
        said.split() == ["<|startoftext|>café", ",", "tree", END] or said.replace(" ", "") == f"<|startoftext|>café,tree{END}"
    )


def test_files_that_are_missing_or_name_no_pad_are_refused(published: dict[str, Published], tmp_path: Path) -> None:
    folder = tmp_path / "tokenizer"
    shutil.copytree(published["seesr"].options["base"] / "tokenizer", folder)
    (folder / "special_tokens_map.json").write_text(json.dumps({"eos_token": END}))
    with pytest.raises(ConversionError, match="names no pad_token"):
        read_tokenizer(folder)
    (folder / "merges.txt").unlink()
    with pytest.raises(ConversionError, match=r"no file .*merges\.txt"):
        read_tokenizer(folder)
