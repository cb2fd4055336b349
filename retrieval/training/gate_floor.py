"""The floor of a trained stop-word gate: below it a word is removed, in training's scores as in an index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import MultiVectorEncoder

from wordhive.index import InputError

from ..encoder import Encoder
from ..modules import StopWordGate

_TEXTS_AT_ONCE = 32


def remove_words(encoder: Encoder, texts: Sequence[str], share: float) -> None:
    """Set the floor of a model's gate so that it removes this share of the whole words of some texts, or just more.

    The penalty on gates makes all of them smaller, and closes few: those that are smallest matter least, and can go.

    Raises:
        InputError: A model without a gate.
    """
    gate = next((module for module in encoder.model if isinstance(module, StopWordGate)), None)
    if gate is None:
        raise InputError(f"{share:.0%} of the words are to be removed, but the model has no stop-word gate")
    gate.floor = 0.0
    gates = np.concatenate(
        [_gates(encoder.model, texts[start : start + _TEXTS_AT_ONCE]) for start in range(0, len(texts), _TEXTS_AT_ONCE)]
    )
    n_removed = min(len(gates) - 1, int(np.ceil(share * len(gates))))
    # Half-way to the next larger one, so that rounding on another machine moves no word across.
    below, above = np.sort(gates)[[max(0, n_removed - 1), n_removed]]
    gate.floor = float(below + above) / 2


def _gates(model: MultiVectorEncoder, texts: Sequence[str]) -> NDArray[np.float32]:
    """The gates of all whole words of these texts."""
    features = model.preprocess(list(texts))
    features = {key: v.to(model.device) if isinstance(v, torch.Tensor) else v for key, v in features.items()}
    with torch.inference_mode():
        for module in model:
            asks = "task" in getattr(module, "forward_kwargs", ())
            features = module(features, **({"task": "document"} if asks else {}))
            if isinstance(module, StopWordGate):
                break
    real = features["word_ids"] > 0
    gates: NDArray[np.float32] = features["word_scale"][real].float().cpu().numpy()
    return gates
