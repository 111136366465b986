"""Reading checkpoints of every format they come in, tensor by tensor, and the accounts kept of it."""

import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn
from tqdm import tqdm

from rfsr.convert.names import Naming, Source

NAMED = 8
"""How many tensors of a kind a message names."""
NESTED = ("state_dict", "model", "params")
"""Under what a checkpoint may keep its tensors, beside an optimiser's and the like."""


class ConversionError(ValueError):
    """A checkpoint that cannot be converted; says which tensors or what file, in a sentence."""


Tensors = Mapping[str, Tensor]
"""What a checkpoint holds by name, read where it is asked for."""


class SafeTensors(Tensors):
    """A .safetensors file."""

    def __init__(self, path: Path) -> None:
        self.file = safe_open(path, framework="pt")
        self.names = list(self.file.keys())

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self.names)

    def __len__(self) -> int:
        """How many."""
        return len(self.names)

    def __getitem__(self, name: str) -> Tensor:
        """A tensor by name."""
        return self.file.get_tensor(name)


def open_tensors(path: Path) -> Tensors:
    """A checkpoint's tensors; of a pickled one's nesting and `module.` prefix nothing is left. Big files are mapped, not read.

    Throws ConversionError for a pickle that wants to run code, for one that holds no tensors, and for a file that is none.
    """
    if not path.exists():
        raise ConversionError(f"There is no file {path}.")
    if path.suffix == ".safetensors":
        return SafeTensors(path)
    try:
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # the format before PyTorch 1.6 cannot be mapped
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as cause:
        raise ConversionError(
            f"{path.name} wants to run code when it is read, or is no checkpoint; it is not opened. "
            "Save its tensors alone, best as .safetensors, with the program it came with."
        ) from cause
    for name in NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        raise ConversionError(f"{path.name} holds no table of tensors.")
    found = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if not found:
        raise ConversionError(f"{path.name} holds no tensors.")
    return {name.removeprefix("module."): value for name, value in found.items()}


class Renamed(Tensors):
    """Other tensors' part under a prefix, without it; and under another name where `renaming` says so."""

    def __init__(self, tensors: Tensors, *, prefix: str = "", renaming: dict[str, str] | None = None) -> None:
        def ours(name: str) -> str:
            for before, after in (renaming or {}).items():
                name = name.replace(before, after)
            return name.removeprefix(prefix)

        self.tensors = tensors
        self.names = {ours(name): name for name in tensors if name.startswith(prefix)}

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self.names)

    def __len__(self) -> int:
        """How many."""
        return len(self.names)

    def __getitem__(self, name: str) -> Tensor:
        """A tensor by name."""
        return self.tensors[self.names[name]]


def take(
    tensors: Tensors, module: nn.Module, naming: Naming, *, what: str, unused: tuple[str, ...] = (), strict: bool = True
) -> dict[str, Tensor]:
    """The state dict of `module` (which may be on the meta device), float tensors as float32, out of a checkpoint.

    `unused`: patterns of the published tensors that the network does not need. Throws ConversionError that names what is missing, of another
    shape, or, unless `strict` is off, neither needed nor known.
    """
    known, own = set(tensors), module.state_dict()
    sources = {name: naming(name) for name in own}
    missing = sorted({source.name for source in sources.values()} - known)
    needed = {source.name for source in sources.values()}
    surplus = sorted(name for name in known - needed if not any(re.search(pattern, name) for pattern in unused))
    found, wrong = {}, []
    for name, value in tqdm(own.items(), desc=what, mininterval=2, leave=False, disable=bool(missing)):
        if sources[name].name not in known:
            continue
        tensor = piece_of(tensors[sources[name].name], sources[name], tuple(value.shape))
        if tensor is None:
            wrong.append(f"{sources[name].name} {tuple(tensors[sources[name].name].shape)}")
        elif not missing and not wrong:
            found[name] = tensor.to(value.dtype).contiguous()
    faults = {"missing": missing, "of another shape": wrong, "unknown": surplus if strict else []}
    if any(faults.values()):
        raise ConversionError(
            f"{what} does not fit: " + "; ".join(listed(kind, names) for kind, names in faults.items() if names)
        )
    return found


def piece_of(tensor: Tensor, source: Source, shape: tuple[int, ...]) -> Tensor | None:
    """Our tensor of `shape` out of the published one, or None where that has another shape."""
    rows = shape[0] * source.of if shape else 1
    whole = (rows, *shape[1:], *((1, 1) if source.as_convolution else ()))
    if tuple(tensor.shape) != (whole if shape else ()):
        return None
    return tensor if not shape else tensor.chunk(source.of)[source.part].reshape(shape)


def listed(kind: str, names: list[str]) -> str:
    """How many, and the first of them."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{len(names)} {kind} ({', '.join(names[:NAMED])}{more})"
