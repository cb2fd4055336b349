"""The codes of one FAISS index appended to those of another that began as a copy of it: nothing is decoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..faiss import faiss_library
from ..faiss.faiss_index import FaissIndex, Kind


def append_codes(index: FaissIndex, other: FaissIndex, kept: NDArray[np.int64] | None = None) -> bool:
    """Append codes.

    Args:
        index: The index that grows.
        other: An index trained as `index` is, by the same sample. It may lose its codes.
        kept: Numbers of the documents of `other` to append, int64, ascending. None: all.

    Returns:
        Whether it was done. Where FAISS has no way to do it, nothing has changed.
    """
    all_kept = kept is None or len(kept) == other.n
    if type(other.index) is not type(index.index):
        return False
    if index.kind is Kind.TRANSFORMED and index.inner is not None and other.inner is not None:
        done = append_codes(index.inner, other.inner, kept)
        index.index.ntotal = index.inner.n
        return done
    if index.is_codes:
        if kept is not None and not all_kept:
            other.index.remove_ids(np.setdiff1d(np.arange(other.n), kept, assume_unique=True))
        index.index.merge_from(other.index)
        return True
    if index.kind is Kind.LISTS:
        if all_kept:
            index.index.merge_from(other.index, index.n)
            return True
        return kept is not None and _append_lists(index, other, kept)
    return False


def _append_lists(index: FaissIndex, other: FaissIndex, kept: NDArray[np.int64]) -> bool:
    """Append the kept codes of every list; False where lists are packed."""
    library = faiss_library.faiss()
    target, source = (library.downcast_InvertedLists(lists.index.invlists) for lists in (index, other))
    if not all(isinstance(lists, library.ArrayInvertedLists) for lists in (target, source)):
        return False
    numbers = np.full(other.n, -1, np.int64)
    numbers[kept] = np.arange(index.n, index.n + len(kept))
    for number in range(index.index.nlist):
        if not (size := source.list_size(number)):
            continue
        ids = numbers[library.rev_swig_ptr(source.get_ids(number), size)]
        codes = library.rev_swig_ptr(source.get_codes(number), size * source.code_size).reshape(size, -1)
        chosen, ids = np.ascontiguousarray(codes[ids >= 0]), np.ascontiguousarray(ids[ids >= 0])
        if len(ids):
            target.add_entries(number, len(ids), library.swig_ptr(ids), library.swig_ptr(chosen))
    index.index.ntotal += len(kept)
    return True
