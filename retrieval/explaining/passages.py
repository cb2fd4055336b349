"""Passages: the parts of a document that carry its score for a query.

A document has one vector for each unique word, wherever that word stands. So the parts of a text are scored by the
stored vectors of the words that stand in them, and nothing is encoded again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError, WordVectors
from wordhive.index.arguments import whole_number

from ..encoder import Encoder
from ..encoding_model import Span
from ..text_words import Reading, read
from ..windows.windows import Windows
from .alignment import aligned, document_reading, rows_of
from .scored_document import ScoredDocument

# About four sentences.
PASSAGE_CHARACTERS = 480


@dataclass(frozen=True)
class PassageMatch:
    """A query word and the word of the passage that it met.

    Attributes:
        word: As in the query.
        match: As in the passage.
        start, end: The characters of the match in the document's text, where it first stands in the passage.
        score: What the pair adds to the passage's score.
    """

    word: str
    match: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Passage:
    """A part of a document's text.

    Attributes:
        text: The part.
        start, end: Its characters in the document's text.
        score: The words' score that the document would have if it were this part alone.
        matches: The query words that met a word of it, best first.
    """

    text: str
    start: int
    end: int
    score: float
    matches: tuple[PassageMatch, ...]


def passages(
    encoder: Encoder, query: str, vectors: WordVectors, id: str, document: ScoredDocument, n: int
) -> list[Passage]:
    """The n parts of a document with the largest scores for a query, the best first; of equal ones the first.

    Args:
        encoder: The one that made the vectors.
        query: The query's text.
        vectors: The query's.
        id: The document's.
        document: The document beside the query.
        n: How many.

    Raises:
        InputError: The text of the document is not known.
    """
    n = whole_number(n, "n")
    if document.text is None:
        raise InputError(f"the text of document {id!r} was not stored, so there are no passages to show")
    reading, note = document_reading(encoder, document.text, document.stored)
    if reading is None:
        raise InputError(f"document {id!r} has no passages to show: {note}")
    products = document.similarities.astype(np.float64) * (1 - document.summary_weight)
    if document.same is not None:
        products = np.maximum(np.where(document.same, products, 0), 0)
    asked = aligned(read(encoder, query, "query"), vectors.word_ids, {})
    forms = [(word.form, row) for word, row in asked if row is not None]
    return best_passages(document.text, forms, reading, rows_of(reading, document.stored.word_ids), products, n)


def best_passages(
    text: str,
    query: list[tuple[str, int]],
    words: Reading,
    rows: NDArray[np.int64],
    products: NDArray[np.float64],
    n: int,
) -> list[Passage]:
    """The n parts of a text with the largest scores.

    Args:
        text: The document's text.
        query: Form and row of each query word that has a vector.
        words: The document's words.
        rows: Int64, the row of each word's vector; −1: none.
        products: Float64 `[n_query_rows, n_document_rows]`, weighted; what each pair adds if it is the best one.
        n: How many.
    """
    spans = [span for span in Windows(_lengths, PASSAGE_CHARACTERS, 0).spans(text) if text[slice(*span)].strip()]
    parts = [(span, *held) for span, held in zip(spans, _held(spans, words, rows), strict=True) if len(held[0])]
    scores = np.array([products[:, rows[held]].max(axis=1).sum() for _, held, _ in parts])
    found = []
    for best in np.argsort(-scores, kind="stable")[:n].tolist():
        (start, end), held, places = parts[best]
        start, end = _stripped(text, (start, end))
        met = _matches(query, [words.forms[word] for word in held], places, products[:, rows[held]])
        matches = tuple(sorted(met, key=lambda match: (-match.score, match.start)))
        found.append(Passage(text[start:end], start, end, float(scores[best]), matches))
    return found


def _lengths(texts: list[str]) -> list[int]:
    return [len(text) for text in texts]


def _held(
    spans: list[Span], words: Reading, rows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """For each part, the words in it that have vectors, ascending, and the first place of each."""
    ends = np.array([end for _, end in spans], np.int64)
    of_word = np.repeat(np.arange(len(rows)), np.diff(words.offsets))
    part = np.searchsorted(ends, words.places[:, 0], side="right")
    inside = np.flatnonzero((part < len(spans)) & (rows[of_word] >= 0))
    keys, firsts = np.unique(part[inside] * len(rows) + of_word[inside], return_index=True)
    borders = np.searchsorted(keys, np.arange(len(spans) + 1) * len(rows))
    for first, last in pairwise(borders.tolist()):
        yield keys[first:last] % len(rows), words.places[inside[firsts[first:last]]]


def _matches(
    query: list[tuple[str, int]], forms: list[str], places: NDArray[np.int64], products: NDArray[np.float64]
) -> Iterator[PassageMatch]:
    """What each query word meets in a passage, whose words have these forms, places and products."""
    for word, row in query:
        best = int(products[row].argmax())
        score = float(products[row, best])
        if score > 0:
            start, end = places[best].tolist()
            yield PassageMatch(word, forms[best], start, end, score)


def _stripped(text: str, span: Span) -> Span:
    part = text[slice(*span)]
    start = span[0] + len(part) - len(part.lstrip())
    return start, start + len(part.strip())
