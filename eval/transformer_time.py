"""The transformer's own time within an encoder's, and what it computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sentence_transformers.base.modules import Transformer
from torch import Tensor

from wordhive.retrieval.encoder import Encoder


class TransformerTime:
    """Seconds in the transformer's forward passes; tokens that it was given, with and without padding; operations.

    operations: multiplications and additions of its matrix products, as published for BERT's layers: 8·h² + 4·h·f a
    token and 4·h a pair of tokens in each layer, h its width and f that of its feed-forward part.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.tokens = 0
        self.padded = 0
        self.operations = 0.0

    def around(self, model: Any) -> Callable[..., Any]:
        """The model's forward pass, counted."""
        forward, config = model.forward, model.config

        def counted(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            result = forward(*args, **kwargs)
            self.seconds += time.perf_counter() - began
            self._count(kwargs["input_ids"], kwargs["attention_mask"], config)
            return result

        return counted

    def _count(self, tokens: Tensor, mask: Tensor | None, config: Any) -> None:
        texts, length = tokens.shape
        self.tokens += texts * length if mask is None else int((mask != 0).sum())
        self.padded += texts * length
        width, inner = config.hidden_size, getattr(config, "intermediate_size", 4 * config.hidden_size)
        a_token = 8 * width**2 + 4 * width * inner + 4 * width * length
        self.operations += config.num_hidden_layers * texts * length * a_token


@contextmanager
def transformer_time(encoder: Encoder) -> Iterator[TransformerTime]:
    """Count what the encoder's transformer does while the block runs."""
    counted = TransformerTime()
    models = [module.auto_model for module in encoder.model.modules() if isinstance(module, Transformer)]
    for model in models:
        # Not a hook: the forward pass may be called by its name.
        model.forward = counted.around(model)
    try:
        yield counted
    finally:
        for model in models:
            del model.forward
