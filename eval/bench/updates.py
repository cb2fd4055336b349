"""What updates leave behind: an index that was changed a great deal, beside one made afresh of what it then holds."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordhive.index import Index, InputError, WordVectors
from wordhive.index.quantity import quantity
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.hits import Hit, Hits
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.retriever import fitting_config, new_index
from wordhive.retrieval.searcher import Searcher
from wordhive.retrieval.shards import check_model, read_shard_documents, read_shards
from wordhive.retrieval.texts.documents import Document

from ..measuring.memory import peak_memory, reset_peak

# Shares of the documents: of those that are added at last, of those deleted before, of those replaced.
_LATE, _DELETED, _REPLACED = 0.1, 0.3, 0.1
_K = 10

Note = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One of the changes: documents that it was about, its seconds, and the process's peak memory in bytes."""

    change: str
    n_documents: int
    seconds: float
    peak_memory: int


@dataclass(frozen=True)
class UpdateBench:
    """An updated index and a fresh one of the same documents.

    Attributes:
        memory_before: Bytes of the process before the first change, model included.
        overlap: Share of the fresh index's top 10 in the updated one's, with `candidates` of them.
        overlap_all: The same where every document is scored.
        overlap_compacted: Of the updated index's top 10 before and after it was compacted. bytes: on disk.
    """

    collection: str
    n_documents: int
    n_queries: int
    candidates: int
    memory_before: int
    steps: list[Step]
    overlap: float
    overlap_all: float
    overlap_compacted: float
    bytes_updated: int
    bytes_compacted: int
    bytes_fresh: int


@dataclass(frozen=True)
class _Plan:
    """late, deleted: documents by number. replaced: number of a document → number of the one whose content it gets."""

    late: set[int]
    deleted: set[int]
    replaced: dict[int, int]

    @classmethod
    def draw(cls, n: int) -> _Plan:
        order = np.random.default_rng(0).permutation(n).tolist()
        n_late, n_deleted, n_replaced = (round(share * n) for share in (_LATE, _DELETED, _REPLACED))
        late, rest = order[:n_late], order[n_late:]
        deleted, kept = rest[:n_deleted], rest[n_deleted:]
        return cls(set(late), set(deleted), dict(zip(kept[:n_replaced], deleted, strict=False)))


def bench(
    name: str,
    queries: list[str],
    shards: Path,
    encoder: Encoder,
    folder: Path,
    *,
    config: str | Path | None = None,
    candidates: int = 1000,
    on_note: Note = lambda line: None,
) -> UpdateBench:
    """Index nine tenths of the encoded documents, delete 30 %, add the last tenth, replace 10 % by others' content.

    Then make a fresh index of what is left, and compare what both find for the queries. The indexes are made anew in
    `folder`.

    Raises:
        InputError: Shards of another model, or of too few documents to change any.
    """
    check_model(shards, encoder.stamp)
    ids = [document.id for part in read_shard_documents(shards) for document in part]
    plan = _Plan.draw(len(ids))
    if not plan.replaced:
        raise InputError(f"{shards} holds {quantity(len(ids), 'document')}; expected 10 at least")
    asked = encoder.encode_queries(queries)
    changed, fresh = (folder / f"{kind}.hive" for kind in ("updated", "fresh"))
    for path in (changed, fresh):
        shutil.rmtree(path, ignore_errors=True)
    reset_peak()
    before, steps = peak_memory(), []

    def step(change: str, work: Callable[[], int]) -> None:
        started = time.perf_counter()
        n = work()
        steps.append(Step(change, n, round(time.perf_counter() - started, 1), peak_memory()))
        on_note(f"{change}: {quantity(n, 'document')} in {steps[-1].seconds:,.0f} s")

    updated = _create(changed, encoder, config)
    sources = {source: target for target, source in plan.replaced.items()}
    first = {number: id for number, id in enumerate(ids) if number not in plan.late}
    step("index", lambda: _add(updated, shards, first))
    step("delete", lambda: updated.delete([ids[number] for number in sorted(plan.deleted)]))
    step("add", lambda: _add(updated, shards, {number: ids[number] for number in plan.late}))
    step("upsert", lambda: _add(updated, shards, {s: ids[target] for s, target in sources.items()}, replace=True))
    ways = (candidates if updated.settings.config.encoding is not None else "all", "all")
    searched = [_search(updated, asked, how) for how in ways]
    size = updated.info().total_bytes

    def compact() -> int:
        updated.compact()
        return len(updated)

    step("compact", compact)
    compacted = _search(updated, asked, ways[0])
    content = {number: id for number, id in enumerate(ids) if number not in plan.deleted | set(plan.replaced)}
    content.update({source: ids[target] for source, target in sources.items()})
    afresh = _create(fresh, encoder, config)
    step("index afresh", lambda: _add(afresh, shards, content))
    exact = [_search(afresh, asked, how) for how in ways]
    return UpdateBench(
        name, len(afresh), len(queries), candidates, before, steps, overlap(searched[0], exact[0]),
        overlap(searched[1], exact[1]), overlap(compacted, searched[0]), size, updated.info().total_bytes,
        afresh.info().total_bytes,
    )  # fmt: skip


def overlap(found: Sequence[Sequence[Hit]], wanted: Sequence[Sequence[Hit]]) -> float:
    """The mean share of the wanted hits that were found, by their ids."""
    pairs = zip(found, wanted, strict=True)
    return round(float(np.mean([len({a.id for a in x} & {b.id for b in y}) / max(1, len(y)) for x, y in pairs])), 4)


def _create(path: Path, encoder: Encoder, config: str | Path | None) -> Index:
    return new_index(path, fitting_config(config, encoder), encoder)


def _add(index: Index, shards: Path, ids: dict[int, str], *, replace: bool = False) -> int:
    """Add the documents of these numbers, under these ids."""
    store: Any = index.upsert if replace else index.add
    n = 0
    with progress_bar("Documents", len(ids)) as advance:
        for documents, vectors, numbers in _numbered(shards):
            chosen = np.array([i for i, number in enumerate(numbers) if number in ids], np.int64)
            if len(chosen):
                texts = [documents[i].text for i in chosen]
                store([ids[numbers[i]] for i in chosen], vectors.take(chosen), texts)
                n += len(chosen)
                advance(len(chosen))
    return n


def _numbered(shards: Path) -> Iterator[tuple[list[Document], WordVectors, range]]:
    first = 0
    for documents, vectors in read_shards(shards):
        yield documents, vectors, range(first, first + len(documents))
        first += len(documents)


def _search(index: Index, queries: WordVectors, candidates: Any) -> list[Hits]:
    return Searcher(index).search_vectors(queries, _K, candidates=candidates)
