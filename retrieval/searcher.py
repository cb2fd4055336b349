"""`Searcher`: candidates by one vector a document, then exact late interaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, overload

import numpy as np
from numpy.typing import NDArray

from wordhive.index import Index, InputError, WordVectors
from wordhive.index.arguments import instance, is_iterable, shown, whole_number
from wordhive.index.encodings.pseudo_queries import pseudo_queries
from wordhive.index.filters.conditions import Where
from wordhive.index.reading.snapshot import Snapshot
from wordhive.index.scoring.ball_carving import carve
from wordhive.index.scoring.scores import Scores
from wordhive.index.storage.settings import IndexSettings

from .encoder import Encoder
from .explanation import Explanation, explain
from .query_cache import QueryCache

DEFAULT_CANDIDATES = 1000
# What a search is warmed up with: a query as long as most, or words of some documents.
_WARM_UP = "how do bees tell each other where flowers are"
_WORDS = 9
_SAMPLE = 16

Candidates = int | Literal["all"]


@dataclass(frozen=True)
class Hit:
    """A document that was found: score = words_score + summary_score, the shares of the two parts."""

    id: str
    score: float
    words_score: float
    summary_score: float
    text: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    # No field: where a hit came from is no part of its value, its repr or its JSON, and does not travel.
    _query: ClassVar[SearchedQuery | None] = None

    def explain(self) -> Explanation:
        """Which query word met which document word, and for how much of the score.

        The numbers are those of the query's own words, whatever `carving` the search was given.
        Raises InputError for a hit that was found by vectors, or that was copied or pickled.
        """
        if self._query is None:
            raise InputError(
                f"the hit {self.id!r} has no query text (it was found by vectors, or copied); "
                "search with text, or ask Searcher.explain(query, id)"
            )
        asked = self._query
        return explain(asked.index, asked.encoder, asked.query, asked.vectors, self.id)

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True)
class SearchedQuery:
    """What a hit was found with."""

    index: Index
    encoder: Encoder
    query: str
    vectors: WordVectors


class Searcher:
    """Searches an index with texts, or with vectors made elsewhere (then it needs no encoder).

    remember: so many different queries, the last ones, are encoded once; their vectors are kept in memory.
    Raises InputError when the encoder is not the one that made the index.
    """

    def __init__(self, index: Index, encoder: Encoder | None = None, *, remember: int = 0) -> None:
        instance(index, "index", Index, "an Index: Index.open(path)")
        if encoder is not None:
            instance(encoder, "encoder", Encoder, "an Encoder: Encoder.load(name)")
        self.index = index
        self.encoder = encoder
        self._queries = None if encoder is None else QueryCache(encoder, remember)
        self._checked: IndexSettings | None = None
        self.check_encoder()

    def check_encoder(self) -> None:
        """Raise InputError when the encoder is not the one that made the index, which a reload may have exchanged."""
        encoder, settings = self.encoder, self.index.settings
        if encoder is None or settings is self._checked:
            return
        if settings.encoder is not None and settings.encoder.fingerprint != encoder.fingerprint:
            raise InputError(
                f"{self.index.path} was made by the model {settings.encoder}, not by {encoder.stamp}; "
                "search with that model, or index the documents again with this one"
            )
        if settings.exact_match != encoder.exact_match:
            kinds = ("identical words only", "all words")
            theirs, ours = kinds if settings.exact_match else kinds[::-1]
            raise InputError(
                f"{self.index.path} matches {theirs}, the model {encoder.stamp} {ours}; "
                "search with the model that it was made for, or index the documents again with this one"
            )
        self._checked = settings

    @overload
    def search(
        self,
        queries: str,
        k: int = 10,
        *,
        candidates: Candidates | None = None,
        where: Where | None = None,
        carving: float | None = None,
    ) -> list[Hit]: ...
    @overload
    def search(
        self,
        queries: list[str],
        k: int = 10,
        *,
        candidates: Candidates | None = None,
        where: Where | None = None,
        carving: float | None = None,
    ) -> list[list[Hit]]: ...
    def search(
        self,
        queries: str | list[str],
        k: int = 10,
        *,
        candidates: Candidates | None = None,
        where: Where | None = None,
        carving: float | None = None,
    ) -> list[Hit] | list[list[Hit]]:
        """The k best documents of one query, or of each of several.

        candidates: documents that the second stage scores, or "all" of them (exact); None: what the index was tuned to,
        1000, or all where it has no first stage. Ties go to the smaller id.
        where: a filter, such as {"year": {"$gte": 2000}}: only documents that it lets through are looked for, and k of
        them are found where there are k.
        carving: query words with this inner product or more are scored as one, which is faster and never gives more
        than their exact score; None: every word by itself. The first stage sees all words either way. Where only
        identical words match there is nothing to join, and carving is an InputError.
        """
        encoder = self._encoder("search with vectors: search_vectors()")
        if isinstance(queries, (bytes, Mapping)) or not is_iterable(queries):
            raise InputError(f"the query is {type(queries).__name__}; expected a string, or a list of strings")
        texts = [queries] if isinstance(queries, str) else list(queries)
        vectors = self._encode(texts)
        found = self.search_vectors(vectors, k, candidates=candidates, where=where, carving=carving)
        for place, (text, hits) in enumerate(zip(texts, found, strict=True)):
            asked = SearchedQuery(self.index, encoder, text, vectors[place : place + 1])
            for hit in hits:
                object.__setattr__(hit, "_query", asked)
        return found[0] if isinstance(queries, str) else found

    def search_vectors(
        self,
        queries: WordVectors | Sequence[Any],
        k: int = 10,
        *,
        candidates: Candidates | None = None,
        where: Where | None = None,
        carving: float | None = None,
    ) -> list[list[Hit]]:
        """The k best documents of each query given as vectors: `WordVectors`, or one `[n_i, dim]` array each.

        Other arguments are those of `search`.
        """
        now = self.index.snapshot()
        vectors = queries if isinstance(queries, WordVectors) else WordVectors.from_list(queries, dim=now.dim or None)
        if carving is not None and now.settings.exact_match:
            raise InputError(
                f"carving is {shown(carving)}, but {self.index.path} matches identical words only, and words that "
                "are joined are not identical; leave carving out"
            )
        k = whole_number(k, "k")
        if candidates is None:
            tuned = now.settings.candidates or DEFAULT_CANDIDATES
            candidates = "all" if now.settings.config.encoding is None else tuned
        scored = vectors if carving is None else carve(vectors, carving)
        n = (
            None
            if isinstance(candidates, str) and candidates == "all"
            else max(whole_number(candidates, "candidates", otherwise=", or 'all'"), k)
        )
        among = None if where is None else now.matching(where)
        if n is None or (among is not None and len(among) <= n):  # so few are all candidates
            return [self.fetch(best, k, now) for best in self.score_all(scored, k, now, among)]
        rows = now.find_candidates(vectors, n, among)
        return [self.fetch(now.score(scored[i : i + 1], found), k, now) for i, found in enumerate(rows)]

    def explain(self, query: str, id: str) -> Explanation:
        """Which query word meets which word of the document with that id, and for how much of the score.

        Raises InputError for an empty query, an id that the index does not hold, and without an encoder.
        """
        encoder = self._encoder("see what search_vectors() found")
        if not isinstance(query, str) or not query.strip():
            raise InputError(f"the query is {shown(query)}; expected a string with something in it, to be explained")
        return explain(self.index, encoder, query, self._encode([query]), id)

    def warm_up(self) -> None:
        """Search once through all stages, so that the first user's query is as fast as later ones.

        Compiled kernels are loaded, all segments opened and their first stages packed, and the transformer has run.
        After documents were added or merged, by this process or another that it reloads from, it does so for new ones.
        """
        if self.encoder is not None:
            self.search_vectors(self.encoder.encode_queries([_WARM_UP]), 1)
        elif len(self.index):
            sample = self.index.snapshot().sample(_SAMPLE)
            self.search_vectors(pseudo_queries(sample, 1, _WORDS, 0, self.index.settings.query_length), 1)

    def _encode(self, texts: list[str]) -> WordVectors:
        assert self._queries is not None
        self.check_encoder()
        return self._queries.encode(texts)

    def _encoder(self, otherwise: str) -> Encoder:
        if self.encoder is None:
            raise InputError(f"this searcher has no encoder; give it one, or {otherwise}")
        return self.encoder

    def score_all(
        self, queries: WordVectors, k: int, now: Snapshot | None = None, rows: NDArray[np.int64] | None = None
    ) -> list[Scores]:
        """Exact scores of at least the k best documents of each query, ties at the border included.

        now: what of the index is searched; None: what it holds now. rows: of these documents only, ascending.
        """
        now, k = self.index.snapshot() if now is None else now, whole_number(k, "k")
        instance(now, "now", Snapshot, "a Snapshot: index.snapshot()")
        now.check_query(queries)
        best: list[Scores | None] = [None] * len(queries)
        for block in now.score_all(queries, rows):
            for i, scores in enumerate(block):
                held = best[i]
                joined = scores if held is None else Scores.concat([held, scores])
                best[i] = joined.take(_at_least(joined.total, k))
        return [scores if scores is not None else Scores.concat([]) for scores in best]

    def fetch(self, scores: Scores, k: int, now: Snapshot | None = None) -> list[Hit]:
        """The hits of the k best scores, with their documents. now: where the scores are from; None: the index."""
        best = scores.take(_at_least(scores.total, k))
        stored = (self.index.snapshot() if now is None else now).documents(best.rows.tolist())
        hits = []
        for row, words, summary in zip(best.rows.tolist(), best.words, best.summary, strict=True):
            found = stored[row]
            hits.append(
                Hit(found.id, float(words + summary), float(words), float(summary), found.text, found.attributes)
            )
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))[:k]


def _at_least(total: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Where the k best are, and all that tie with the last of them."""
    if len(total) <= k:
        return np.arange(len(total))
    border = np.partition(total, len(total) - k)[len(total) - k]
    return np.flatnonzero(total >= border)
