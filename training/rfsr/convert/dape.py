"""DAPE's low-rank adapters, merged into the Recognize Anything model they were trained on (SeeSR, ram/models, after loralib)."""

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from rfsr.convert.files import ConversionError, Tensors, listed

ALPHA = 1
"""The adapters' product counts alpha / rank: an eighth at the published rank of 8."""
TIED = r"tag_encoder\.encoder\.layer\.[01]\.crossattention\."
"""In RAM these share their weights with the head, so an adapter on them would be merged into it too; DAPE never trained them."""


class DapeMerged(Tensors):
    """The tensors of RAM with DAPE's adapters in them.

    Throws ConversionError for an adapter that belongs to no tensor of RAM, and for one that its training leaves at zero but is not.
    """

    def __init__(self, ram: Tensors, adapters: Tensors) -> None:
        self.ram, self.adapters = ram, adapters
        self.adapted = {name.removesuffix(".lora_A") for name in adapters if name.endswith(".lora_A")}
        known = set(ram)
        unknown = sorted(name for name in self.adapted if f"{name}.weight" not in known and not name.startswith("tag_encoder."))
        if not self.adapted or unknown:
            raise ConversionError(
                "DAPE's file has no adapters." if not self.adapted else f"DAPE does not fit RAM: {listed('unknown', unknown)}"
            )
        if moved := [name for name in self.adapted if re.match(TIED, name) and adapters[f"{name}.lora_B"].any()]:
            raise ConversionError(
                f"DAPE's tag encoder was trained, which would change the head too: {listed('adapters', sorted(moved))}"
            )

    def __iter__(self) -> Iterator[str]:
        """RAM's names."""
        return iter(self.ram)

    def __len__(self) -> int:
        """How many."""
        return len(self.ram)

    def __getitem__(self, name: str) -> Tensor:
        """A tensor by name, changed where an adapter is on it."""
        module, weight = name.removesuffix(".weight"), self.ram[name]
        if module == name or module not in self.adapted:
            return weight
        down, up = (self.adapters[f"{module}.lora_{which}"].float() for which in "AB")
        return weight.float() + merged_change(down, up, rows=len(weight))


def merged_change(down: Tensor, up: Tensor, *, rows: int) -> Tensor:
    """What an adapter adds to a weight [rows, C].

    A plain one, down [r, C] and up [rows, r]: their product. One of a joint query, key and value, down [2r, C] and up [2·rows/3, r]: of
    the query from the first halves, of the value from the second, and nothing of the key.
    """
    rank = up.shape[1]
    scale = ALPHA / rank
    if len(down) == rank:
        return up @ down * scale
    (query_down, value_down), (query_up, value_up) = down.chunk(2), up.chunk(2)
    query, value = query_up @ query_down * scale, value_up @ value_down * scale
    change = torch.cat([query, torch.zeros_like(query), value])
    if len(change) != rows:
        raise ConversionError(f"an adapter changes {len(change)} rows of a weight that has {rows}")
    return change
