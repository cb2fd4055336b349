"""What runs a model: NumPy, torch, or OpenVINO; chosen by name, or where there is a choice by what can run it."""

from __future__ import annotations

import importlib.util
from typing import Any, Literal, get_args

from wordhive.index import InputError
from wordhive.index.arguments import one_of, shown

from ..compiled.compiled_model import CompiledModel
from ..compiled.model_files import Uncompilable
from ..encoding_model import EncodingModel

Precision = Literal["auto", "float32", "bfloat16"]
Backend = Literal["auto", "compiled", "torch", "openvino"]


def check_backend(precision: Any, backend: Any) -> None:
    """Raise InputError for a precision, or a backend, that there is not."""
    one_of(precision, "precision", get_args(Precision))
    one_of(backend, "backend", get_args(Backend))


def running(model: Any, precision: Precision, backend: Backend) -> EncodingModel:
    """A model that is given as an object, run by a backend.

    Args:
        model: A `CompiledModel`, a `TorchModel`, or a `MultiVectorEncoder`.
        precision: Of the transformer, for a `MultiVectorEncoder`.
        backend: "auto" for what the object is made for.

    Raises:
        InputError: The object is none of these, or the backend does not run it.
    """
    check_backend(precision, backend)
    if isinstance(model, CompiledModel):
        found: EncodingModel = model
    else:
        from .torch_model import TorchModel  # here, because importing torch takes seconds

        if isinstance(model, TorchModel):
            found = model
        else:
            if backend == "compiled":
                raise InputError(
                    "backend compiled runs a model that is named, or a folder; save this one, and load it from there"
                )
            found = TorchModel(model, precision=precision, openvino=backend == "openvino")
    if backend not in ("auto", found.backend):
        raise InputError(f"backend {backend} does not run a {type(model).__name__}; leave out the backend")
    return found


def named(base: str, device: str | None, precision: Precision, backend: Backend) -> EncodingModel:
    """A model by name, run by a backend.

    Args:
        base: Of a shipped model, a folder, or a model on the hub.
        device: Of torch's; None for the processor, or for a GPU where only torch runs the model and finds one.
        precision: Of the transformer.
        backend: "auto" compiles what can be compiled, unless another device or bfloat16 is asked for.

    Raises:
        InputError: The name leads nowhere, or what is asked for can't be had.
        WordhiveError: The hub or the device can't be reached.
    """
    check_backend(precision, backend)
    on_processor = device is None or (isinstance(device, str) and device == "cpu")
    if backend == "compiled":
        if not on_processor:
            raise InputError(f"backend compiled runs on the processor; device is {shown(device)}, leave it out")
        if precision == "bfloat16":
            raise InputError("backend compiled does not compute in bfloat16; leave out precision, or the backend")
    if backend == "compiled" or (backend == "auto" and on_processor and precision != "bfloat16"):
        try:
            return CompiledModel.load(base, exact=precision == "float32")
        except Uncompilable as error:
            if backend == "compiled" or importlib.util.find_spec("sentence_transformers") is None:
                raise InputError(
                    f"the model {base!r} can't run without torch: {error}; take backend torch, which needs: "
                    "pip install 'wordhive[torch]'"
                ) from error
    return _of_torch(base, device, precision, backend)


def _of_torch(base: str, device: str | None, precision: Precision, backend: Backend) -> EncodingModel:
    try:
        from wordhive.index.torch_device import torch_device

        from ..checkpoints.loading import load_model
        from .torch_model import TorchModel
    except ImportError as error:
        if error.name is None or error.name.startswith("wordhive"):
            raise
        raise InputError(f"backend {backend} needs a package, {error.name}: pip install 'wordhive[torch]'") from error
    if backend == "openvino":
        device = device or "cpu"  # where it runs, whatever else there is
    if device is not None:
        torch_device(device)
    return TorchModel(load_model(base, device), precision=precision, openvino=backend == "openvino")
