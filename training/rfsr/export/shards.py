"""Graphs whose weights lie beside them, in files of a limited size named by their content: two graphs of the same weights share them."""

import hashlib
import tempfile
from pathlib import Path

import onnx
import onnx_ir

from rfsr.common import sha256_of

SHARD_BYTES = 256_000_000
"""What a browser takes in one piece, and what is fetched again when a byte of it is wrong."""
INLINE_BYTES = 1024
"""Smaller tensors stay in the graph."""


def save_sharded(model: onnx_ir.Model, folder: Path, name: str, *, limit: int) -> list[Path]:
    """Writes the graph and the files of its weights, each of at most `limit` bytes unless one tensor alone is larger: the graph comes first."""
    folder.mkdir(parents=True, exist_ok=True)
    # by name, so that graphs of other arithmetic on the same weights cut them alike
    for _, value in sorted(((key, value) for key, value in model.graph.initializers.items()), key=lambda pair: pair[0]):
        del model.graph.initializers[str(value.name)]
        model.graph.initializers[str(value.name)] = value
    with tempfile.TemporaryDirectory(dir=folder) as made:
        whole = Path(made) / "graph.onnx"
        onnx_ir.save(model, whole, external_data="weights.bin", size_threshold_bytes=INLINE_BYTES, max_shard_size_bytes=limit)
        graph = onnx.load(whole, load_external_data=False)
        renamed: dict[str, Path] = {}
        for item in graph.graph.initializer:
            for entry in item.external_data:
                if entry.key == "location":
                    if entry.value not in renamed:
                        shard = Path(made) / entry.value
                        renamed[entry.value] = shard.rename(folder / f"{name}-{sha256_of(shard)[:12]}.bin")
                    entry.value = renamed[entry.value].name
        data = graph.SerializeToString()
        path = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}.onnx"
        path.write_bytes(data)
    onnx.checker.check_model(path)
    return [path, *dict.fromkeys(renamed.values())]
