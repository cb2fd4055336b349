"""Named arrays in one safetensors file, its errors in words a user can act on."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from .errors import WordhiveError
from .files import open_regular

# Of a file, which is read whole.
_MOST_BYTES = 8 << 30


def write_tensors(path: Path, tensors: dict[str, NDArray[np.generic]]) -> None:
    """Write arrays under their names.

    Raises:
        OSError: The disk is full.
    """
    # safetensors' own writer reports a full disk as an error of the format.
    path.write_bytes(save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}))


def read_tensors(path: Path, advice: str = "restore it from a copy") -> dict[str, NDArray[np.generic]]:
    """The arrays that `write_tensors` wrote.

    Raises:
        WordhiveError: A bad file, which ends with `advice`.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > _MOST_BYTES:
                raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
            tensors: dict[str, NDArray[np.generic]] = load(file.read())
    except FileNotFoundError as error:
        raise WordhiveError(f"{path} is missing; {advice}") from error
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:  # of types that NumPy does not have
        raise WordhiveError(f"{path} is damaged ({error}); {advice}") from error
    return tensors


def tensor(tensors: dict[str, NDArray[np.generic]], name: str, *shape: int | None) -> NDArray[np.float32]:
    """A tensor by name, as float32.

    Args:
        tensors: All tensors by name.
        name: Its name.
        shape: The shape that it must have; None for any length.

    Raises:
        ValueError: It is missing, has another shape, or holds anything but finite numbers.
    """
    array = tensors.get(name)
    if array is None:
        raise ValueError(f"no tensor {name!r}")
    if array.ndim != len(shape) or any(n not in (None, size) for n, size in zip(shape, array.shape, strict=True)):
        expected = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"tensor {name!r} has shape {list(array.shape)}; expected [{expected}]")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"tensor {name!r} holds {array.dtype}; expected numbers")
    numbers = array.astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError(f"tensor {name!r} holds NaN or infinity")
    return numbers


def quantised(name: str, matrix: NDArray[np.float32], axis: int) -> dict[str, NDArray[np.generic]]:
    """A matrix as numbers from −127 to 127 and the scales of its rows (axis 1) or columns (axis 0), by name.

    Parameters that are fitted to a sample are no more precise than that (docs/measurements/candidates.md).
    """
    scales = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True, initial=0), np.finfo(np.float32).tiny) / 127
    return {name: np.rint(matrix / scales).astype(np.int8), f"{name}.scales": scales.astype(np.float32)}


def dequantised(
    name: str, tensors: dict[str, NDArray[np.generic]], axis: int, *shape: int | None
) -> NDArray[np.float32]:
    """The matrix that `quantised` made these tensors of. Raises ValueError as `tensor` does."""
    numbers = tensor(tensors, name, *shape)
    scales = tensor(tensors, f"{name}.scales", *(1 if dim == axis else n for dim, n in enumerate(numbers.shape)))
    return numbers * scales
