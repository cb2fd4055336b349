"""Arrays in .npy files, mapped: of a known kind, and of the size that their header says."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import WordhiveError
from ..files import open_regular

_MAGIC = b"\x93NUMPY\x01\x00"
# As NumPy writes it, which fills it up with spaces; its own reader takes any Python literal.
_HEADER = re.compile(
    r"\{'descr': '([<|][iuf][1248])', 'fortran_order': False, 'shape': \((\d{1,18}), ?(\d{1,18})?\), \} *\n"
)


def map_array(path: Path, *kinds: str, dims: int = 1) -> Any:
    """The array of a file, read where it is looked at. kinds: those that it may have. dims: how many, 1 or 2.

    Raises WordhiveError for a file that is missing, or holds anything else.
    """
    try:
        with open_regular(path) as file:
            head = file.read(10)
            header = file.read(int.from_bytes(head[8:], "little"))
            found = _HEADER.fullmatch(header.decode("latin-1"))
            if not head.startswith(_MAGIC) or found is None:
                raise ValueError("it has no header of an array")
            shape = tuple(int(n) for n in found.groups()[1:] if n is not None)
            kind, start = np.dtype(found[1]), len(head) + len(header)
            if kind not in [np.dtype(it) for it in kinds] or len(shape) != dims:
                raise ValueError(f"an array of {kind} {shape}; expected {' or '.join(kinds)} of {dims} dims")
            size, expected = os.fstat(file.fileno()).st_size, start + math.prod(shape) * kind.itemsize
            if size != expected:
                raise ValueError(f"{size} bytes; expected {expected}")
            return np.memmap(file, kind, "r", start, shape) if math.prod(shape) else np.zeros(shape, kind)
    except FileNotFoundError as error:
        raise WordhiveError(f"{path} is missing from the index; restore it from a copy") from error
    except (ValueError, OSError) as error:
        raise WordhiveError(f"{path} is damaged ({error}); restore it from a copy") from error
