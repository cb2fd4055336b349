"""Random lives of an index, and what every search of it must find: all of it follows from a seed, by brute force.

A life is a sequence of adds, upserts, deletes, compactions, refits and reopenings; after each, searches with random
queries and filters are held against scores of all stored vectors in float64. Run as a program, it goes through as many
lives as it is told: python -m tests.index.oracle SEQUENCES.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.config import MuveraConfig, preset_names
from wordhive.index.encodings import fused
from wordhive.index.storage import training
from wordhive.retrieval.searcher import Hit, Searcher

DIM, SUMMARY_DIM, WEIGHT = 16, 8, 0.4
_SMALL = MuveraConfig(repetitions=2, bits=2, projection_dim=4)
FACTORIES = [
    "Flat", "SQ8", "SQfp16", "PQ4x4", "PQ{dims}x4", "PQ4x4fs", "PQ8x5", "IVF4,SQ8", "IVF8,PQ4x4", "IVF4,PQ4x4fs",
    "PCA8,IVF4,SQ8", "IVF4,SQ8,RFlat", "HNSW4,Flat", "HNSW8_SQ8", "HNSW4_PQ4x4", "RaBitQ", "RaBitQ4",
    "IVF4,RaBitQ8", "RR32,RaBitQ8",
]  # fmt: skip
CODECS = ["Flat", "SQ8", "SQ4", "SQfp16", "Senary256", "PQ4x4", "RaBitQ"]
# Few enough documents for thousands of lives, and enough to fit and learn from.
LEAST, MOST, REDUCED = 24, 70, 16
# Of a score in float32, relative to the lengths of the vectors.
_ROUNDING = 1e-5
_COLOURS = ["red", "green", "blue"]


@dataclass(frozen=True)
class Stored:
    """A document as it was given."""

    vectors: WordVectors
    text: str
    attributes: dict[str, Any]


@dataclass
class Life:
    """What is known of an index, and how often it was asked."""

    seed: int
    name: str
    index: Index
    documents: dict[str, Stored] = field(default_factory=dict)
    searches: int = 0
    n: int = 0

    def __post_init__(self) -> None:
        self.draw, self.random = random.Random(self.seed), np.random.default_rng(self.seed)


def small_enough() -> None:
    """Let encodings and codebooks be fitted to as few documents as a life has; for this process."""
    fused._LEAST_DOCUMENTS = LEAST
    training._LEAST_FOR_CODEBOOKS = LEAST


@cache
def configurations() -> dict[str, IndexConfig]:
    """By name, all presets, in few dims where theirs are many, and other first stages and codecs."""
    found = {}
    for name in preset_names():
        config = IndexConfig.load(name)
        changes: dict[str, Any] = {"lexical_weight": 0.0}  # exact words have an oracle of their own
        if config.reduction is not None:
            changes["reduction"] = config.reduction.model_copy(update={"dims": REDUCED, "queries": 64})
            changes["encoding"] = config.encoding.model_copy(update={"centroids": 12, "sample_words": 64})  # type: ignore[union-attr]
        elif isinstance(config.encoding, MuveraConfig):
            changes["encoding"] = config.encoding.model_copy(update={"repetitions": 2, "bits": 2, "projection_dim": 8})
        if config.large_candidates is not None:
            changes["large_from"] = 40
        found[name] = config.model_copy(update=changes)
    for factory in FACTORIES:
        found[factory] = IndexConfig(candidates=factory, encoding=_SMALL, nprobe=1, ef_search=4, codec="Flat")
    for codec in CODECS:
        found[f"codec {codec}"] = IndexConfig(codec=codec, encoding=_SMALL, candidates="PQ4x4")
    return found


def live(seed: int, folder: Path, steps: int = 6) -> Life:
    """A life from its seed; AssertionError where a search finds anything else than it must."""
    configs = configurations()
    name = list(configs)[seed % len(configs)]
    folder = folder / f"{seed}.hive"
    life = Life(seed, name, Index.create(folder, configs[name], summary_weight=WEIGHT))
    try:
        for step in range(steps):
            change(life, first=step == 0)
            try:
                check(life)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, {name}, step {step}: {error}") from error
    finally:
        life.index.close()
        shutil.rmtree(folder)
    return life


def change(life: Life, *, first: bool) -> None:
    kinds = ["add", "upsert", "delete", "compact", "refit", "reopen"]
    kind = "add" if first else life.draw.choices(kinds, [6, 3, 4, 1, 1, 1])[0]
    if kind == "reopen":
        path = life.index.path
        life.index.close()
        life.index = Index.open(path)
    elif kind in ("compact", "refit"):
        getattr(life.index, kind)()
    elif kind == "delete":
        _delete(life)
    else:
        _store(life, kind)


def _delete(life: Life) -> None:
    held = sorted(life.documents)
    chosen = life.draw.sample(
        held, life.draw.choice([0, 1, len(held) // 4, len(held) * 3 // 4, len(held)]) if held else 0
    )
    assert life.index.delete(chosen) == len(chosen)
    for id in chosen:
        del life.documents[id]


def _store(life: Life, kind: str) -> None:
    n = life.draw.choice([1, 2, 5, 30, 40])
    ids = [f"d{life.n + place}" for place in range(max(0, min(n, MOST - len(life.documents))))]
    life.n += len(ids)
    if kind == "upsert":
        ids += life.draw.sample(sorted(life.documents), min(len(life.documents), 3))
    if not ids:
        return
    stored = [_document(life) for _ in ids]
    getattr(life.index, kind)(
        ids, WordVectors.concat([it.vectors for it in stored]), [it.text for it in stored],
        [it.attributes for it in stored],
    )  # fmt: skip
    life.documents.update(zip(ids, stored, strict=True))


def _document(life: Life) -> Stored:
    if life.documents and life.draw.random() < 0.1:  # the same vectors twice: scores that tie
        vectors = life.draw.choice(sorted(life.documents.items()))[1].vectors
    else:
        vectors = _vectors(life, life.draw.choice([0, 1, 2, 4, 9]))
    text = "".join(life.draw.choices("abc é\n", k=life.draw.randint(0, 9)))
    attributes = {"year": life.draw.randint(2000, 2006), "colour": life.draw.choice(_COLOURS)}
    return Stored(vectors, text, attributes if life.draw.random() < 0.9 else {})


def _vectors(life: Life, n_words: int) -> WordVectors:
    words = life.random.standard_normal((n_words, DIM)).astype(np.float32)
    summary = life.random.standard_normal((1, SUMMARY_DIM)).astype(np.float32)
    for each in (words, summary):
        each /= np.linalg.norm(each, axis=1, keepdims=True)
    ids = life.random.integers(1, 2**32, n_words, dtype=np.uint32)
    return WordVectors(words, np.array([0, n_words]), ids, summary)


def _queries(life: Life, n: int) -> WordVectors:
    asked = []
    for _ in range(n):
        query = _vectors(life, life.draw.choice([0, 1, 3, 8]))
        kind = life.draw.choice(["usual", "usual", "zeros", "copy", "against", "large", "tiny"])
        if kind in ("copy", "against") and life.documents:
            query = life.draw.choice(sorted(life.documents.items()))[1].vectors
        size = {"zeros": 0, "against": -1, "large": 1000, "tiny": 1e-20}.get(kind, 1)
        assert query.summary is not None
        factor = np.float32(size)
        asked.append(WordVectors(query.vectors * factor, query.offsets, query.word_ids, query.summary * factor))
    return WordVectors.concat(asked)


def _filter(life: Life) -> tuple[dict[str, Any] | None, Any]:
    """A filter, and whether it lets attributes through."""
    year, colour = life.draw.randint(1999, 2007), life.draw.choice(_COLOURS)
    return life.draw.choice(
        [
            (None, lambda it: True),
            ({}, lambda it: True),
            ({"year": {"$gte": year}}, lambda it: it.get("year", 0) >= year),
            ({"colour": colour}, lambda it: it.get("colour") == colour),
            (
                {"year": {"$lt": year}, "colour": colour},
                lambda it: it.get("year", 9999) < year and it["colour"] == colour,
            ),
            (
                {"$or": [{"year": year}, {"colour": colour}]},
                lambda it: it.get("year") == year or it.get("colour") == colour,
            ),
        ]
    )


def check(life: Life, n_queries: int = 15) -> None:
    """Search with a few filters, numbers of hits and of candidates."""
    assert len(life.index) == len(life.documents)
    assert set(life.index.snapshot().ids().values()) == set(life.documents)
    if not life.index.dim:
        return
    queries, now = _queries(life, n_queries), life.index.snapshot()
    ids = now.ids()
    order = np.array(sorted(ids), np.int64)
    exact = _exact(queries, now.vectors(order))
    searcher, has_first_stage = Searcher(life.index), life.index.settings.config.encoding is not None
    for _ in range(4):
        where, passes = _filter(life)
        among = np.array([passes(life.documents[ids[row]].attributes) for row in order.tolist()], np.bool_)
        k = life.draw.choice([1, 3, 10, 100])
        candidates = life.draw.choice(["all", 1, 5, 20, 1000]) if has_first_stage else "all"
        found = searcher.search_vectors(queries, k, candidates=candidates, where=where)
        every = candidates == "all" or max(candidates, k) >= among.sum()
        for place, hits in enumerate(found):
            life.searches += 1
            named = [ids[row] for row in order[among].tolist()]
            near = _ROUNDING * _length(queries[place : place + 1])
            _compare(life, hits, named, exact[place][among], near, k, every)


def _length(query: WordVectors) -> float:
    """The lengths of all of a query's vectors together: documents' have a length of about 1."""
    assert query.summary is not None
    return float(np.linalg.norm(query.vectors, axis=1).sum() + np.linalg.norm(query.summary))


def _exact(queries: WordVectors, documents: WordVectors) -> NDArray[np.float64]:
    """Scores by their definition, of vectors as the index holds them."""
    assert queries.summary is not None
    assert documents.summary is not None
    products = queries.vectors.astype(np.float64) @ documents.vectors.T.astype(np.float64)
    scores = WEIGHT * (queries.summary.astype(np.float64) @ documents.summary.T.astype(np.float64))
    for column in range(len(documents)):
        part = products[:, documents.offsets[column] : documents.offsets[column + 1]]
        best = part.max(axis=1) if part.shape[1] else np.zeros(len(part))
        scores[:, column] += (1 - WEIGHT) * np.array(
            [best[queries.offsets[i] : queries.offsets[i + 1]].sum() for i in range(len(queries))]
        )
    return scores


def _compare(
    life: Life, hits: list[Hit], ids: list[str], exact: NDArray[np.float64], near: float, k: int, every: bool
) -> None:
    """Counts, ids, scores, their order, texts and attributes; every: whether all documents were candidates.

    near: how far rounding may take a score.
    """
    assert len(hits) == min(k, len(ids)), f"{len(hits)} hits of {min(k, len(ids))}"
    by_id = dict(zip(ids, exact.tolist(), strict=True))
    assert len({hit.id for hit in hits}) == len(hits), "a document twice"
    for hit in hits:
        assert hit.id in by_id, f"{hit.id} is not among those asked for"
        assert abs(hit.score - by_id[hit.id]) <= near, f"{hit.id} has {hit.score}, not {by_id[hit.id]}"
        stored = life.documents[hit.id]
        assert (hit.text, hit.attributes) == (stored.text, stored.attributes), f"the text of {hit.id} is another"
    ranked = [(-hit.score, hit.id) for hit in hits]
    assert ranked == sorted(ranked), "hits are not in order"
    if every and hits:
        best = np.sort(-exact)[: len(hits)]
        assert np.allclose([hit.score for hit in hits], -best, rtol=0, atol=near), "better documents were left out"


def main(sequences: int, first: int = 0) -> None:
    small_enough()
    begun, searches, faults = time.time(), Counter[str](), 0

    def say(done: int) -> None:
        seconds = time.time() - begun
        sys.stdout.write(f"{done} lives, {searches.total():,} searches, {faults} faults, {seconds:.0f} s\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as folder:
        for done in range(1, sequences + 1):
            seed = first + done - 1
            try:
                life = live(seed, Path(folder))
                searches[life.name] += life.searches
            except Exception as error:  # counted, so that one fault does not hide others
                faults += 1
                sys.stdout.write(f"seed {seed}: {type(error).__name__}: {error}\n")
            if done % 50 == 0 or done == sequences:
                say(done)
    sys.stdout.write("".join(f"{name}: {n:,}\n" for name, n in searches.items()))


if __name__ == "__main__":
    main(int(sys.argv[1]), *map(int, sys.argv[2:]))
