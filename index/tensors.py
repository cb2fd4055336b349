"""Named arrays in one safetensors file, its errors in words a user can act on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from .errors import WordhiveError


def write_tensors(path: Path, tensors: dict[str, NDArray[np.generic]]) -> None:
    """Write arrays under their names. Raises OSError when the disk is full."""
    # safetensors' own writer reports a full disk as an error of the format.
    path.write_bytes(save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}))


def read_tensors(path: Path, advice: str = "restore it from a copy") -> dict[str, NDArray[np.generic]]:
    """The arrays that `write_tensors` wrote. Raises WordhiveError, which ends with `advice`, for a bad file."""
    try:
        tensors: dict[str, NDArray[np.generic]] = load(path.read_bytes())
    except FileNotFoundError as error:
        raise WordhiveError(f"{path} is missing; {advice}") from error
    except (SafetensorError, OSError) as error:
        raise WordhiveError(f"{path} is damaged ({error}); {advice}") from error
    return tensors


def quantised(name: str, matrix: NDArray[np.float32], axis: int) -> dict[str, NDArray[np.generic]]:
    """A matrix as numbers from −127 to 127 and the scales of its rows (axis 1) or columns (axis 0), by name.

    What is fitted to a sample is not known better than that (docs/encodings.md).
    """
    scales = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True, initial=0), np.finfo(np.float32).tiny) / 127
    return {name: np.rint(matrix / scales).astype(np.int8), f"{name}.scales": scales.astype(np.float32)}


def dequantised(name: str, tensors: dict[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    """The matrix that `quantised` made these tensors of. Raises KeyError where they are missing."""
    return tensors[name].astype(np.float32) * tensors[f"{name}.scales"].astype(np.float32)
