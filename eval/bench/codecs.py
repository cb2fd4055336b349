"""Codecs side by side: what they cost in bytes and time, and what that does to a ranking.

Every document is scored, so that nothing but the codec makes a difference (the uniform test bed that Zhang et al.,
2023, ask of the compression of embeddings).
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from wordhive.index import InputError, WordVectors
from wordhive.index.codecs import Codec, train_codec
from wordhive.index.storage.training import codec_sample
from wordhive.index.word_vectors import ragged_rows
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.retriever import DOCUMENTS_A_COMMIT
from wordhive.retrieval.shards import read_shards

from ..collections.collection import Collection
from ..encoded import encode, first_documents
from ..exact_scores import ExactScores, score, shares
from ..measuring.latency import timed
from ..result_cache import read_result, result_path, write_result
from ..runs import ranking
from .ground_truth import GroundTruth

_TOP = 10
# Documents that are reranked at once, and queries for which that is timed.
_RERANKED = 1000
_TIMED_QUERIES = 30


@dataclass(frozen=True)
class CodecPair:
    """The codecs of words and of summaries, as an index's configuration names them."""

    words: str
    summaries: str


@dataclass(frozen=True)
class MeasuredCodec:
    """What a pair of codecs does on a collection.

    bytes_per_vector: of a word. bytes_per_document: its words and its summary. overlap: share of the top 10 without
    compression in the top 10 with it. error: of words, squared, as a share of their square.
    words_per_second: decoded, all in a row. documents_per_second: gathered, decoded and scored, 1000 at a time, for one
    query, median. seconds_training and words_per_second_encoded: of words and summaries.
    """

    words: str
    summaries: str
    bytes_per_vector: int
    bytes_per_document: float
    ndcg: float
    overlap: float
    error: float
    words_per_second: float
    documents_per_second: float
    seconds_training: float
    words_per_second_encoded: float


@dataclass(frozen=True)
class CodecBench:
    """Codecs measured on a collection: on its first documents, with its first judged queries."""

    collection: str
    split: str
    n_documents: int
    n_queries: int
    fitted_to: int
    encoder: str
    summary_weight: float
    ndcg_exact: float
    codecs: list[MeasuredCodec]

    @property
    def front(self) -> list[MeasuredCodec]:
        """Those that no smaller one equals in overlap, smallest first."""
        return self.front_by(lambda codec: codec.overlap)

    def front_by(self, value: Callable[[MeasuredCodec], float]) -> list[MeasuredCodec]:
        """Those that no smaller one equals in some value, smallest first."""
        front: list[MeasuredCodec] = []
        for codec in sorted(self.codecs, key=lambda c: (c.bytes_per_document, -value(c))):
            if not front or value(codec) > value(front[-1]):
                front.append(codec)
        return front


def default_codecs() -> Path:
    """The grid that comes with wordhive."""
    return Path(str(importlib.resources.files("wordhive.configs"))) / "bench" / "codecs.yaml"


def load_codecs(path: Path) -> list[CodecPair]:
    """The pairs of a grid file: each of its `words` with each of its `summaries`.

    Raises InputError for a file that holds anything else.
    """
    try:
        grid = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"no grid file at {path}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(grid, dict) or set(grid) != {"words", "summaries"}:
        raise InputError(f"{path} is no grid of codecs; expected two lists, words and summaries")
    for name, codecs in grid.items():
        if not isinstance(codecs, list) or not codecs or not all(isinstance(codec, str) for codec in codecs):
            raise InputError(f"{path}: {name} is {codecs!r}; expected a list of codecs, such as [SQ8, Ternary256]")
    return [CodecPair(words, summaries) for summaries in grid["summaries"] for words in grid["words"]]


def bench(
    pairs: Sequence[CodecPair],
    collection: Collection,
    encoder: Encoder,
    folder: Path,
    *,
    shards: Path | None = None,
    n_queries: int | None = None,
    n_documents: int | None = None,
    fitted_to: int = DOCUMENTS_A_COMMIT,
    on_measured: Callable[[MeasuredCodec], None] = lambda found: None,
) -> CodecBench:
    """Measure codecs on a collection.

    folder: keeps the exact scores and every result, so that a run can be stopped and goes on where it was. shards: the
    encoded documents, in that folder unless given; written where they are not there. n_queries, n_documents: the first
    so many; None: all. fitted_to: documents that codecs are trained on. on_measured: called with every result.
    Raises InputError for shards of another model or of other documents, and for a codec that can't be trained.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shards = shards or folder / "shards"
    held = encode(collection, shards, encoder, n_documents)
    names = list(collection.queries)[:n_queries]
    queries = encoder.encode_queries([collection.queries[name] for name in names])
    weight, exact_match = encoder.summary_weight, encoder.exact_match
    exact = ExactScores.make(folder, shards, queries, weight, held, exact_match=exact_match)
    truth = GroundTruth(names, {name: collection.qrels[name] for name in names}, exact)
    fitted_to = min(fitted_to, held)
    found = []
    for pair in pairs:
        made_for = {**truth.stamp, "fitted_to": fitted_to}
        path = result_path(folder, f"codec.{pair.words}.{pair.summaries}")
        kept = read_result(path, made_for)
        if kept is None or set(kept) != set(MeasuredCodec.__dataclass_fields__):
            measured = _Measurement(pair, shards, fitted_to, weight, exact_match).run(queries, truth)
            write_result(path, asdict(measured), made_for)
        else:
            measured = MeasuredCodec(**kept)
        found.append(measured)
        on_measured(measured)
    return CodecBench(
        collection=collection.name,
        split=collection.split,
        n_documents=held,
        n_queries=len(names),
        fitted_to=fitted_to,
        encoder=str(encoder.stamp),
        summary_weight=weight,
        ndcg_exact=truth.ndcg([np.arange(held)] * len(names)),
        codecs=found,
    )


class _Measurement:
    def __init__(self, pair: CodecPair, shards: Path, fitted_to: int, weight: float, exact_match: bool) -> None:
        sample = first_documents(shards, fitted_to)
        self._pair, self._shards, self._weight, self._exact_match = pair, shards, weight, exact_match
        self._words, seconds = timed(lambda: train_codec(pair.words, codec_sample(pair.words, sample)))
        self._summaries: Codec | None = None
        self._training = seconds
        summaries = sample.summary
        if summaries is not None:
            self._summaries, seconds = timed(lambda: train_codec(pair.summaries, summaries))
            self._training += seconds

    def run(self, queries: WordVectors, truth: GroundTruth) -> MeasuredCodec:
        n_documents, n_words, lost, whole, encoding, decoding = 0, 0, 0.0, 0.0, 0.0, 0.0
        best: list[dict[str, float]] = [{} for _ in truth.names]
        speed = 0.0
        limit = len(truth.exact.ids)
        with progress_bar(f"{self._pair.words}, {self._pair.summaries}", limit) as advance:
            for _, documents in read_shards(self._shards):
                part = documents[: limit - n_documents]
                if not len(part):
                    break
                codes, taken = timed(lambda part=part: self._encode(part))  # type: ignore[misc]
                encoding += taken
                self._words.decode(codes[0][:1])  # compiled before it is timed
                vectors, taken = timed(lambda codes=codes: self._words.decode(codes[0]))  # type: ignore[misc]
                decoding += taken
                decoded = replace(part, vectors=vectors, summary=self._decode_summaries(codes[1]))
                scores = score(queries, decoded, self._weight, self._exact_match)
                rows = np.arange(n_documents, n_documents + len(part))
                for i, before in enumerate(best):
                    best[i] = _merged(before, ranking(rows, scores[i], truth.exact.ids, _TOP))
                lost += float(np.square(vectors - part.vectors).sum())
                whole += float(np.square(part.vectors).sum())
                if n_documents == 0:
                    speed = self._documents_per_second(queries, part, codes)
                n_documents += len(part)
                n_words += len(part.vectors)
                advance(len(part))
        numbers = {id: row for row, id in truth.exact.ids.items()}
        found = [np.array([numbers[id] for id in top], np.int64) for top in best]
        sizes = self._words.code_size * n_words / n_documents
        return MeasuredCodec(
            words=self._pair.words,
            summaries=self._pair.summaries,
            bytes_per_vector=self._words.code_size,
            bytes_per_document=round(sizes + (self._summaries.code_size if self._summaries else 0), 1),
            ndcg=truth.ndcg_of(best),
            overlap=shares(truth.best[_TOP], found, _TOP),
            error=round(lost / whole, 5) if whole else 0.0,
            words_per_second=round(n_words / decoding),
            documents_per_second=round(speed),
            seconds_training=round(self._training, 2),
            words_per_second_encoded=round(n_words / encoding),
        )

    def _encode(self, documents: WordVectors) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        words = self._words.encode(documents.vectors)
        if self._summaries is None or documents.summary is None:
            return words, None
        return words, self._summaries.encode(documents.summary)

    def _decode_summaries(self, codes: NDArray[np.uint8] | None) -> NDArray[np.float32] | None:
        return None if codes is None or self._summaries is None else self._summaries.decode(codes)

    def _documents_per_second(
        self, queries: WordVectors, documents: WordVectors, codes: tuple[NDArray[np.uint8], NDArray[np.uint8] | None]
    ) -> float:
        """Of documents drawn from all, as a first stage leaves them."""
        n = min(_RERANKED, len(documents))
        chosen = np.sort(np.random.default_rng(0).permutation(len(documents))[:n])

        def rerank(query: WordVectors) -> NDArray[np.float32]:
            places, offsets = ragged_rows(documents.offsets, chosen)
            summaries = self._decode_summaries(None if codes[1] is None else codes[1][chosen])
            words = self._words.decode(codes[0][places])
            decoded = WordVectors(words, offsets, documents.word_ids[places], summaries)
            return score(query, decoded, self._weight, self._exact_match)

        singles = [queries[i : i + 1] for i in range(min(len(queries), _TIMED_QUERIES))]
        return n / float(np.median([timed(lambda query=query: rerank(query))[1] for query in singles]))  # type: ignore[misc]


def _merged(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    """The best of two rankings, in the order of `ranking`."""
    pairs = sorted({**one, **other}.items(), key=lambda pair: (-pair[1], pair[0]))
    return dict(pairs[:_TOP])
