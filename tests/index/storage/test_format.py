"""The format of an index as docs/format.md tells it: a reader that knows nothing else reads fresh indexes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.scoring.scores import Scores

from .independent_reader import IndexReader

DIM, SUMMARY_DIM, N = 32, 16, 1100


def vectors(random: np.random.Generator, n: int, *, summary: bool) -> WordVectors:
    offsets = np.concatenate([[0], np.cumsum(random.integers(0, 7, n))]).astype(np.int64)
    words = random.standard_normal((offsets[-1], DIM)).astype(np.float32)
    ids = random.integers(0, 900, offsets[-1]).astype(np.uint32)
    return WordVectors(words, offsets, ids, random.standard_normal((n, SUMMARY_DIM), np.float32) if summary else None)


def filled(path: Path, *, summary: bool = True, **options: Any) -> tuple[Index, WordVectors]:
    """An index of several segments with deleted documents; one segment is merged, and has gaps in its rows."""
    random = np.random.default_rng(3)
    index = Index.create(path, summary_weight=0.3 if summary else 0.0, **options)
    texts = [f"document {n}: bees tell each other where flowers are" for n in range(N)]
    attributes = [{"year": n, "names": ["é", None]} if n % 2 else None for n in range(N)]
    index.add([f"d{n}" for n in range(N)], vectors(random, N, summary=summary), texts, attributes)
    index.add(["ö", "empty"], vectors(random, 2, summary=summary), ["naïve " * 40, ""])
    index.delete([f"d{n}" for n in range(0, 300, 3)])
    index.compact()
    index.add(["last", "no text"], vectors(random, 2, summary=summary), ["a last one", None])
    index.delete(["d1", "last"])
    return index, vectors(random, 3, summary=summary)


def exact(codec: str, summary_codec: str = "SQ8") -> IndexConfig:
    return IndexConfig(codec=codec, summary_codec=summary_codec, encoding=None)


@pytest.mark.parametrize(
    ("config", "options"),
    [
        (exact("Flat", "Flat"), {}),
        (exact("SQ8"), {}),
        (exact("SQ4", "SQfp16"), {"summary": False}),
        (exact("PQ8x4", "SQ8"), {}),
        (exact("Ternary256", "Residual16x1"), {}),
        (exact("Senary256", "Senary16"), {"exact_match": True}),
        (exact("Residual300x2", "Residual16x4"), {"store_texts": False}),
        ("summary", {"exact_match": True}),
    ],
    ids=lambda given: given.codec if isinstance(given, IndexConfig) else str(given),
)
def test_a_reader_that_knows_the_format_alone_reads_the_same(tmp_path: Path, config: Any, options: Any) -> None:
    index, queries = filled(tmp_path / "my.hive", config=config, **options)
    snapshot = index.snapshot()
    reader = IndexReader(tmp_path / "my.hive")
    ids = snapshot.ids()
    assert reader.ids == ids
    stored = snapshot.documents(sorted(ids))
    assert reader.texts == {row: document.text for row, document in stored.items()}
    assert reader.attributes == {row: document.attributes for row, document in stored.items()}
    for number in range(len(queries)):
        query = queries[number : number + 1]
        scores = Scores.concat([block for [block] in snapshot.score_all(query)])
        expected = dict(zip([ids[row] for row in scores.rows.tolist()], scores.total.tolist(), strict=True))
        found = reader.scores(query.vectors, query.word_ids, None if query.summary is None else query.summary[0])
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-3)
    index.close()
