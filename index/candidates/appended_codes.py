"""The codes of one FAISS index after those of another that began as its copy: nothing is decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..faiss import faiss_library


def append_codes(index: Any, other: Any, kept: NDArray[np.int64] | None = None) -> bool:
    """Append the codes of `other`, which may lose its own; False, with nothing changed, where FAISS has no way to.

    other: trained as `index` is, by the same sample. kept: the numbers of its documents that count, int64, ascending;
    None: all.
    """
    library, whole = faiss_library.faiss(), kept is None or len(kept) == other.ntotal
    if type(other) is not type(index):
        return False
    if isinstance(index, library.IndexPreTransform):
        inner = library.downcast_index(index.index)
        done = append_codes(inner, library.downcast_index(other.index), kept)
        index.ntotal = inner.ntotal
        return done
    if isinstance(index, library.IndexFlatCodes):
        if kept is not None and not whole:
            other.remove_ids(np.setdiff1d(np.arange(other.ntotal), kept, assume_unique=True))
        index.merge_from(other)
        return True
    if isinstance(index, library.IndexIVF):
        if whole:
            index.merge_from(other, index.ntotal)
            return True
        return kept is not None and _append_lists(index, other, kept)
    return False


def _append_lists(index: Any, other: Any, kept: NDArray[np.int64]) -> bool:
    """Append the kept codes of every list; False where lists are packed."""
    library = faiss_library.faiss()
    target, source = (library.downcast_InvertedLists(lists.invlists) for lists in (index, other))
    if not all(isinstance(lists, library.ArrayInvertedLists) for lists in (target, source)):
        return False
    numbers = np.full(other.ntotal, -1, np.int64)
    numbers[kept] = np.arange(index.ntotal, index.ntotal + len(kept))
    for place in range(index.nlist):
        if not (size := source.list_size(place)):
            continue
        ids = numbers[library.rev_swig_ptr(source.get_ids(place), size)]
        codes = library.rev_swig_ptr(source.get_codes(place), size * source.code_size).reshape(size, -1)
        chosen, ids = np.ascontiguousarray(codes[ids >= 0]), np.ascontiguousarray(ids[ids >= 0])
        if len(ids):
            target.add_entries(place, len(ids), library.swig_ptr(ids), library.swig_ptr(chosen))
    index.ntotal += len(kept)
    return True
