"""FAISS, imported when first needed, and its errors in words a user can act on."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from .. import threads
from ..errors import WordhiveError, damaged


@cache
def faiss() -> Any:
    """The faiss module.

    Raises:
        WordhiveError: It is not installed.
    """
    try:
        import faiss as module
    except ImportError as error:
        raise WordhiveError(
            "FAISS is not installed; run: pip install faiss-cpu (or faiss-gpu-cuvs on a CUDA machine)"
        ) from error
    if hasattr(os, "register_at_fork"):
        # A child of a fork has none of its parent's threads, and OpenMP would wait for them for ever.
        os.register_at_fork(after_in_child=lambda: module.omp_set_num_threads(1))
    return module


def one_thread(few: bool = True) -> AbstractContextManager[None]:
    """FAISS in this thread alone, for few queries: it splits work by query, so one query gains nothing from threads."""
    library = faiss()
    return threads.one_thread(library.omp_get_max_threads, library.omp_set_num_threads) if few else nullcontext()


def write(index: Any, path: Path) -> None:
    """Write a FAISS index to a file.

    Raises:
        OSError: The disk is full.
    """
    failed: list[OSError] = []
    with path.open("wb") as file:

        def put(part: bytes) -> None:
            try:
                file.write(part)
            except OSError as error:  # FAISS would only say that something went wrong
                failed.append(error)
                raise

        try:
            faiss().write_index(index, faiss().PyCallbackIOWriter(put, 1 << 20))
        except RuntimeError as error:
            if failed:
                raise failed[0] from error
            raise


def size(index: Any) -> int:
    """Bytes that `write` writes, counted without a copy of them."""
    library, parts = faiss(), [0]

    def count(part: bytes) -> None:
        parts[0] += len(part)

    library.write_index(index, library.PyCallbackIOWriter(count, 1 << 20))
    return parts[0]


def read(path: Path, *, mapped: bool = False) -> Any:
    """Read a FAISS index from a file.

    Args:
        mapped: memory-mapped, read-only.

    Raises:
        WordhiveError: It holds none.
    """
    library = faiss()
    if not path.is_file():
        raise damaged(path, fault="is missing from the index")
    try:
        return library.read_index(str(path), library.IO_FLAG_MMAP_IFC if mapped else 0)
    except RuntimeError as error:
        raise damaged(path, reason_of(error), "is damaged or no FAISS index") from error


def reason_of(error: RuntimeError) -> str:
    """The reason in a FAISS error, without the function and the line that raised it."""
    # FAISS reports "Error in <function> at <file>:<line>: Error: <condition> failed: <reason>".
    return str(error).strip().splitlines()[-1].split(" failed: ")[-1].split("Error: ")[-1].strip()[:200] or "unknown"
