"""Passages: the parts of a document that carry its score for a query.

A document has one vector for each unique word, wherever that word stands. So the parts of a text are scored by the
stored vectors of the words that stand in them, and nothing is encoded again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError, WordVectors
from wordhive.index.arguments import whole_number

from ..encoder import Encoder
from ..text_words import read
from ..windows.windows import Span, Windows
from .alignment import Aligned, aligned, document_words
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
    words, _, note = document_words(encoder, document.text, document.stored, {})
    if note:
        raise InputError(f"document {id!r} has no passages to show: {note}")
    products = document.similarities.astype(np.float64) * (1 - document.summary_weight)
    if document.same is not None:
        products = np.maximum(np.where(document.same, products, 0), 0)
    asked = [
        (word.form, row) for word, row in aligned(read(encoder, query, "query").words, vectors.word_ids, {})
        if row is not None
    ]  # fmt: skip
    return best_passages(document.text, asked, words, products, n)


def best_passages(
    text: str, query: list[tuple[str, int]], words: Aligned, products: NDArray[np.float64], n: int
) -> list[Passage]:
    """The n parts of a text with the largest scores.

    Args:
        text: The document's text.
        query: Form and row of each query word that has a vector.
        words: The document's words with the rows of their vectors.
        products: Float64 `[n_query_rows, n_document_rows]`, weighted; what each pair adds if it is the best one.
        n: How many.
    """
    spans = [span for span in Windows(_lengths, PASSAGE_CHARACTERS, 0).spans(text) if text[slice(*span)].strip()]
    rows_of = _rows(spans, words)
    scores = [float(products[:, list(rows)].max(axis=1).sum()) if rows else 0.0 for rows in rows_of]
    best = sorted(range(len(spans)), key=lambda number: (-scores[number], number))[:n]
    return [_passage(text, spans[b], scores[b], query, rows_of[b], products) for b in best if rows_of[b]]


def _lengths(texts: list[str]) -> list[int]:
    return [len(text) for text in texts]


def _rows(spans: list[Span], words: Aligned) -> list[dict[int, tuple[str, Span]]]:
    """For each part, the rows of the words in it, with the form and the first place of each."""
    ends = np.array([end for _, end in spans])
    found: list[dict[int, tuple[str, Span]]] = [{} for _ in spans]
    for word, row in words:
        if row is None or not word.spans:
            continue
        parts = np.searchsorted(ends, [start for start, _ in word.spans], side="right")
        for part, span in zip(parts.tolist(), word.spans, strict=True):
            if part < len(spans):
                found[part].setdefault(row, (word.form, span))
    return found


def _passage(
    text: str,
    span: Span,
    score: float,
    query: list[tuple[str, int]],
    rows: dict[int, tuple[str, Span]],
    products: NDArray[np.float64],
) -> Passage:
    start, end = _stripped(text, span)
    matches = tuple(sorted(_matches(query, rows, products), key=lambda match: (-match.score, match.start)))
    return Passage(text[start:end], start, end, score, matches)


def _matches(
    query: list[tuple[str, int]], rows: dict[int, tuple[str, Span]], products: NDArray[np.float64]
) -> Iterator[PassageMatch]:
    columns = list(rows)
    for word, row in query:
        best = int(products[row, columns].argmax())
        score = float(products[row, columns[best]])
        if score > 0:
            form, (start, end) = rows[columns[best]]
            yield PassageMatch(word, form, start, end, score)


def _stripped(text: str, span: Span) -> Span:
    part = text[slice(*span)]
    start = span[0] + len(part) - len(part.lstrip())
    return start, start + len(part.strip())
