"""FAISS files, checked before FAISS opens them: they may come from anyone.

FAISS believes a file: which classes it holds, which other file holds their lists, how long their arrays are. So only
classes known here are opened, all numbers must agree with each other and with the file's length, and everything that
training does not change must agree with the index's configuration.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, WordhiveError, damaged
from ..files import open_regular
from . import faiss_factory, faiss_library
from .faiss_bytes import FaissFileError, Stored, UnknownClassError
from .faiss_classes import walk


def read(path: Path, dim: int, factories: tuple[str, ...], n: int | None = None, *, mapped: bool = False) -> Any:
    """Open a FAISS index.

    Args:
        path: The file.
        dim: Dims that its vectors must have.
        factories: Factory strings, one of which must make such an index.
        n: Number of vectors that it must hold. None: any.
        mapped: Memory-mapped, read-only.

    Raises:
        WordhiveError: For any other file.
    """
    check(path, dim, factories, n)
    return faiss_library.read(path, mapped=mapped)


def check(path: Path, dim: int, factories: tuple[str, ...], n: int | None = None) -> None:
    """Raise WordhiveError for a file that `read` would not read."""
    faiss_library.faiss()
    try:
        with open_regular(path) as file:
            data = np.memmap(file, np.uint8, "r")
        stored = walk(data)
        if stored.dim != dim or (n is not None and stored.n != n):
            expected = f"{dim} dims" if n is None else f"{n} vectors of {dim} dims"
            raise FaissFileError(f"it holds {stored.n} vectors of {stored.dim} dims; expected {expected}")
        if not stored.trained:
            raise FaissFileError("it is not trained")
        if not any(_agrees(stored, factory, len(data)) for factory in factories):
            raise FaissFileError(f"it is not what {' or '.join(factories)} makes")
    except FileNotFoundError as error:
        raise damaged(path, fault="is missing from the index") from error
    except UnknownClassError as error:
        raise WordhiveError(
            f"{path} is damaged, or of a FAISS class that is not opened ({error}); restore it from a copy, or index "
            "the documents again with Flat, SQ8, PQ{dims}x4, HNSW32_SQ8 or IVF64,SQ8"
        ) from error
    except (FaissFileError, InputError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise damaged(path, reason, "is damaged or no FAISS index") from error


def check_known(index: Any, factory: str, purpose: str) -> None:
    """Raise InputError for an index of classes that could not be read again."""
    try:
        walk(faiss_library.faiss().serialize_index(index))
    except FaissFileError as error:
        raise InputError(
            f"{purpose} {factory!r} is of a FAISS class that wordhive does not open again ({error}); choose Flat, SQ8, "
            "PQ{dims}x4, HNSW32_SQ8 or IVF64,SQ8"
        ) from error


def _agrees(stored: Stored, factory: str, size: int) -> bool:
    if faiss_factory.codebook_bytes(stored.dim, factory) > size:  # not worth making something to compare it with
        return False
    templates = (_template(stored.dim, factory, euclidean) for euclidean in (False, True))
    return any((stored.kind, stored.facts) == (template.kind, template.facts) for template in templates)


@lru_cache(maxsize=64)
def _template(dim: int, factory: str, euclidean: bool) -> Stored:
    index, _ = faiss_factory.parsed(dim, factory, "candidates", "", euclidean=euclidean)
    return walk(faiss_library.faiss().serialize_index(index))
