"""CLIP's byte-pair tokenizer from the files a Stable Diffusion has it in."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from rfsr.convert.files import ConversionError
from rfsr.models.text import MAX_TOKENS

START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def read_tokenizer(folder: Path) -> tuple[Tokenizer, int]:
    """The tokenizer and the id that prompts are padded with: SD 2's files say "!", SD 1.5's the end token.

    Throws ConversionError for a file that is missing or says nothing of padding.
    """
    names = ("vocab.json", "merges.txt", "special_tokens_map.json")
    for name in names:
        if not (folder / name).exists():
            raise ConversionError(f"There is no file {folder / name}.")
    vocab: dict[str, int] = json.loads((folder / names[0]).read_text(encoding="utf-8"))
    # the first line says the version
    lines = (folder / names[1]).read_text(encoding="utf-8").splitlines()[1:]
    merges = [(left, right) for left, right in (line.split() for line in lines if line.strip())]
    marks: dict[str, Any] = json.loads((folder / names[2]).read_text(encoding="utf-8"))
    pad = marks.get("pad_token")
    pad = pad["content"] if isinstance(pad, dict) else pad
    if pad not in vocab:
        raise ConversionError(f"{folder / names[2]} names no pad_token of the vocabulary, got {pad!r}.")
    return clip_tokenizer(vocab, merges, pad), vocab[pad]


def clip_tokenizer(vocab: dict[str, int], merges: list[tuple[str, str]], pad: str) -> Tokenizer:
    """Lower-cased text to start token, byte pairs and end token, at most MAX_TOKENS.

    A `pad` that people write, as SD 2's "!", is one token wherever it stands, without the mark of a word's end: so does transformers.
    """
    bpe = models.BPE(vocab, merges, unk_token=END, continuing_subword_prefix="", end_of_word_suffix="</w>")
    tokenizer = Tokenizer(bpe)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(WORDS), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(mark, vocab[mark]) for mark in (START, END)]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Replace("</w>", " ")])
    tokenizer.add_special_tokens([START, END, pad])
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer
