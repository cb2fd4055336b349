"""A model's transformers in bfloat16: the same numbers as torch's autocast gives, with weights rounded only once.

Autocast rounds every weight anew at each pass. For a document that is lost among its tokens; for a query of a dozen it
is a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Transformer
from torch import Tensor, nn

from wordhive.index.encodings.max_products import multiplies_bfloat16


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 faster than in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return device.type == "cpu" and multiplies_bfloat16()


class Bfloat16:
    """Runs a model's transformers, and nothing behind them, in bfloat16.

    The head stays in float32: in bfloat16, norms would be off by 0.4 %.
    """

    def __init__(self, model: MultiVectorEncoder) -> None:
        self._device = model.device.type
        self._transformers = [module for module in model.modules() if isinstance(module, Transformer)]
        inside = {module: None for transformer in self._transformers for module in transformer.modules()}
        # Not what is quantised already.
        self._places = [
            (module._parameters, name)
            for module in inside
            if isinstance(module, nn.Linear)
            for name, weight in module._parameters.items()
            if weight is not None and weight.dtype == torch.float32
        ]
        self._versions: list[tuple[int, int]] = []
        self._rounded: list[Tensor] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Forward passes within run in bfloat16, with what the weights are by then. For one thread at a time."""
        self._round()
        with ExitStack() as outer, ExitStack() as inner:

            def enter(*_: Any) -> None:
                inner.enter_context(self._rounded_weights())
                inner.enter_context(torch.autocast(self._device, torch.bfloat16))

            def leave(_module: nn.Module, _given: Any, features: dict[str, Any]) -> dict[str, Any]:
                inner.pop_all().close()
                return {name: _float32(value) for name, value in features.items()}

            for transformer in self._transformers:
                outer.callback(transformer.register_forward_pre_hook(enter).remove)
                outer.callback(transformer.register_forward_hook(leave).remove)
            yield

    def _round(self) -> None:
        """Round the weights, unless they are those of the last time."""
        exact = self._weights()
        versions = [(weight.data_ptr(), weight._version) for weight in exact]
        if self._versions != versions:
            self._rounded = [weight.detach().to(torch.bfloat16) for weight in exact]
            self._versions = versions

    def _weights(self) -> list[Tensor]:
        return [parameters[name] for parameters, name in self._places]  # type: ignore[misc]

    @contextmanager
    def _rounded_weights(self) -> Iterator[None]:
        exact = self._weights()
        self._put(self._rounded)
        try:
            yield
        finally:
            self._put(exact)

    def _put(self, weights: list[Tensor]) -> None:
        for (parameters, name), weight in zip(self._places, weights, strict=True):
            parameters[name] = weight  # type: ignore[assignment]


def _float32(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
