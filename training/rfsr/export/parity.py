"""The exporter's gate: every graph, and a whole short run, must give in ONNX Runtime what torch gives."""

from dataclasses import replace

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from rfsr.export.graphs import GraphSpec, camel_case
from rfsr.models.denoiser import Denoiser
from rfsr.pipelines import BundleModels, Settings, restore

MAX_RELATIVE_ERROR = 1e-4
"""Of the output's largest magnitude: float32 sums in another order, nothing more."""
SIZES = ((2, 2, 3), (1, 3, 1))
"""(batch, latent rows, latent columns), sides in the graph's multiples: two sizes with H ≠ W."""


class ParityError(RuntimeError):
    """A graph computes something else than its module."""


def open_session(model: bytes) -> ort.InferenceSession:
    """On the CPU, one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def check_graph(spec: GraphSpec, session: ort.InferenceSession) -> float:
    """The largest relative error over outputs and sizes. Throws ParityError when it passes the bound."""
    worst = 0.0
    for batch, height, width in SIZES:
        cells = spec.cell_multiple
        inputs = spec.inputs_at(batch=batch, height=cells * height, width=cells * width, seed=batch)
        with torch.no_grad():
            expected = spec.module(**inputs)
        feeds = {camel_case(name): value.numpy() for name, value in inputs.items()}
        outputs = session.run(list(spec.outputs), feeds)
        for want, got in zip(expected if isinstance(expected, tuple) else (expected,), outputs, strict=True):
            worst = max(worst, relative_error(want.numpy(), got))
    if not worst <= MAX_RELATIVE_ERROR:
        raise ParityError(f"{spec.role}: error {worst:.2e} of the output's scale, at most {MAX_RELATIVE_ERROR:.0e} is allowed")
    return worst


def relative_error(want: np.ndarray, got: np.ndarray) -> float:
    """Largest difference over largest magnitude; infinite where either is not finite, which no bound lets pass."""
    if not (np.isfinite(want).all() and np.isfinite(got).all()):
        return float("inf")
    return float(np.abs(want - got).max() / max(np.abs(want).max(), 1e-12))


class SessionModule(nn.Module):
    """A graph called like the module it came from."""

    def __init__(self, spec: GraphSpec, session: ort.InferenceSession) -> None:
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

    def __init__(self, encoder: SessionModule, decoder: SessionModule, preview: SessionModule) -> None:
        super().__init__()
        self.encode_moments, self.decode_latent, self.decode_linear = encoder, decoder, preview


class SessionDenoiser(SessionModule):
    """Denoiser graph with the condition encoder's, where there is one, beside it."""

    conditions = Denoiser.conditions

    def __init__(self, denoiser: SessionModule, condition_encoder: SessionModule | None, *, reads: tuple[str, ...]) -> None:
        super().__init__(denoiser.spec, denoiser.session)
        self.embed_condition, self.reads = condition_encoder, reads


def models_from_sessions(models: BundleModels, sessions: dict[str, SessionModule]) -> BundleModels:
    """The same models with every network replaced by its graph."""
    return replace(
        models,
        vae=SessionVae(sessions["vaeEncoder"], sessions["vaeDecoder"], sessions["previewDecoder"]),
        tagger=sessions["tagger"],
        text_encoder=sessions["textEncoder"],
        denoiser=SessionDenoiser(sessions["denoiser"], sessions.get("conditionEncoder"), reads=models.denoiser.reads),
        restorer=sessions.get("restorer"),
    )


def check_run(models: BundleModels, sessions: dict[str, SessionModule]) -> float:
    """Relative error of the x0 predictions of a guided 4-step run on a made-up 40×56 picture. Throws ParityError as `check_graph`."""
    rows, columns = np.mgrid[0:40, 0:56]
    waves = [np.sin(rows / 5 + phase) * np.cos(columns / 7 - phase) for phase in (0, 1, 2)]
    picture = (np.stack(waves, axis=-1) * 90 + 128).astype(np.uint8)
    settings = Settings(steps=4, guidance=2.0, seed=7)
    expected = restore(models, picture, settings)
    actual = restore(models_from_sessions(models, sessions), picture, settings)
    pairs = zip(expected.x0_by_step, actual.x0_by_step, strict=True)
    worst = max(relative_error(want.numpy(), got.numpy()) for want, got in pairs)
    if not worst <= MAX_RELATIVE_ERROR:
        raise ParityError(f"4-step run: error {worst:.2e} of x0's scale, at most {MAX_RELATIVE_ERROR:.0e} is allowed")
    return worst
