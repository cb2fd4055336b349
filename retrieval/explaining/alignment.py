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
    reading = None if text is None else read(encoder, text, "document")
    if reading is not None and _fits(reading, stored.word_ids):
        return aligned(reading.words, stored.word_ids, names), reading.end, None
    reason = "was not stored" if reading is None else "is not the one that was encoded"
    note = f"The text of this document {reason}, so only words of the query can be named."
    return aligned([], stored.word_ids, names), None, note


def _fits(reading: Reading, word_ids: NDArray[np.uint32]) -> bool:
    known = {word.word_id for word in reading.words}
    specials = sum(not word.word_id for word in reading.words)
    return set(word_ids.tolist()) <= known | {0} and int(np.count_nonzero(word_ids == 0)) <= specials


def aligned(words: list[TextWord], word_ids: NDArray[np.uint32], names: dict[int, str]) -> Aligned:
    """Each word of a text with the row of its vector, or None where it has none; then the rows that no word claims.

    Words are known by their identity. Special tokens have none: they are told apart by their order, if all are there.
    """
    rows: dict[int, int] = {id: row for row, id in enumerate(word_ids.tolist()) if id}
    unnamed = np.flatnonzero(word_ids == 0).tolist()
    specials = sum(not word.word_id for word in words)
    in_order = iter(unnamed) if len(unnamed) == specials else None
    if in_order is None and unnamed:
        words = [word for word in words if word.word_id]
    found: Aligned = []
    for word in words:
        found.append((word, rows.get(word.word_id) if word.word_id else next(in_order or iter(()), None)))
    claimed = {row for _, row in found}
    for row, id in enumerate(word_ids.tolist()):
        if row not in claimed:
            found.append((TextWord(names.get(id, f"#{id:08x}" if id else "[?]"), id, ()), row))
    return found
