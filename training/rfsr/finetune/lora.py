"""Low-rank adapters instead of all weights: one of the regularisations RFSR is compared with."""

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
"""Attention projections, as diffusers names them."""


def add_lora(network: nn.Module, *, rank: int) -> None:
    """Puts adapters of `rank`, which start without effect, on every attention of `network`, in place; all else freezes."""
    network.requires_grad_(False)
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=TARGETS), network)


@torch.no_grad()
def merged_state(network: nn.Module) -> dict[str, Tensor]:
    """The state dict the network would have without adapters: their products added to the weights they stand on."""
    state = network.state_dict()
    merged = {}
    for name, value in state.items():
        if ".lora_" not in name:
            merged[name.replace(".base_layer.", ".")] = value
    for name, module in network.named_modules():
        if isinstance(module, LoraLayer):
            merged[f"{name}.weight"] = merged[f"{name}.weight"] + module.get_delta_weight("default")
    return merged
