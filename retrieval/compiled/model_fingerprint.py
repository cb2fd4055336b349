"""The fingerprint that `checkpoints/fingerprint.py` gives a model of torch's, from arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .model_folder import Lengths
from .module_settings import ModuleSettings


def fingerprint(
    weights: Mapping[str, NDArray[np.float32]],
    lengths: Lengths,
    modules: Iterable[ModuleSettings],
    prompts: Mapping[str, str],
) -> str:
    """64 hexadecimal digits of all that a model computes with: weights (as bfloat16), modules, lengths, prompts."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        array = weights[name]
        digest.update(f"{name} {array.shape}".encode())
        digest.update(_bfloat16(array).data)
    described: list[list[Any]] = [["Transformer", asdict(lengths)]]
    described += [[module.kind, module.settings] for module in modules]
    digest.update(json.dumps([described, dict(prompts)], sort_keys=True, default=str).encode())
    return digest.hexdigest()


def _bfloat16(array: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The bits of numbers rounded to bfloat16, ties to even as torch rounds them."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) >> np.uint32(16)
    return np.asarray(np.where(np.isnan(array), np.uint16(0x7FC0), rounded.astype(np.uint16)), np.uint16)
