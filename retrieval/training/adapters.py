"""Low-rank adapters on a transformer, by peft: added for a stage, merged into the weights at its end."""

from __future__ import annotations

from sentence_transformers.base.modules import Transformer
from torch import nn


def add_adapters(transformer: Transformer, rank: int, alpha: int, dropout: float) -> None:
    """Put adapters on every linear layer, and leave nothing else of the transformer to be trained."""
    from peft import LoraConfig, inject_adapter_in_model

    # A pooler's output is in no token.
    names = [
        name
        for name, module in transformer.model.named_modules()
        if isinstance(module, nn.Linear) and "pooler" not in name
    ]
    lora = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=names)
    inject_adapter_in_model(lora, transformer.model)
    for name, parameter in transformer.named_parameters():
        parameter.requires_grad = "lora_" in name


def merge_adapters(model: nn.Module) -> None:
    """Add all adapters to the weights that they are on, and take them off."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, layer in list(model.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            layer.merge()
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, layer.get_base_layer())
