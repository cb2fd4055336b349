"""Codecs side by side: what they cost in bytes and time, and what that does to a ranking.

Every document is scored, so that nothing but the codec makes a difference (the uniform test bed that Zhang et al.,
2023, ask of the compression of embeddings).
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from wordhive.index import WordVectors
from wordhive.index.codecs import Codec, train_codec
from wordhive.index.config_file import ConfigPart, parse, read_yaml
from wordhive.index.storage.training import codec_sample
from wordhive.index.vectors.ragged import ragged_rows
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.shards import read_shards

from ..encoded import first_documents
from ..exact_scores import score, shares
from ..measuring.latency import timed
from ..result_cache import read_result, result_path, write_result
from ..runs import ranking
from ..svg.front import front
from .encoded_collection import BenchResults, EncodedCollection

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

    Attributes:
        bytes_per_vector: Of a word.
        bytes_per_document: Its words and its summary.
        overlap: Share of the top 10 without compression in the top 10 with it.
        error: Of words, squared, as a share of their square.
        words_per_second: Decoded, all in a row.
        documents_per_second: Gathered, decoded and scored, 1000 at a time, for one query, median. seconds_training
            and words_per_second_encoded: of words and summaries.
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
class CodecBench(BenchResults):
    """Codecs measured on a collection."""

    codecs: list[MeasuredCodec]

    @property
    def front(self) -> list[MeasuredCodec]:
        """Those that no smaller one equals in overlap, smallest first."""
        return self.front_by(lambda codec: codec.overlap)

    def front_by(self, value: Callable[[MeasuredCodec], float]) -> list[MeasuredCodec]:
        """Those that no smaller one equals in some value, smallest first."""
        return front(self.codecs, lambda codec: codec.bytes_per_document, value)


def default_codecs() -> Path:
    """The grid that comes with wordhive."""
    return Path(str(importlib.resources.files("wordhive.configs"))) / "bench" / "codecs.yaml"


class _Grid(ConfigPart):
    words: Annotated[list[str], Field(min_length=1)]
    summaries: Annotated[list[str], Field(min_length=1)]


def load_codecs(path: Path) -> list[CodecPair]:
    """The pairs of a grid file: each of its `words` with each of its `summaries`.

    Raises:
        InputError: A file that holds anything else.
    """
    grid = parse(_Grid, read_yaml(path), str(path))
    return [CodecPair(words, summaries) for summaries in grid.summaries for words in grid.words]


def bench(
    pairs: Sequence[CodecPair],
    measured_on: EncodedCollection,
    on_measured: Callable[[MeasuredCodec], None] = lambda measured: None,
) -> CodecBench:
    """Measure codecs on a collection; `on_measured` is called with every result.

    Raises:
        InputError: A codec that can't be trained.
    """
    results = []
    for pair in pairs:
        path = result_path(measured_on.folder, f"codec.{pair.words}.{pair.summaries}")
        earlier = read_result(path, measured_on.made_for)
        if earlier is None or set(earlier) != set(MeasuredCodec.__dataclass_fields__):
            measured = _Measurement(pair, measured_on).run()
            write_result(path, asdict(measured), measured_on.made_for)
        else:
            measured = MeasuredCodec(**earlier)
        results.append(measured)
        on_measured(measured)
    return CodecBench(**measured_on.facts(), codecs=results)


class _Measurement:
    def __init__(self, pair: CodecPair, measured_on: EncodedCollection) -> None:
        sample = first_documents(measured_on.shards, measured_on.fitted_to)
        self._pair, self._measured_on = pair, measured_on
        self._words, seconds = timed(lambda: train_codec(pair.words, codec_sample(pair.words, sample)))
        self._summaries: Codec | None = None
        self._training = seconds
        summaries = sample.summary
        if summaries is not None:
            self._summaries, seconds = timed(lambda: train_codec(pair.summaries, summaries))
            self._training += seconds

    def run(self) -> MeasuredCodec:
        truth = self._measured_on.truth
        n_documents, n_words, lost, whole, encoding, decoding = 0, 0, 0.0, 0.0, 0.0, 0.0
        best: list[dict[str, float]] = [{} for _ in truth.names]
        speed = 0.0
        limit = len(truth.exact.ids)
        with progress_bar(f"{self._pair.words}, {self._pair.summaries}", limit) as advance:
            for _, documents in read_shards(self._measured_on.shards):
                part = documents[: limit - n_documents]
                if not len(part):
                    break
                codes, taken = timed(lambda part=part: self._encode(part))  # type: ignore[misc]
                encoding += taken
                self._words.decode(codes[0][:1])  # compiled before it is timed
                vectors, taken = timed(lambda codes=codes: self._words.decode(codes[0]))  # type: ignore[misc]
                decoding += taken
                decoded = replace(part, vectors=vectors, summary=self._decode_summaries(codes[1]))
                scores = self._score(self._measured_on.queries, decoded)
                rows = np.arange(n_documents, n_documents + len(part))
                for i, before in enumerate(best):
                    best[i] = _merged(before, ranking(rows, scores[i], truth.exact.ids, _TOP))
                lost += float(np.square(vectors - part.vectors).sum())
                whole += float(np.square(part.vectors).sum())
                if n_documents == 0:
                    speed = self._documents_per_second(part, codes)
                n_documents += len(part)
                n_words += len(part.vectors)
                advance(len(part))
        numbers = {id: row for row, id in truth.exact.ids.items()}
        top_rows = [np.array([numbers[id] for id in top], np.int64) for top in best]
        sizes = self._words.code_size * n_words / n_documents
        return MeasuredCodec(
            words=self._pair.words,
            summaries=self._pair.summaries,
            bytes_per_vector=self._words.code_size,
            bytes_per_document=round(sizes + (self._summaries.code_size if self._summaries else 0), 1),
            ndcg=truth.ndcg_of(best),
            overlap=shares(truth.best[_TOP], top_rows, _TOP),
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
        self, documents: WordVectors, codes: tuple[NDArray[np.uint8], NDArray[np.uint8] | None]
    ) -> float:
        """Of documents drawn from all, as a first stage leaves them."""
        n = min(_RERANKED, len(documents))
        chosen = np.sort(np.random.default_rng(0).permutation(len(documents))[:n])

        def rerank(query: WordVectors) -> NDArray[np.float32]:
            places, offsets = ragged_rows(documents.offsets, chosen)
            summaries = self._decode_summaries(None if codes[1] is None else codes[1][chosen])
            words = self._words.decode(codes[0][places])
            decoded = WordVectors(words, offsets, documents.word_ids[places], summaries)
            return self._score(query, decoded)

        return n / self._measured_on.median_seconds(rerank, _TIMED_QUERIES)

    def _score(self, queries: WordVectors, documents: WordVectors) -> NDArray[np.float32]:
        return score(queries, documents, self._measured_on.summary_weight, self._measured_on.encoder.exact_match)


def _merged(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    """The best of two rankings, in the order of `ranking`."""
    pairs = sorted({**one, **other}.items(), key=lambda pair: (-pair[1], pair[0]))
    return dict(pairs[:_TOP])
