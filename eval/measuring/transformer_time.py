"""The transformer's own time within an encoder's, and what it computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sentence_transformers.base.modules import Transformer

from wordhive.index.torch_device import wait_for
from wordhive.retrieval.bert.fast_transformer import FastTransformer
from wordhive.retrieval.bert.transformer import Transformer as CompiledTransformer
from wordhive.retrieval.compiled.compiled_model import CompiledModel
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
        self._began = 0.0
        self._given: Any = None

    def of_compiled(self, transformer: CompiledTransformer | FastTransformer) -> Callable[..., Any]:
        """The compiled transformer's `hidden_states`, counted; it pads nothing."""
        run, config = transformer.hidden_states, transformer.config

        def counted(token_ids: Any, offsets: Any, *others: Any) -> Any:
            began = time.perf_counter()
            found = run(token_ids, offsets, *others)
            self.seconds += time.perf_counter() - began
            lengths = np.diff(offsets)
            self.tokens += len(token_ids)
            self.padded += len(token_ids)
            width, inner = config["hidden_size"], config["intermediate_size"]
            pairs = 4 * width * float((lengths**2).sum())
            self.operations += config["num_hidden_layers"] * (
                len(token_ids) * (8 * width**2 + 4 * width * inner) + pairs
            )
            return found

        return counted

    def _begin(self, _module: Any, given: tuple[Any, ...]) -> None:
        wait_for(given[0]["input_ids"].device)
        # What the modules behind it change in place.
        self._given = given[0]["input_ids"].shape, given[0]["attention_mask"].sum()
        self._began = time.perf_counter()

    def _end(self, module: Any, _given: Any, _result: Any) -> None:
        (texts, length), tokens = self._given
        wait_for(tokens.device)
        self.seconds += time.perf_counter() - self._began
        self.tokens += int(tokens)
        self.padded += texts * length
        config = module.auto_model.config
        width, inner = config.hidden_size, getattr(config, "intermediate_size", 4 * config.hidden_size)
        a_token = 8 * width**2 + 4 * width * inner + 4 * width * length
        self.operations += config.num_hidden_layers * texts * length * a_token


@contextmanager
def transformer_time(encoder: Encoder) -> Iterator[TransformerTime]:
    """Count what the encoder's transformer does while the block runs."""
    counted = TransformerTime()
    if isinstance(encoder.encoding_model, CompiledModel):
        compiled = {id(each): each for each in encoder.encoding_model.transformers.values()}.values()
        for each in compiled:
            each.hidden_states = counted.of_compiled(each)  # type: ignore[method-assign]
        try:
            yield counted
        finally:
            for each in compiled:
                del each.hidden_states
        return
    transformers = [module for module in encoder.model.modules() if isinstance(module, Transformer)]
    hooks = [module.register_forward_pre_hook(counted._begin) for module in transformers]
    hooks += [module.register_forward_hook(counted._end) for module in transformers]
    try:
        yield counted
    finally:
        for hook in hooks:
            hook.remove()
