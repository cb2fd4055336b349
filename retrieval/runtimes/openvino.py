"""A model's transformer run by OpenVINO: two to three times as fast as torch on a processor, as exact."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Transformer
from torch import Tensor, nn

from wordhive.index import InputError

# Of different lengths, so that a traced model which keeps the shape of its example shows.
_EXAMPLE = ["a bee"]
_CHECK = ["bees dance to tell where flowers are", "ants"]
_LEAST_COSINE = 0.99


_compiled_here: WeakSet[OpenVino] = WeakSet()
_of_the_parent: list[OpenVino] = []

if hasattr(os, "register_at_fork"):
    # What was compiled before a fork runs in the child, but ends the child's process where it is given up: its threads,
    # which OpenVINO then stops, are the parent's. So it is kept.
    os.register_at_fork(after_in_child=lambda: _of_the_parent.extend(_compiled_here))


class OpenVino:
    """Runs the transformer of a model as OpenVINO compiled it: with the weights that it had by then.

    Args:
        bfloat16: Let it compute in bfloat16.

    Raises InputError without the package, and for a model that it does not run as torch does.
    """

    def __init__(self, model: MultiVectorEncoder, *, bfloat16: bool) -> None:
        transformer = model[0]
        if model.device.type != "cpu":
            raise InputError(
                f"the model is on {model.device}; backend openvino runs on the processor: give device='cpu'"
            )
        if not isinstance(transformer, Transformer) or not _gives_hidden_states(transformer):
            raise InputError(f"backend openvino runs transformers of text, not {type(transformer).__name__}")
        self._network: Any = transformer.model
        with torch.inference_mode():
            self._names, self._request = self._compiled(self._tokens(model, _EXAMPLE), bfloat16)
            self._check(self._tokens(model, _CHECK))
        _compiled_here.add(self)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Forward passes within run in OpenVINO. For one thread at a time."""
        self._network.forward = self._infer  # before the class's own, for as long as it is there
        try:
            yield
        finally:
            del self._network.forward

    def _tokens(self, model: MultiVectorEncoder, texts: list[str]) -> dict[str, Tensor]:
        given = model.preprocess(texts, task="document")
        return {name: value for name, value in given.items() if isinstance(value, Tensor)}

    def _compiled(self, example: dict[str, Tensor], bfloat16: bool) -> tuple[list[str], Any]:
        openvino = _openvino()
        names = list(example)
        try:
            with warnings.catch_warnings(), _quiet():
                warnings.simplefilter("ignore")  # of tracing, which _check() makes up for
                network = openvino.convert_model(
                    _HiddenStates(self._network, names), example_input=tuple(example.values())
                )
        except Exception as error:
            # Of tracing and converting; what they raise has no common kind.
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"OpenVINO cannot run this model ({reason}); leave out the backend") from error
        settings = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        return names, openvino.Core().compile_model(network, "CPU", settings).create_infer_request()

    def _infer(self, **given: Any) -> dict[str, Tensor]:
        found = self._request.infer([given[name].numpy() for name in self._names])
        # The request writes into the same memory next time.
        return {"last_hidden_state": torch.from_numpy(found[0].copy())}

    def _check(self, tokens: dict[str, Tensor]) -> None:
        mask = tokens["attention_mask"].bool()
        expected, found = (
            run(**tokens)["last_hidden_state"][mask].float() for run in (self._network.forward, self._infer)
        )
        cosine = float(torch.cosine_similarity(expected, found, dim=-1).min())
        if not cosine >= _LEAST_COSINE:
            raise InputError(f"OpenVINO runs this model wrongly (cosine {cosine:.2f} to torch); leave out the backend")


def _gives_hidden_states(transformer: Transformer) -> bool:
    text: Any = transformer.modality_config.get("text") or {}
    outputs = text.get("method_output_name")
    names = [outputs] if isinstance(outputs, str) else list(outputs or [])
    return text.get("method") == "forward" and names == ["last_hidden_state"]


def _openvino() -> Any:
    # It tells its maker of each use. Where that package cannot be imported, it does not.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise InputError("backend openvino needs a package: pip install 'wordhive[openvino]'") from error
    return openvino


@contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


class _HiddenStates(nn.Module):
    def __init__(self, network: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.network = network
        self._names = names

    def forward(self, *given: Tensor) -> Tensor:
        hidden: Tensor = self.network(**dict(zip(self._names, given, strict=True))).last_hidden_state
        return hidden
