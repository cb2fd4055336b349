"""The fingerprint of a model: an index keeps it, to refuse another model."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Transformer

_TRANSFORMER_SETTINGS = ("max_seq_length", "query_length", "document_length", "query_expansion")


def fingerprint(model: MultiVectorEncoder) -> str:
    """64 hexadecimal digits of all that a model computes with: weights (as bfloat16), modules, lengths, prompts."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if not tensor.dim():
            continue  # a number, such as the summary's weight, is in its module's configuration
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().to(torch.bfloat16).contiguous().view(torch.uint8).numpy().data)
    modules = [describe(module) for module in model]
    digest.update(json.dumps([modules, model.prompts], sort_keys=True, default=str).encode())
    return digest.hexdigest()


def describe(module: Any) -> list[Any]:
    """A module's class and the settings that change what it computes."""
    if isinstance(module, Transformer):
        return ["Transformer", {key: getattr(module, key, None) for key in _TRANSFORMER_SETTINGS}]
    config = module.get_config_dict() if hasattr(module, "get_config_dict") else {}
    return [type(module).__name__, config]
