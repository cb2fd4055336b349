"""Lists, tensors and arrays of any type as arrays of float32 or integers, if they hold numbers."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import shown
from .errors import InputError


def floats(given: Any, what: str, expected: str) -> NDArray[np.float32]:
    """An array of real numbers as float32; numbers beyond its range become infinite.

    Raises:
        InputError: Booleans, complex numbers, strings, masked values, and tensors without values.
    """
    if type(given) is np.ndarray and given.dtype == np.float32:
        return np.ascontiguousarray(given)
    array = _array(given, what, expected)
    if array.dtype.kind == "O" and all(isinstance(one, Real) and not isinstance(one, bool) for one in array.flat):
        return np.array([_float(number) for number in array.flat], np.float32).reshape(array.shape)
    # NumPy knows the floats of other libraries, such as bfloat16, as some kind of its own.
    if array.dtype.kind not in "fiu" and not (array.dtype.kind == "V" and np.can_cast(array.dtype, np.float32)):
        raise InputError(f"{what} is {type(given).__name__} ({array.dtype.name}); expected {expected}")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, np.float32)


def integers(given: Any, what: str, kind: type[np.integer[Any]]) -> NDArray[Any]:
    """An array of whole numbers as one of type `kind`.

    Raises:
        InputError: Other numbers, and beyond its range.
    """
    expected = f"whole numbers that {np.dtype(kind).name} holds"
    array = _array(given, what, expected)
    range_of = np.iinfo(kind)
    is_whole = array.dtype.kind in "iu" or not array.size
    if not is_whole or (array.size and not range_of.min <= int(array.min()) <= int(array.max()) <= range_of.max):
        raise InputError(f"{what} is {shown(given)}; expected {expected}")
    return array.astype(kind)


def _array(given: Any, what: str, expected: str) -> NDArray[Any]:
    parts = given if isinstance(given, (list, tuple)) else [given]
    if any(isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part) for part in parts):
        raise InputError(f"{what} has masked values; expected {expected}: fill them, or leave their rows out")
    try:
        return np.asarray(_without_torch(given))
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(f"{what} is {type(given).__name__} ({_line(error)}); expected {expected}") from error


def _without_torch(given: Any) -> Any:
    if not hasattr(given, "detach"):
        return given
    tensor = given.detach().cpu()  # on any device, of any precision
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:  # an integer
        return float("inf")


def _line(error: Exception) -> str:
    return f"{' '.join(str(error).split()):.60}"
