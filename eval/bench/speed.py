"""Where the time goes: every stage of indexing and of search, its arithmetic and traffic, and the machine's peak."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.encodings import FittedEncoding
from wordhive.index.storage.parameters import Parameters
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import fitting_config, new_index
from wordhive.retrieval.search.search_options import Candidates
from wordhive.retrieval.search.stage_times import StageTimes
from wordhive.retrieval.searcher import Searcher

from ..collections.collection import Collection
from ..measuring.latency import Percentiles, latency, percentiles, timed
from ..measuring.machine_peak import MachinePeak, machine_peak
from ..measuring.transformer_time import transformer_time
from .updates import overlap

_K = 10
_TOKENISED = 32


@dataclass(frozen=True)
class Cost:
    """A stage's seconds, and where they are known its arithmetic operations and the bytes that it reads."""

    stage: str
    seconds: float
    operations: float | None = None
    bytes: float | None = None


@dataclass(frozen=True)
class SpeedBench:
    """What a collection's documents and queries cost.

    Attributes:
        fitting: Seconds that parameters take once.
        indexing: Of all documents; a stage whose name begins with … is part of the one above.
        padding: Share of the transformer's tokens that are none.
        building: Seconds of a whole index of the vectors, fitting included.
        searching: Stage → p50, p95, p99 in milliseconds of single queries.
        scanned, decoded: Bytes that a query's first and second stage read.
        top: Share of the exact top 10 that is found.
    """

    collection: str
    encoder: str
    n_documents: int
    n_queries: int
    n_words: int
    candidates: int
    peak: MachinePeak
    fitting: float
    indexing: list[Cost]
    padding: float
    building: float
    searching: dict[str, Percentiles]
    scanned: int
    decoded: int
    top: float

    @property
    def text_ratio(self) -> float:
        """Seconds from text to disk over the transformer's own."""
        whole = sum(cost.seconds for cost in self.indexing if not cost.stage.startswith("…"))
        return whole / _seconds(self.indexing, "… transformer")

    @property
    def query_ratio(self) -> float:
        """Milliseconds of a whole query over the transformer's own, in the median."""
        return self.searching["total"]["p50"] / self.searching["… transformer"]["p50"]


def bench(
    collection: Collection,
    encoder: Encoder,
    *,
    config: str | Path | None = None,
    documents: int | None = None,
    queries: int | None = None,
    candidates: int = 1000,
    device: str = "cpu",
) -> SpeedBench:
    """Index the first documents in a temporary folder and search them, and time every stage by itself.

    Args:
        device: Where the index is, "cpu" or "cuda"; the encoder is where it is.
    """
    held, reading = timed(lambda: list(islice(collection.documents(), documents)))
    texts = [document.text for document in held]
    asked = list(collection.queries.values())[:queries]
    encoder.encode_documents(texts[:_TOKENISED])  # what is compiled or fetched once
    _, tokenising = timed(lambda: _tokenise(encoder, texts))
    with transformer_time(encoder) as own:
        vectors, encoding = timed(lambda: encoder.encode_documents(texts))
    indexing = [
        Cost("read", reading),
        Cost("encode", encoding),
        Cost("… tokenise, by itself", tokenising),
        Cost("… transformer", own.seconds, own.operations),
    ]
    temporary = Path(tempfile.mkdtemp(prefix="wordhive-"))
    try:
        setting = fitting_config(config, encoder)
        stages, fitting, built = _stages(temporary, setting, encoder, vectors, [d.id for d in held], texts, device)
        index = Index.open(temporary / "speed.hive", device=device)
        searching, top = _searched(Searcher(index, encoder), asked, candidates)
        sizes = index.info().bytes
        index.close()
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return SpeedBench(
        collection=collection.name,
        encoder=str(encoder.stamp),
        n_documents=len(held),
        n_queries=len(asked),
        n_words=len(vectors.vectors),
        candidates=candidates,
        peak=machine_peak(device),
        fitting=fitting,
        indexing=[*indexing, *stages],
        padding=1 - own.tokens / max(own.padded, 1),
        building=built,
        searching=searching,
        scanned=sizes["candidates"],
        decoded=sizes["words"] * min(candidates, len(held)) // max(len(held), 1),
        top=top,
    )


def _tokenise(encoder: Encoder, texts: Sequence[str]) -> None:
    order = sorted(texts, key=len, reverse=True)
    for first in range(0, len(order), _TOKENISED):
        encoder.preprocess(order[first : first + _TOKENISED], "document")


def _stages(
    folder: Path,
    config: IndexConfig,
    encoder: Encoder,
    vectors: WordVectors,
    ids: list[str],
    texts: list[str],
    device: str,
) -> tuple[list[Cost], float, float]:
    """The stages of a commit that fits nothing; the seconds of fitting; those of a whole index, both together."""
    index = new_index(folder / "speed.hive", config, encoder, device=device)
    _, built = timed(lambda: index.add(ids, vectors, texts))
    others: list[str] = []
    while True:
        generations, again = len(index.snapshot().generations), [f"{len(others)} {id}" for id in ids]
        _, commit = timed(lambda again=again: index.add(again, vectors, texts))  # type: ignore[misc]
        others += again
        if len(index.snapshot().generations) == generations:
            break
        built = commit  # only now there were enough documents to fit to
    index.delete(others)
    index.compact()
    parameters = _parameters(index)
    index.close()
    codes, coding = timed(lambda: parameters.words.encode(vectors.vectors))
    costs = [Cost("… word codes", coding, bytes=vectors.vectors.nbytes + codes.nbytes)]
    if vectors.summary is not None and parameters.summaries is not None:
        summaries = vectors.summary
        codec = parameters.summaries
        costs.append(Cost("… summary codes", timed(lambda: codec.encode(summaries))[1], bytes=summaries.nbytes))
    encoding, candidates = parameters.encoding, parameters.empty_candidates(len(vectors))
    if encoding is not None and candidates is not None:
        encoded, seconds = timed(lambda: encoding.encode_documents(vectors, device))
        costs.append(Cost("… first-stage vectors", seconds, _operations(encoding.words, vectors)))
        costs.append(Cost("… FAISS", timed(lambda: candidates.add(encoded))[1], bytes=encoded.nbytes))
    return [Cost("commit", commit), *costs], max(built - commit, 0.0), built


def _operations(encoding: Any, vectors: WordVectors) -> float | None:
    if not isinstance(encoding, FittedEncoding):
        return None
    products = 2.0 * len(vectors.vectors) * vectors.dim * len(encoding.words)
    return products + 2.0 * len(vectors) * encoding.solution.size


def _parameters(index: Index) -> Parameters:
    now = index.snapshot()
    return now.parameters(max(now.generations))


def _searched(searcher: Searcher, texts: list[str], candidates: int) -> tuple[dict[str, Percentiles], float]:
    """Milliseconds of single searches, and the share of the exact top 10 that they find."""
    encoder, encoding = searcher.encoder, _parameters(searcher.index).encoding
    assert encoder is not None
    scored: Candidates = "all" if encoding is None else candidates
    in_transformer: list[float] = []

    def search(text: str, times: StageTimes) -> None:
        # Within the search whose total is timed: on a busy machine another one may be faster than its transformer.
        with transformer_time(encoder) as transformer:
            searcher.search(text, _K, candidates=scored, times=times)
        in_transformer.append(transformer.seconds * 1000)

    milliseconds = latency(texts, search)
    milliseconds["… transformer"] = percentiles(in_transformer[-len(texts) :])
    queries = encoder.encode_queries(texts)
    if encoding is not None:
        each = [queries[i : i + 1] for i in range(len(queries))]
        seconds = [timed(lambda one=one: encoding.encode_queries(one))[1] for one in each]  # type: ignore[misc]
        milliseconds["… first-stage vector"] = percentiles([1000 * value for value in seconds])
    exact = searcher.search_vectors(queries, _K, candidates="all")
    return milliseconds, overlap(searcher.search_vectors(queries, _K, candidates=scored), exact)


def _seconds(costs: Sequence[Cost], stage: str) -> float:
    return next(cost.seconds for cost in costs if cost.stage == stage)
