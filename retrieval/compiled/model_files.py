"""Files of a model, and why one can't be read without torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from wordhive.index import InputError

Weights = dict[str, NDArray[np.float32]]


class Uncompilable(InputError):
    """A model that needs torch. The message says why, as the end of a sentence that begins with the model."""


def read_json(path: Path) -> Any:
    """What a JSON file holds; None where it is missing.

    Raises:
        InputError: A damaged file.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); get the model again") from error


def read_tensors(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> Weights:
    """The arrays of a safetensors file, as float32; numbers that are no weights are left out.

    Raises:
        InputError: A damaged file.
        Uncompilable: There is none, or it holds bfloat16.
    """
    try:
        with safe_open(str(path), framework="np") as file:
            names = [name for name in file.keys() if wanted(name)]  # noqa: SIM118  it is no dict
            arrays = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError as error:
        raise Uncompilable(f"it holds no {path.name}") from error
    except TypeError as error:  # a type that NumPy does not have
        raise Uncompilable(f"its {path.name} holds numbers that NumPy does not know ({error})") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}); get the model again") from error
    return {name: array.astype(np.float32, copy=False) for name, array in arrays.items() if array.dtype.kind == "f"}
