"""`Searcher`: one vector a document finds candidates, exact late interaction scores them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Unpack

from wordhive.index import Index, InputError, WordVectors
from wordhive.index.arguments import instance, is_iterable, real_number, shown, whole_number
from wordhive.index.encodings.pseudo_queries import of_length, pseudo_queries
from wordhive.index.lexical.lexical_queries import LexicalQueries
from wordhive.index.reading.snapshot import Snapshot
from wordhive.index.scoring.ball_carving import carve
from wordhive.index.scoring.scores import Scores
from wordhive.index.storage.settings import IndexSettings

from .encoder import Encoder
from .explaining.passages import Passage
from .explanation import Explanation, explain
from .hits import Hit as Hit
from .hits import Hits, SearchedQuery
from .search.query_cache import QueryCache
from .search.search_options import Candidates, SearchOptions, times_of
from .search.stage_times import StageTimes

DEFAULT_CANDIDATES = 1000
# A warm-up searches for a query of usual length, or for words of some documents.
_WARM_UP = "how do bees tell each other where flowers are"
_WORDS = 9
_SAMPLE = 16


class Searcher:
    """Searches an index with texts, or with vectors made elsewhere.

    Args:
        index: The index to search.
        encoder: The one that made the index. Needed for searches with text.
        cache_queries: Keep the vectors of so many queries, the last different ones, to encode each of them once.

    Raises:
        InputError: The encoder is not the one that made the index.
    """

    def __init__(self, index: Index, encoder: Encoder | None = None, *, cache_queries: int = 0) -> None:
        instance(index, "index", Index, "an Index: Index.open(path)")
        if encoder is not None:
            instance(encoder, "encoder", Encoder, "an Encoder: Encoder.load(name)")
        self.index = index
        self.encoder = encoder
        size = whole_number(cache_queries, "cache_queries", least=0, otherwise=", of queries")
        self._queries = None if encoder is None else QueryCache(encoder, size)
        self._checked: IndexSettings | None = None
        self.check_encoder()

    def check_encoder(self) -> None:
        """Raise InputError where the encoder is not the one that made the index. A reload may bring another index."""
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
    def search(self, queries: str, k: int = 10, **options: Unpack[SearchOptions]) -> Hits: ...
    @overload
    def search(self, queries: list[str], k: int = 10, **options: Unpack[SearchOptions]) -> list[Hits]: ...
    def search(self, queries: str | list[str], k: int = 10, **options: Unpack[SearchOptions]) -> Hits | list[Hits]:
        """The k best documents of one query, or of each of several. Ties go to the smaller id.

        Args:
            queries: One text, or a list of texts.
            k: How many documents.
            **options: `candidates`, `where`, `offset`, `score_threshold`, `carving`, `times`; see `SearchOptions`.
        """
        times = times_of(options)
        encoder = self._encoder("search with vectors: search_vectors()")
        if isinstance(queries, (bytes, Mapping)) or not is_iterable(queries):
            raise InputError(f"the query is {type(queries).__name__}; expected a string, or a list of strings")
        texts = [queries] if isinstance(queries, str) else list(queries)
        vectors = times.run("encode", self.encode, texts)
        results = self.search_vectors(vectors, k, **options)
        for number, (text, hits) in enumerate(zip(texts, results, strict=True)):
            query = SearchedQuery(self.index, encoder, text, vectors[number : number + 1])
            for hit in hits:
                hit.found_by(query)
        return results[0] if isinstance(queries, str) else results

    def search_vectors(
        self, queries: WordVectors | Sequence[Any], k: int = 10, **options: Unpack[SearchOptions]
    ) -> list[Hits]:
        """The k best documents of each query, given as vectors. Ties go to the smaller id.

        Args:
            queries: `WordVectors`, or one `[n_i, dim]` array a query.
            k: How many documents.
            **options: `candidates`, `where`, `offset`, `score_threshold`, `carving`, `times`; see `SearchOptions`.
        """
        times, snapshot = times_of(options), self.index.snapshot()
        if not isinstance(queries, WordVectors):
            queries = WordVectors.from_list(queries, dim=snapshot.dim or None)
        carving, where = options.get("carving"), options.get("where")
        if carving is not None and snapshot.settings.exact_match:
            raise InputError(
                f"carving is {shown(carving)}, but {self.index.path} matches identical words only, and words that "
                "are joined are not identical; leave carving out"
            )
        page = _page(k, options)
        n = _number_of_candidates(options.get("candidates"), page.last, snapshot.settings)
        scored = queries if carving is None else times.run("rerank", carve, queries, carving)
        rows = None if where is None else times.run("filter", snapshot.matching, where)
        found: Iterable[Scores]
        if n is None or (rows is not None and len(rows) <= n):  # so few are all candidates
            lexical = snapshot.lexical(queries)  # of all words: carving joins some
            found = times.run("rerank", self.score_all, scored, page.last, snapshot, rows, lexical=lexical)
        else:
            found = self.score_candidates(queries, n, snapshot, rows, scored=scored, times=times, most=page.last)
        return [times.run("fetch", self._fetch, scores, page, snapshot) for scores in found]

    def score_all(
        self,
        queries: WordVectors,
        k: int,
        snapshot: Snapshot | None = None,
        rows: NDArray[np.int64] | None = None,
        *,
        lexical: LexicalQueries | None = None,
    ) -> list[Scores]:
        """Exact scores of the k best documents of each query, and of all that tie with the last of them.

        Args:
            queries: The queries' vectors.
            k: How many documents.
            snapshot: The documents to search. Default: what the index holds now.
            rows: Search only these rows, in ascending order. Default: all.
            lexical: What words of the queries add. Default: as the snapshot says of `queries`.
        """
        snapshot, k = self._snapshot(snapshot), whole_number(k, "k")
        snapshot.check_query(queries)
        best: list[Scores | None] = [None] * len(queries)
        for block in snapshot.score_all(queries, rows, lexical=lexical, most=k):
            for i, scores in enumerate(block):
                before = best[i]
                joined = scores if before is None else Scores.concat([before, scores])
                best[i] = joined.take(_at_least(joined.total, k))
        return [scores if scores is not None else Scores.concat([]) for scores in best]

    def score_candidates(
        self,
        queries: WordVectors,
        n: int,
        snapshot: Snapshot | None = None,
        rows: NDArray[np.int64] | None = None,
        *,
        scored: WordVectors | None = None,
        times: StageTimes | None = None,
        most: int | None = None,
    ) -> Iterator[Scores]:
        """Exact scores of the n candidates of each query, one query after the other.

        Args:
            queries: The queries' vectors, which find candidates.
            n: How many candidates the first stage finds.
            snapshot: The documents to search. Default: what the index holds now.
            rows: Search only these rows, in ascending order. Default: all.
            scored: The vectors that score the candidates, such as carved ones. Default: `queries`.
            times: Gets the seconds of both stages.
            most: Candidates that can't be among so many best may be left out. Default: none is.
        """
        snapshot, times = self._snapshot(snapshot), times or StageTimes()
        scored = queries if scored is None else scored
        lexical = snapshot.lexical(queries)
        found = times.run("candidates", snapshot.find_candidates, queries, n, rows, lexical=lexical)
        for i, candidates in enumerate(found):
            own = None if lexical is None else lexical[i : i + 1]
            yield times.run("rerank", snapshot.score, scored[i : i + 1], candidates, lexical=own, most=most)

    def fetch(self, scores: Scores, k: int, snapshot: Snapshot | None = None) -> Hits:
        """The k best of one query's scores as hits, with their documents.

        Args:
            scores: One query's, as `score_all` gives them.
            k: How many hits.
            snapshot: The one that gave the scores. Default: what the index holds now.
        """
        return self._fetch(scores, _Page(0, k, None), self._snapshot(snapshot))

    def _fetch(self, scores: Scores, page: _Page, snapshot: Snapshot) -> Hits:
        best, passed = page.of(scores)
        documents = snapshot.documents(best.rows.tolist())
        hits = []
        for row, score, *parts in zip(
            best.rows.tolist(), best.total.tolist(), best.words, best.summary, best.lexical, strict=True
        ):
            document, (words, summary, lexical) = documents[row], map(float, parts)
            hits.append(Hit(document.id, score, words, summary, document.text, document.attributes, lexical))
        hits.sort(key=lambda hit: (-hit.score, hit.id))
        return Hits(hits[page.first - passed : page.last - passed])

    def _snapshot(self, snapshot: Snapshot | None) -> Snapshot:
        if snapshot is None:
            return self.index.snapshot()
        instance(snapshot, "snapshot", Snapshot, "a Snapshot: index.snapshot()")
        return snapshot

    def explain(self, query: str, id: str) -> Explanation:
        """Which query word meets which word of a document, and how much each pair adds to the score.

        Args:
            query: The query's text.
            id: The document's id.

        Raises:
            InputError: The query is empty, the index holds no such document, or the searcher has no encoder.
        """
        encoder = self._encoder("see what search_vectors() found")
        if not isinstance(query, str) or not query.strip():
            raise InputError(f"the query is {shown(query)}; expected a string with something in it, to be explained")
        return explain(self.index, encoder, query, self.encode([query]), id)

    def more_like(self, id: str, k: int = 10, **options: Unpack[SearchOptions]) -> Hits:
        """The k documents that are most like one of the index; see `Retriever.more_like`."""
        now = self.index.snapshot()
        row = now.rows([id]).get(id) if isinstance(id, str) else None
        if row is None:
            raise InputError(f"{self.index.path} holds no document {shown(id)}; give an id as a search returns it")
        page = _page(k, options)
        options["offset"] = 0  # the document itself may be among those that are passed over
        text = None if self.encoder is None else now.documents([row])[row].text
        if text is not None:
            hits = self.search(text, page.last + 1, **options)
        else:
            query = of_length(now.vectors(np.array([row])), self.index.settings.query_length)
            [hits] = self.search_vectors(query, page.last + 1, **options)
        return Hits([hit for hit in hits if hit.id != id][page.first : page.last])

    def passages(self, query: str, id: str, n: int = 3) -> list[Passage]:
        """The parts of a document that carry its score for a query, the best first.

        Args:
            query: The query's text.
            id: The document's id.
            n: How many, at most.

        Raises:
            InputError: The query is empty, the index holds no such document or keeps no texts, or the searcher has no
                encoder.
        """
        encoder = self._encoder("see what search_vectors() found")
        if not isinstance(query, str) or not query.strip():
            raise InputError(f"the query is {shown(query)}; expected a string with something in it, to find passages")
        return SearchedQuery(self.index, encoder, query, self.encode([query])).passages(Hit(id, 0.0, 0.0, 0.0), n)

    def warm_up(self) -> None:
        """Search once, so that the first user's query is as fast as later ones.

        The search loads compiled kernels, opens all segments, packs their first stages and runs the transformer. Call
        it again after documents were added or merged: their segments are new.
        """
        if self.encoder is not None:
            self.search_vectors(self.encoder.encode_queries([_WARM_UP]), 1)
        elif len(self.index):
            sample = self.index.snapshot().sample(_SAMPLE)
            self.search_vectors(pseudo_queries(sample, 1, _WORDS, 0, self.index.settings.query_length), 1)

    def encode(self, texts: list[str]) -> WordVectors:
        """The vectors of queries, from the cache where they are in it."""
        self._encoder("it can't read texts")
        assert self._queries is not None
        self.check_encoder()
        return self._queries.encode(texts)

    def _encoder(self, otherwise: str) -> Encoder:
        if self.encoder is None:
            raise InputError(f"this searcher has no encoder; give it one, or {otherwise}")
        return self.encoder


@dataclass(frozen=True)
class _Page:
    """The hits from number `first` to before `last`, of those with at least a score."""

    first: int
    last: int
    threshold: float | None

    def of(self, scores: Scores) -> tuple[Scores, int]:
        """The scores of the page and of all that tie with its ends, and how many better ones are left out."""
        if self.threshold is not None:
            scores = scores.take(np.flatnonzero(scores.total.astype(np.float64) >= self.threshold))
        best = scores.take(_at_least(scores.total, self.last))
        if not self.first:
            return best, 0
        if len(best.rows) <= self.first:
            return best.take(np.zeros(0, np.int64)), self.first
        total = best.total
        border = np.partition(total, len(total) - 1 - self.first)[len(total) - 1 - self.first]
        kept = np.flatnonzero(total <= border)
        return best.take(kept), len(total) - len(kept)


def _page(k: int, options: SearchOptions) -> _Page:
    k, offset, threshold = whole_number(k, "k"), options.get("offset"), options.get("score_threshold")
    first = 0 if offset is None else whole_number(offset, "offset", least=0, otherwise=", or None")
    if threshold is not None:
        threshold = real_number(threshold, "score_threshold", "a number, or None")
    return _Page(first, first + k, threshold)


def _number_of_candidates(candidates: Candidates | None, k: int, settings: IndexSettings) -> int | None:
    """How many candidates a search takes; None: all documents."""
    if candidates is None:
        candidates = "all" if settings.config.encoding is None else settings.candidates or DEFAULT_CANDIDATES
    if isinstance(candidates, str) and candidates == "all":
        return None
    return max(whole_number(candidates, "candidates", otherwise=", or 'all'"), k)


def _at_least(total: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The positions of the k best, and of all that tie with the last of them."""
    if len(total) <= k:
        return np.arange(len(total))
    border = np.partition(total, len(total) - k)[len(total) - k]
    return np.flatnonzero(total >= border)
