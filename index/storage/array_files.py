"""Arrays in .npy files: written a block of rows at a time, and mapped to be read."""

from __future__ import annotations

import math
import os
import re
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import WordhiveError, damaged
from ..files import open_regular

_MAGIC = b"\x93NUMPY\x01\x00"
# As NumPy writes it, which fills it up with spaces; its own reader takes any Python literal.
_HEADER = re.compile(
    r"\{'descr': '([<|][iuf][1248])', 'fortran_order': False, 'shape': \((\d{1,18}), ?(\d{1,18})?\), \} *\n"
)


def map_array(path: Path, *kinds: str, dims: int = 1) -> Any:
    """The array of a file, memory-mapped.

    Args:
        path: The file.
        kinds: Types of numbers that it may hold.
        dims: Its number of dimensions, 1 or 2.

    Raises:
        WordhiveError: The file is missing, or holds anything else.
    """
    try:
        with open_regular(path) as file:
            head = file.read(10)
            header = file.read(int.from_bytes(head[8:], "little"))
            match = _HEADER.fullmatch(header.decode("latin-1"))
            if not head.startswith(_MAGIC) or match is None:
                raise ValueError("it has no header of an array")
            shape = tuple(int(n) for n in match.groups()[1:] if n is not None)
            kind, start = np.dtype(match[1]), len(head) + len(header)
            if kind not in [np.dtype(it) for it in kinds] or len(shape) != dims:
                raise ValueError(f"an array of {kind} {shape}; expected {' or '.join(kinds)} of {dims} dims")
            size, expected = os.fstat(file.fileno()).st_size, start + math.prod(shape) * kind.itemsize
            if size != expected:
                raise ValueError(f"{size} bytes; expected {expected}")
            return np.memmap(file, kind, "r", start, shape) if math.prod(shape) else np.zeros(shape, kind)
    except FileNotFoundError as error:
        raise damaged(path, fault="is missing from the index") from error
    except (ValueError, OSError) as error:
        raise damaged(path, error) from error


def save_array(path: Path, array: NDArray[np.generic]) -> None:
    """Write an array as .npy; never pickles.

    Raises:
        OSError: The disk is full.
    """
    with ArrayFile(path, array.dtype, len(array), *array.shape[1:]) as file:
        file.write(array)


class ArrayFile:
    """An .npy file of `n` rows that is written a block of rows at a time: an index may be larger than the memory."""

    def __init__(self, path: Path, kind: Any, n: int, *row: int) -> None:
        self._row, self._kind, self._left = row, np.dtype(kind), n
        if self._kind.hasobject:
            raise ValueError(f"{path} can hold numbers only, no objects: they would be pickled")
        self._file = path.open("xb")  # never through a link, or into a file of somebody else's
        header = {"descr": np.lib.format.dtype_to_descr(self._kind), "fortran_order": False, "shape": (n, *row)}
        np.lib.format.write_array_header_1_0(self._file, header)

    def write(self, rows: NDArray[Any]) -> None:
        """Append rows of the file's own kind and shape."""
        if rows.dtype != self._kind or rows.shape[1:] != self._row:
            raise WordhiveError(
                f"{self._file.name} holds rows of {self._kind} {self._row}, not of {rows.dtype} {rows.shape[1:]}"
            )
        self._left -= len(rows)
        # numpy's own writing loses what it has buffered when the disk is full, and says nothing.
        self._file.write(np.ascontiguousarray(rows).data)

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the file; it has all rows, or it is no array: unless something else went wrong before, which is told."""
        with suppress(*([] if kind is None else [OSError])):
            self._file.close()
        if self._left and kind is None:
            raise WordhiveError(f"{self._file.name} got {-self._left:+} rows more than its header says")
