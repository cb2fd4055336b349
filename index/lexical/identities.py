"""A hash table of word identities, for compiled code that looks up every word of many documents."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Slots for each identity: most are empty, so that one look tells a word that the table lacks.
_SLOTS = 16


def identity_table(ids: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """A hash table from identities to their positions in `ids`: keys (0 marks an empty slot), and positions.

    Identity 0 is left out.
    """
    size = 1 << (len(ids) * _SLOTS).bit_length()
    keys, values = np.zeros(size, np.uint32), np.full(size, -1, np.int64)
    _fill(ids, keys, values)
    return keys, values


@njit(nogil=True, cache=True, inline="always")
def slot(keys, id):  # type: ignore[no-untyped-def]
    """The slot of an identity; an empty one where the table lacks it."""
    place = (id ^ (id >> 16)) & (len(keys) - 1)
    while keys[place] != id and keys[place]:
        place = (place + 1) & (len(keys) - 1)
    return place


@njit(nogil=True, cache=True)
def _fill(ids, keys, values):  # type: ignore[no-untyped-def]
    for number in range(len(ids)):
        if ids[number]:
            place = slot(keys, ids[number])
            keys[place] = ids[number]
            values[place] = number
