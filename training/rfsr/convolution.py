"""Faster 3×3 convolutions for training on processors without AVX-512.

There oneDNN's gradient of the weights runs at a third of the forward pass's arithmetic rate or less; as nine matrix products, or in the other
memory layout for large maps, a training step of the first stage takes 0.6 of the time (measured: Zen 2, one thread, float32).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LARGE_ROWS = 100
"""From this height of a map on, oneDNN's gradient in the channels-first layout is the fastest."""


class Convolution(torch.autograd.Function):
    """conv2d of an already bordered map with a 3×3 kernel, stride 1."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # type: ignore[override]
        """x [B, C, H + 2, W + 2], weight [D, C, 3, 3] to [B, D, H, W]."""
        ctx.save_for_backward(x, weight)
        return F.conv2d(x, weight, bias)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:  # type: ignore[override]
        """Gradients of x, weight and bias."""
        x, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        of_x = input_gradient(gradient, x, weight) if ctx.needs_input_grad[0] else None
        of_weight = weight_gradient(gradient, x, weight) if ctx.needs_input_grad[1] else None
        of_bias = gradient.sum(dim=(0, 2, 3)) if ctx.needs_input_grad[2] else None
        return of_x, of_weight, of_bias


def backward_of(gradient: Tensor, x: Tensor, weight: Tensor, *, wanted: list[bool]) -> tuple[Tensor, ...]:
    """PyTorch's own gradients of x, weight and bias, where wanted."""
    return torch.ops.aten.convolution_backward(gradient, x, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, wanted)


def input_gradient(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """PyTorch's own: fast enough."""
    return backward_of(gradient, x, weight, wanted=[True, False, False])[0]


def weight_gradient(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """[D, C, 3, 3]."""
    outputs, inputs = weight.shape[:2]
    height, width = gradient.shape[2:]
    if height >= LARGE_ROWS:
        return backward_of(gradient.contiguous(), x.contiguous(), weight.contiguous(), wanted=[False, True, False])[1]
    rows = x.permute(0, 2, 3, 1)
    columns = gradient.permute(0, 2, 3, 1).reshape(-1, outputs).T.contiguous()
    found = torch.empty(outputs, 3, 3, inputs)
    for top in range(3):
        for left in range(3):
            found[:, top, left] = columns @ rows[:, top : top + height, left : left + width].reshape(-1, inputs)
    return found.permute(0, 3, 1, 2)


class FastConv2d(nn.Conv2d):
    """A Conv2d whose gradients are computed so; never constructed, only put in a Conv2d's place."""

    def forward(self, x: Tensor) -> Tensor:
        """As Conv2d's."""
        if not torch.is_grad_enabled() or x.dtype != torch.float32:
            return super().forward(x)
        top, left = self.padding  # type: ignore[misc]
        if top or left:
            mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
            x = F.pad(x, (left, left, top, top), mode=mode)
        return Convolution.apply(x, self.weight, self.bias)


def use_fast_convolutions(module: nn.Module) -> None:
    """Changes every 3×3 convolution of stride 1 in `module` that has a weight to train, where that is faster: on the CPU, without AVX-512."""
    if "AVX512" in torch.backends.cpu.get_cpu_capability():
        return
    for each in module.modules():
        if type(each) is nn.Conv2d and each.kernel_size == (3, 3) and each.stride == (1, 1) and each.groups == 1:
            each.__class__ = FastConv2d
