"""A text's words beside their vectors: which word has which row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wordhive.index import WordVectors
from wordhive.index.storage.word_id_lists import by_word_id

from ..encoder import Encoder
from ..text_words import Reading, TextWord, read

# Each word, and the row of its vector; None where it has none.
Aligned = list[tuple[TextWord, int | None]]


def identified(stored: WordVectors, encoder: Encoder, text: str) -> WordVectors:
    """The stored vectors with the word ids that the index left out: they lie in the order of the text's."""
    encoded = by_word_id(encoder.encode_documents([text]))
    return replace(stored, word_ids=encoded.word_ids) if len(encoded.vectors) == len(stored.vectors) else stored


def document_words(
    encoder: Encoder, text: str | None, stored: WordVectors, names: dict[int, str]
) -> tuple[Aligned, int | None, str | None]:
    """The document's words with their rows, the end of what was read, and what can't be told."""
    reading, note = document_reading(encoder, text, stored)
    if reading is not None:
        return aligned(reading, stored.word_ids, names), reading.end, None
    return _unclaimed(stored.word_ids, set(), names), None, note


def document_reading(encoder: Encoder, text: str | None, stored: WordVectors) -> tuple[Reading | None, str | None]:
    """The document's words if they are those of its vectors; otherwise why they are not known."""
    reading = None if text is None else read(encoder, text, "document")
    if reading is not None and _fits(reading, stored.word_ids):
        return reading, None
    reason = "was not stored" if reading is None else "is not the one that was encoded"
    return None, f"The text of this document {reason}, so only words of the query can be named."


def _fits(reading: Reading, word_ids: NDArray[np.uint32]) -> bool:
    specials = np.count_nonzero(reading.word_ids == 0)
    known = np.isin(word_ids, reading.word_ids) | (word_ids == 0)
    return bool(known.all()) and bool(np.count_nonzero(word_ids == 0) <= specials)


def rows_of(reading: Reading, word_ids: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The row of each word's vector, int64 `[n_words]`; −1 where it has none.

    Words are known by their identity. Special tokens have none: they are told apart by their order, if all are there.
    """
    order = np.argsort(word_ids, kind="stable")
    places = np.searchsorted(word_ids[order], reading.word_ids, side="right") - 1
    rows = np.where(places >= 0, np.append(order, 0)[places], -1)
    rows[(rows >= 0) & (np.append(word_ids, 0)[rows] != reading.word_ids)] = -1
    unnamed, special = np.flatnonzero(word_ids == 0), reading.word_ids == 0
    rows[special] = unnamed if len(unnamed) == np.count_nonzero(special) else -1
    return rows


def aligned(reading: Reading, word_ids: NDArray[np.uint32], names: dict[int, str]) -> Aligned:
    """Each word of a text with the row of its vector, or None where it has none; then the rows that no word claims.

    Special tokens that can't be told apart are left out where some of them have vectors.
    """
    rows = rows_of(reading, word_ids).tolist()
    has_specials = bool((word_ids == 0).any())
    found: Aligned = [
        (word, None if row < 0 else row)
        for word, row in zip(reading.words, rows, strict=True)
        if word.word_id or row >= 0 or not has_specials
    ]
    return found + _unclaimed(word_ids, set(rows), names)


def _unclaimed(word_ids: NDArray[np.uint32], claimed: set[int], names: dict[int, str]) -> Aligned:
    return [
        (TextWord(names.get(id, f"#{id:08x}" if id else "[?]"), id, ()), row)
        for row, id in enumerate(word_ids.tolist())
        if row not in claimed
    ]
