"""`Tombstones`: which documents of a segment are deleted, and which are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..storage.catalog.catalog_records import SegmentRecord
from ..storage.segment import Segment

Numbers = NDArray[np.int64]


class Tombstones:
    """The rows of deleted documents that segments still hold.

    A document is told by its row in the index, or by its number within its segment; both ascend together.
    """

    def __init__(self, rows: Sequence[int]) -> None:
        self._rows = np.array(rows, np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def count(self, record: SegmentRecord) -> int:
        """How many deleted documents a segment still holds."""
        return len(self._within(record))

    def fit(self, segment: Segment) -> bool:
        """Whether each tombstone in the rows of a segment is that of a document of it."""
        tombstones, numbers = self._within(segment.record), self.deleted(segment)
        return np.array_equal(segment.rows[numbers[numbers < len(segment.rows)]], tombstones)

    def deleted(self, segment: Segment) -> Numbers:
        """The numbers of the deleted documents of a segment, ascending."""
        return np.searchsorted(segment.rows, self._within(segment.record))

    def live(self, segment: Segment) -> Numbers:
        """The numbers of the other documents of a segment, ascending."""
        return np.delete(np.arange(segment.record.n_documents), self.deleted(segment))

    def live_among(self, segment: Segment, rows: Numbers) -> Numbers:
        """The numbers of the live documents of a segment that are in the given ascending rows."""
        rows, existing = _within(segment.record, rows), segment.rows
        numbers = np.searchsorted(existing, rows)
        numbers = numbers[(numbers < len(existing)) & (existing[np.minimum(numbers, len(existing) - 1)] == rows)]
        deleted = self.deleted(segment)
        return np.setdiff1d(numbers, deleted, assume_unique=True) if len(deleted) else numbers

    def allowed(self, segment: Segment, rows: Numbers | None) -> NDArray[np.bool_] | None:
        """Which documents of a segment a search may find: a mask, or None where it may find all.

        Args:
            segment: The segment.
            rows: The rows that a filter lets through, ascending; None: all.
        """
        if rows is None and not self.count(segment.record):
            return None
        mask = np.zeros(segment.record.n_documents, np.bool_)
        mask[self.live(segment) if rows is None else self.live_among(segment, rows)] = True
        return mask

    def _within(self, record: SegmentRecord) -> Numbers:
        return _within(record, self._rows)


def _within(record: SegmentRecord, rows: Numbers) -> Numbers:
    """Those of the given ascending rows that a segment owns."""
    start, stop = np.searchsorted(rows, [record.first_row, record.first_row + record.n_rows])
    return rows[start:stop]
