"""The exporter's gate: every graph, and a whole short run, must give in ONNX Runtime what torch gives."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from rfsr.export.graphs import GraphSpec, as_arguments, camel_case
from rfsr.models.denoiser import Denoiser
from rfsr.pipelines import BundleModels, Settings, restore

MAX_RELATIVE_ERROR = 1e-4
"""Of the output's largest magnitude: float32 sums in another order, nothing more."""
MAX_HALF_ERROR = 3e-2
"""The same where a graph computes in half precision."""
SIZES = ((2, 2, 3), (1, 3, 1))
"""(batch, latent rows, latent columns), sides in the graph's multiples: two sizes with H ≠ W."""


class ParityError(RuntimeError):
    """A graph computes something else than its module."""


def open_session(model: bytes | Path) -> ort.InferenceSession:
    """On the CPU, one thread; of a file with what lies beside it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class ClosedSession:
    """A graph's file that is opened for each run alone: of large ones not all fit in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, outputs: list[str], feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        """As ONNX Runtime's session."""
        return open_session(self.path).run(outputs, feeds)


Session = ort.InferenceSession | ClosedSession


def checked_inputs(spec: GraphSpec) -> list[dict[str, Tensor]]:
    """What a graph and its module are compared on."""
    cells = spec.cell_multiple
    return [
        spec.inputs_at(batch=batch, height=cells * height, width=cells * width, seed=batch) for batch, height, width in SIZES
    ]


@torch.no_grad()
def expected_outputs(spec: GraphSpec) -> list[tuple[Tensor, ...]]:
    """What the module makes of them."""
    found = [spec.module(**as_arguments(inputs)) for inputs in checked_inputs(spec)]
    return [outputs if isinstance(outputs, tuple) else (outputs,) for outputs in found]


def check_graph(
    spec: GraphSpec,
    session: Session,
    *,
    expected: list[tuple[Tensor, ...]] | None = None,
    bound: float = MAX_RELATIVE_ERROR,
) -> float:
    """The largest relative error over outputs and sizes, of the module's outputs or of those `expected`. Throws ParityError when it passes the bound."""
    worst = 0.0
    for inputs, wanted in zip(checked_inputs(spec), expected or expected_outputs(spec), strict=True):
        feeds = {camel_case(name): value.numpy() for name, value in inputs.items()}
        outputs = session.run(list(spec.outputs), feeds)
        for want, got in zip(wanted, outputs, strict=True):
            worst = max(worst, relative_error(want.numpy(), got))
    if not worst <= bound:
        raise ParityError(f"{spec.id}: error {worst:.2e} of the output's scale, at most {bound:.0e} is allowed")
    return worst


def relative_error(want: np.ndarray, got: np.ndarray) -> float:
    """Largest difference over largest magnitude; infinite where either is not finite, which no bound lets pass."""
    if not (np.isfinite(want).all() and np.isfinite(got).all()):
        return float("inf")
    return float(np.abs(want - got).max() / max(np.abs(want).max(), 1e-12))


class SessionModule(nn.Module):
    """A graph called like the module it came from."""

    def __init__(self, spec: GraphSpec, session: Session) -> None:
        super().__init__()
        self.spec, self.session = spec, session
        self.config = getattr(spec.module, "config", None)

    def forward(self, *inputs: Tensor, **named: Tensor) -> Tensor | tuple[Tensor, ...]:
        """As the module's forward."""
        feeds = {name: value.numpy() for name, value in zip(self.spec.inputs, inputs, strict=False)}
        feeds |= {camel_case(name): value.numpy() for name, value in named.items()}
        outputs = tuple(torch.from_numpy(value) for value in self.session.run(list(self.spec.outputs), feeds))
        return outputs if len(outputs) > 1 else outputs[0]


class SessionVae(nn.Module):
    """Encoder and decoder graphs behind the autoencoder's interface."""

    def __init__(self, encoder: SessionModule, decoder: SessionModule, preview: SessionModule | None) -> None:
        super().__init__()
        self.encode_moments, self.decode_latent, self.decode_linear = encoder, decoder, preview


class SessionDenoiser(SessionModule):
    """Denoiser graph with the condition encoder's, where there is one, beside it."""

    conditions = Denoiser.conditions

    def __init__(self, denoiser: SessionModule, condition_encoder: SessionModule | None, *, reads: tuple[str, ...]) -> None:
        super().__init__(denoiser.spec, denoiser.session)
        self.embed_condition, self.reads = condition_encoder, reads


class SessionChain(nn.Module):
    """The denoiser's graphs one after another, each fed what was given and what those before it gave."""

    conditions = Denoiser.conditions

    def __init__(self, parts: list[SessionModule], condition_encoder: SessionModule | None, *, reads: tuple[str, ...]) -> None:
        super().__init__()
        self.parts, self.embed_condition, self.reads = parts, condition_encoder, reads

    def forward(self, sample: Tensor, timestep: Tensor, context: Tensor, **conditions: Tensor) -> Tensor:
        """As the denoiser's forward."""
        given = {"sample": sample, "timestep": timestep, "context": context, **conditions}
        known = {camel_case(name): value.numpy() for name, value in given.items()}
        for part in self.parts:
            feeds = {name: known[name] for name in part.spec.inputs}
            known |= dict(zip(part.spec.outputs, part.session.run(list(part.spec.outputs), feeds), strict=True))
        return torch.from_numpy(known["prediction"])


def models_from_sessions(models: BundleModels, sessions: dict[str, SessionModule]) -> BundleModels:
    """The same models with every network replaced by its graph, of a chain by its graphs."""
    embed, reads = sessions.get("conditionEncoder"), models.denoiser.reads
    parts = [module for module in sessions.values() if module.spec.role == "denoiser"]
    denoiser = SessionDenoiser(parts[0], embed, reads=reads) if len(parts) == 1 else SessionChain(parts, embed, reads=reads)
    return replace(
        models,
        vae=SessionVae(sessions["vaeEncoder"], sessions["vaeDecoder"], sessions.get("previewDecoder")),
        tagger=sessions["tagger"],
        text_encoder=sessions["textEncoder"],
        denoiser=denoiser,
        restorer=sessions.get("restorer"),
    )


def check_run(
    models: BundleModels, sessions: dict[str, SessionModule], *, steps: int = 4, bound: float = MAX_RELATIVE_ERROR
) -> float:
    """Relative error of the x0 predictions of a guided run of some steps on a made-up 40×56 picture. Throws ParityError as `check_graph`."""
    rows, columns = np.mgrid[0:40, 0:56]
    waves = [np.sin(rows / 5 + phase) * np.cos(columns / 7 - phase) for phase in (0, 1, 2)]
    picture = (np.stack(waves, axis=-1) * 90 + 128).astype(np.uint8)
    settings = Settings(steps=steps, guidance=2.0, seed=7)
    expected = restore(models, picture, settings)
    actual = restore(models_from_sessions(models, sessions), picture, settings)
    pairs = zip(expected.x0_by_step, actual.x0_by_step, strict=True)
    worst = max(relative_error(want.numpy(), got.numpy()) for want, got in pairs)
    if not worst <= bound:
        raise ParityError(f"{steps}-step run: error {worst:.2e} of x0's scale, at most {bound:.0e} is allowed")
    return worst
