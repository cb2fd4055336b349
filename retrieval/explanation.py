"""Why a document has its score: which query word met which document word, and for how much.

A score is a sum over query words and the summary, so that every part of it can be told in words (ColBERTer section 3.2:
one vector for each whole word, which a user can read). The numbers are those of the search: they are computed from the
stored codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wordhive.index import Index, InputError, WordVectors
from wordhive.index.lexical.lexical_queries import LexicalQueries
from wordhive.index.storage.word_id_lists import by_word_id

from .encoder import Encoder
from .pages import render
from .text_words import Reading, Span, TextWord, read


@dataclass(frozen=True)
class WordMatch:
    """One query word, and what it adds to the score.

    Attributes:
        word: As in the query.
        match: The document word that it met, None where it met none.
        weight: The length of its vector; 0 where the model leaves it out.
        product: Its inner product with that word.
        score: What that adds, weighted.
        share: Score in percent of the whole score.
        place: Of the match among `Explanation.words`.
        lexical: What it adds beside `score`, by standing in the document as it is.
    """

    word: str
    match: str | None
    weight: float
    product: float
    score: float
    share: float
    place: int | None
    lexical: float = 0.0


@dataclass(frozen=True)
class DocumentWord:
    """One word of the document, and what it adds to the score, through all query words that met it.

    Attributes:
        word: As it first appears.
        word_id: Its identity.
        spans: Characters `[start, end)` of every place in the text.
        stored: False where the model's gate removed it, so that nothing can meet it.
        score, share: As in `WordMatch`.
    """

    word: str
    word_id: int
    spans: tuple[Span, ...]
    stored: bool
    score: float
    share: float


@dataclass(frozen=True)
class Explanation:
    """The score of a document for a query, in parts: score = words_score + summary_score + lexical_score.

    words_score is the sum of the matches' `score`, lexical_score that of their `lexical`.

    Attributes:
        summary_weight: W of the score; 0 where there is no summary.
        summary_share: Of the score, in percent; shares add up to 100, and are all 0 where the score is not above 0.
        matches: In the order of the query.
        words: In the order of the text.
        read_to: The character of the text where the model's window ends; None where that is not known.
        note: What could not be told, or None.
        has_lexical: Whether the index's scores have a lexical part.
    """

    id: str
    query: str
    text: str | None
    score: float
    words_score: float
    summary_score: float
    summary_weight: float
    summary_share: float
    matches: list[WordMatch]
    words: list[DocumentWord]
    read_to: int | None
    note: str | None
    lexical_score: float = 0.0
    lexical_share: float = 0.0
    has_lexical: bool = False

    @property
    def words_share(self) -> float:
        """What all words add, in percent of the score."""
        return sum(match.share for match in self.matches)

    @property
    def exact(self) -> list[str]:
        """The words of the query that stand in the document as they are."""
        return [match.word for match in self.matches if match.lexical]

    @property
    def removed(self) -> list[str]:
        """The words that the model's gate removed from the document."""
        return [word.word for word in self.words if not word.stored]

    def pieces(self) -> Iterator[tuple[str, int | None]]:
        """The text that the model read, cut into pieces: (characters, place among `words`, or None between words)."""
        text = (self.text or "")[: self.read_to]
        at = 0
        # Pieces of one character share a span: the one that adds most stands for all.
        spans = [(*span, -word.score, place) for place, word in enumerate(self.words) for span in word.spans]
        for start, end, _, place in sorted(spans):
            if start < at:
                continue
            if at < start:
                yield text[at:start], None
            yield text[start:end], place
            at = end
        if at < len(text):
            yield text[at:], None

    def heat(self, place: int) -> float:
        """What a document word adds, relative to the one that adds most: 0 … 1."""
        largest = max((word.score for word in self.words), default=0.0)
        return max(self.words[place].score / largest, 0.0) if largest > 0 else 0.0

    @property
    def unread(self) -> str:
        """The text behind the model's window."""
        return "" if self.text is None or self.read_to is None else self.text[self.read_to :]

    def html(self) -> str:
        """A web page that needs nothing but itself."""
        met = sorted({match.place for match in self.matches if match.place is not None})
        largest = max([match.share for match in self.matches] + [self.summary_share, self.lexical_share], default=0.0)
        return render("explanation.html", e=self, met=met, largest=largest)


def explain(index: Index, encoder: Encoder, query: str, vectors: WordVectors, id: str) -> Explanation:
    """Why the document with that id has its score for a query.

    Args:
        vectors: The query's, as it was searched with.

    Raises:
        InputError: An id that the index does not hold.
    """
    now = index.snapshot()
    if id not in now.rows([id]):  # another process may have added it since
        index.reload()
        now = index.snapshot()
    row = now.rows([id]).get(id)
    if row is None:
        raise InputError(f"{index.path} holds no document {id!r}; give an id as wordhive search prints it")
    stored, text = now.vectors(np.array([row])), now.documents([row])[row].text
    if not index.settings.config.word_ids and text is not None:
        stored = _identified(stored, encoder, text)
    weight = index.settings.summary_weight if index.summary_dim else 0.0
    same = _same_words(vectors, stored) if index.settings.exact_match else None
    places, products = best_matches(vectors.vectors @ stored.vectors.T, same)
    if index.settings.exact_match:
        products = np.maximum(products, 0)
    scores = products * (1 - weight)
    words_score, summary_score = float(scores.sum()), weight * _summaries_product(vectors, stored)
    lexical = now.lexical(vectors)
    has_lexical, exact = lexical is not None, _exact_words(lexical, stored.word_ids)
    lexical_score = sum(exact.values())
    score = words_score + summary_score + lexical_score

    def share(part: float) -> float:
        return 100 * part / score if score > 0 else 0.0

    asked = _aligned(read(encoder, query, "query").words, vectors.word_ids, {})
    names = {word.word_id: word.form for word, _ in asked if word.word_id}
    held, read_to, note = _document(encoder, text, stored, names)
    place_of = {row: place for place, (_, row) in enumerate(held) if row is not None}
    added = np.bincount(places[places >= 0], scores[places >= 0], minlength=len(stored.vectors))
    words = []
    for word, row in held:
        part = 0.0 if row is None else float(added[row])
        words.append(DocumentWord(word.form, word.word_id, word.spans, row is not None, part, share(part)))
    matches = []
    for word, row in asked:
        as_it_is = exact.pop(word.word_id, 0.0)
        if row is None:
            matches.append(WordMatch(word.form, None, 0.0, 0.0, 0.0, 0.0, None, as_it_is))
            continue
        place = place_of.get(int(places[row]))
        match = None if place is None else words[place].word
        length, part = float(np.linalg.norm(vectors.vectors[row])), float(scores[row])
        matches.append(WordMatch(word.form, match, length, float(products[row]), part, share(part), place, as_it_is))
    return Explanation(
        id, query, text, score, words_score, summary_score, weight, share(summary_score), matches, words, read_to, note,
        lexical_score, share(lexical_score), has_lexical,
    )  # fmt: skip


def _exact_words(lexical: LexicalQueries | None, word_ids: NDArray[np.uint32]) -> dict[int, float]:
    """What each word of the query adds that is among the document's, by its id."""
    if lexical is None:
        return {}
    held = np.isin(lexical.word_ids, word_ids)
    return dict(zip(lexical.word_ids[held].tolist(), lexical.weights[held].tolist(), strict=True))


def _identified(stored: WordVectors, encoder: Encoder, text: str) -> WordVectors:
    """The stored vectors with the word ids that the index left out: they lie in the order of the text's."""
    encoded = by_word_id(encoder.encode_documents([text]))
    return replace(stored, word_ids=encoded.word_ids) if len(encoded.vectors) == len(stored.vectors) else stored


def _same_words(query: WordVectors, document: WordVectors) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (query.word_ids[:, None] == document.word_ids) & (document.word_ids > 0)
    return same


def best_matches(
    similarities: NDArray[np.float32], same: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each query word its best document word (−1: none), int64 `[n]`, and their product, float64 `[n]`.

    Args:
        similarities: `[n, m]`, of all pairs.
        same: Where given, only these pairs meet, and none adds less than 0.
    """
    found = similarities.astype(np.float64)
    if same is not None:
        found = np.maximum(np.where(same, found, 0), 0)
    if not found.shape[1]:
        return np.full(len(found), -1, np.int64), np.zeros(len(found))
    best = found.argmax(axis=1)
    products = np.take_along_axis(found, best[:, None], axis=1)[:, 0]
    met = np.ones(len(found), np.bool_) if same is None else products > 0
    return np.where(met, best, -1), products


Aligned = list[tuple[TextWord, int | None]]


def _document(
    encoder: Encoder, text: str | None, stored: WordVectors, names: dict[int, str]
) -> tuple[Aligned, int | None, str | None]:
    """The document's words with their rows, the end of what was read, and what can't be told."""
    reading = None if text is None else read(encoder, text, "document")
    if reading is not None and _fits(reading, stored.word_ids):
        return _aligned(reading.words, stored.word_ids, names), reading.end, None
    reason = "was not stored" if reading is None else "is not the one that was encoded"
    note = f"The text of this document {reason}, so only words of the query can be named."
    return _aligned([], stored.word_ids, names), None, note


def _fits(reading: Reading, word_ids: NDArray[np.uint32]) -> bool:
    known = {word.word_id for word in reading.words}
    specials = sum(not word.word_id for word in reading.words)
    return set(word_ids.tolist()) <= known | {0} and int(np.count_nonzero(word_ids == 0)) <= specials


def _aligned(words: list[TextWord], word_ids: NDArray[np.uint32], names: dict[int, str]) -> Aligned:
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


def _summaries_product(query: WordVectors, document: WordVectors) -> float:
    if query.summary is None or document.summary is None:
        return 0.0
    return float(query.summary[0].astype(np.float64) @ document.summary[0].astype(np.float64))
