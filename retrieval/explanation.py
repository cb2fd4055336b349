"""Why a document has its score: which query word met which document word, and for how much.

A score is a sum over query words and the summary, so that every part of it can be told in words (ColBERTer section 3.2:
one vector for each whole word, which a user can read). The numbers are those of the search: they are computed from the
stored codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wordhive.index import Index, WordVectors
from wordhive.index.lexical.lexical_queries import LexicalQueries

from .encoder import Encoder
from .encoding_model import Span
from .explaining.alignment import aligned, document_words
from .explaining.scored_document import ScoredDocument, scored_document
from .pages import render
from .text_words import read


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
        window: The characters `[start, end)` of the best of several windows, which gives the score; None for a document
            of one window, and where that is not known.
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
    window: Span | None = None

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
        first, last = self.window or (0, len(text))
        at = 0
        # Pieces of one character share a span: the one that adds most stands for all.
        spans = [
            (*span, -word.score, place)
            for place, word in enumerate(self.words)
            for span in word.spans
            if first <= span[0] and span[1] <= last
        ]
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


def explain(
    index: Index, encoder: Encoder, query: str, vectors: WordVectors, id: str, *, encode: bool = True
) -> Explanation:
    """Why the document with that id has its score for a query.

    Args:
        vectors: The query's, as it was searched with.
        encode: Encode the text again where the index has no word ids. Without that, only words of the query are known.

    Raises:
        InputError: An id that the index does not hold.
    """
    return explain_document(encoder, query, vectors, id, scored_document(index, encoder, vectors, id, encode=encode))


def explain_document(
    encoder: Encoder, query: str, vectors: WordVectors, id: str, scored: ScoredDocument
) -> Explanation:
    """Why a document has its score for a query, both given as vectors.

    Args:
        encoder: The one that made them.
        query: The query's text.
        vectors: The query's.
        id: The document's.
        scored: The document beside the query.
    """
    stored, weight, text = scored.stored, scored.summary_weight, scored.text
    places, products, summary_product = scored.best_window()
    scores = products * (1 - weight)
    words_score, summary_score = float(scores.sum()), weight * summary_product
    has_lexical, exact = scored.lexical is not None, _exact_words(scored.lexical, stored.word_ids)
    lexical_score = sum(exact.values())
    score = words_score + summary_score + lexical_score

    def share(part: float) -> float:
        return 100 * part / score if score > 0 else 0.0

    asked = aligned(read(encoder, query, "query"), vectors.word_ids, {})
    names = {word.word_id: word.form for word, _ in asked if word.word_id}
    held, read_to, note = document_words(encoder, text, stored, names)
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
        lexical_score, share(lexical_score), has_lexical, scored.window_span(encoder),
    )  # fmt: skip


def _exact_words(lexical: LexicalQueries | None, word_ids: NDArray[np.uint32]) -> dict[int, float]:
    """What each word of the query adds that is among the document's, by its id."""
    if lexical is None:
        return {}
    held = np.isin(lexical.word_ids, word_ids)
    return dict(zip(lexical.word_ids[held].tolist(), lexical.weights[held].tolist(), strict=True))
