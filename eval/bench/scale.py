"""How an index grows: what it takes to build, open and search it at several sizes, with more documents than there are.

The documents are `Resampled`, written in commits of 2,048 as `wordhive index` writes shards, merges included.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wordhive.index import Index, InputError, WordVectors
from wordhive.index.faiss import faiss_library
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.retriever import fitting_config, new_index
from wordhive.retrieval.search.search_options import Candidates
from wordhive.retrieval.searcher import Searcher
from wordhive.retrieval.shards import DOCUMENTS_A_SHARD, check_model

from ..measuring.latency import search_latency, timed
from ..measuring.memory import own_memory
from ..measuring.own_process import in_own_process
from ..result_cache import read_result, result_path, write_result
from .resampled import Resampled
from .updates import overlap

_K = 10


@dataclass(frozen=True)
class Size:
    """An index of so many documents.

    Attributes:
        seconds: Of all commits up to here.
        bytes: By part.
        opened: Seconds to open it with its files in memory.
        opened_cold, answered_cold: With none of them, where the system lets go of files, and to the first answer.
        latency: Stage → p50, p95, p99 in milliseconds, of single queries given as vectors.
        queries_per_second: Of all queries in one call.
        memory: Bytes beyond mapped files that opening and searching took.
        overlap: Share of the top 10 of all documents scored that is found.
    """

    n_documents: int
    n_words: int
    seconds: float
    bytes: dict[str, int]
    opened: float
    opened_cold: float
    answered_cold: float
    latency: dict[str, dict[str, float]]
    queries_per_second: float
    memory: int | None
    overlap: float


def bench(
    queries: Sequence[str],
    shards: Path,
    encoder: Encoder,
    folder: Path,
    sizes: Sequence[int],
    *,
    config: str | Path | None = None,
    candidates: int = 1000,
    on_size: Callable[[Size], None] = lambda size: None,
) -> list[Size]:
    """Grow one index in `folder` through the given numbers of documents, and measure it at each.

    A stopped run goes on where it was.

    Raises:
        InputError: Shards of another model, and for an index there that was made with another configuration.
    """
    check_model(shards, encoder.stamp)
    asked = encoder.encode_queries(list(queries))
    path, fitting = folder / "scale.hive", fitting_config(config, encoder)
    how: Candidates = candidates if fitting.encoding is not None else "all"
    made_for = {
        "encoder": encoder.fingerprint, "config": fitting.model_dump(mode="json"), "candidates": how,
        "queries": len(queries),
    }  # fmt: skip
    measured = []
    for n in sorted(set(sizes)):
        kept = result_path(folder, f"{n} documents")
        values = read_result(kept, made_for)
        if values is None:
            seconds = _grown(path, shards, encoder, config, n)
            size = in_own_process(_measured, path, asked, how, seconds)
            values = asdict(size)
            write_result(kept, values, made_for)
        measured.append(Size(**values))
        on_size(measured[-1])
    return measured


def _grown(path: Path, shards: Path, encoder: Encoder, config: str | Path | None, n: int) -> float:
    """The seconds of all commits of the index at `path`, once it has n documents."""
    clock = path.with_name("seconds.json")
    if path.exists():
        index = Index.open(path)
        if index.settings.config != fitting_config(config, encoder) or index.settings.encoder != encoder.stamp:
            raise InputError(f"{path} was made with another configuration or model; choose another --report")
        seconds = float(json.loads(clock.read_text())) if clock.exists() else 0.0
    else:
        index = new_index(path, fitting_config(config, encoder), encoder)
        seconds = 0.0
    if len(index) > n:
        raise InputError(f"{path} has {len(index):,} documents already, more than {n:,}; choose another --report")
    try:
        if len(index) < n:
            documents = Resampled(shards)
            with progress_bar("Documents", n - len(index)) as advance:
                for ids, vectors in documents.batches(len(index), n, DOCUMENTS_A_SHARD):
                    started = time.perf_counter()
                    index.add(ids, vectors)
                    seconds += time.perf_counter() - started
                    clock.write_text(json.dumps(seconds))
                    advance(len(ids))
    finally:
        index.close()
    return round(seconds, 3)


def _measured(path: Path, queries: WordVectors, candidates: Candidates, seconds: float) -> Size:
    faiss_library.faiss()  # its import is no part of opening an index
    before = own_memory()
    _forget(path)
    (searcher, opened_cold), started = _opened(path), time.perf_counter()
    searcher.search_vectors(queries[:1], _K, candidates=candidates)
    answered_cold = opened_cold + time.perf_counter() - started
    searcher.index.close()
    searcher, opened = _opened(path)
    latency = search_latency(searcher, queries, _K, candidates)
    after = own_memory()
    found, taken = timed(lambda: searcher.search_vectors(queries, _K, candidates=candidates))
    exact = searcher.search_vectors(queries, _K, candidates="all")
    info = searcher.index.info()
    searcher.index.close()
    return Size(
        n_documents=info.n_documents,
        n_words=info.n_words,
        seconds=seconds,
        bytes=info.bytes,
        opened=round(opened, 3),
        opened_cold=round(opened_cold, 3),
        answered_cold=round(answered_cold, 3),
        latency=latency,
        queries_per_second=round(len(queries) / taken, 1),
        memory=None if before is None or after is None else after - before,
        overlap=overlap(found, exact),
    )


def _opened(path: Path) -> tuple[Searcher, float]:
    def opened() -> Searcher:
        index = Index.open(path)
        index.snapshot()
        return Searcher(index)

    return timed(opened)


def _forget(path: Path) -> None:
    """Let the system's cache go of an index's files, where it can (Linux), as if nobody had read them for long."""
    advise: Any = getattr(os, "posix_fadvise", None)
    if advise is None:
        return
    for file in path.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.fsync(descriptor)
                advise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
