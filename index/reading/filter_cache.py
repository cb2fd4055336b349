"""`FilterCache`: the rows that match a filter, kept for the last few filters."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from ..filters.conditions import Where
from ..filters.given_filter import given_filter
from ..storage.catalog.catalog import Catalog
from .unknown_attributes import warn_of_misspelt, warn_of_unknown

# Each takes eight bytes a row.
_KEPT_FILTERS = 8


class FilterCache:
    """The rows that match filters, in a catalog that does not change; safe to use from several threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._rows: dict[str, NDArray[np.int64]] = {}  # the last one used is the last one here
        self._names: list[str] | None = None  # read when they are first needed

    def matching(self, where: Where | str) -> NDArray[np.int64]:
        """The rows that match a filter, ascending; see `Snapshot.matching`."""
        try:
            key = repr(where)
        except (ValueError, RecursionError):  # more digits or levels than Python prints, or than a filter may have
            return np.array(self._catalog.matching(given_filter(where)), np.int64)
        with self._lock:
            rows = self._rows.pop(key, None)
        if rows is None:
            where = given_filter(where)
            rows = np.array(self._catalog.matching(where), np.int64)
            rows.flags.writeable = False
            self._warn(where, is_empty=not len(rows))
        with self._lock:
            self._rows[key] = rows
            if len(self._rows) > _KEPT_FILTERS:
                del self._rows[next(iter(self._rows))]
        return rows

    def _warn(self, where: Where, *, is_empty: bool) -> None:
        if is_empty:
            warn_of_unknown(self._catalog, where)
            return
        if self._names is None:
            self._names = self._catalog.attribute_names()
        warn_of_misspelt(self._catalog, where, self._names)
