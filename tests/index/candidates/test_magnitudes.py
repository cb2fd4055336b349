"""Numbers that no codec or encoding can hold are refused, in documents and queries; all others are searched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, InputError, MuveraConfig, WordVectors
from wordhive.index.config import SummaryConfig
from wordhive.index.word_vectors import LARGEST

from ..conftest import Draw, Make, SlowScores, all_scores, names

HUGE = [np.nextafter(np.float32(LARGEST), np.float32(np.inf)), 1e6, 1e30, 3e38, -1e30]
CODECS = ["SQ8", "SQ6", "SQ4", "SQfp16", "SQbf16", "Flat", "Senary256", "Residual256x2"]
CANDIDATES = ["SQ8", "SQfp16", "Flat", "PQ4x4", "HNSW8_SQfp16", "IVF2,SQfp16", "IVF2,SQfp16,RFlat"]
ENCODING = MuveraConfig(repetitions=2, bits=2, projection_dim=4)


def stretched(vectors: WordVectors, text: int, part: str, number: float) -> WordVectors:
    """One number of a text's last word, or of its summary, is another."""
    words, summary = vectors.vectors.copy(), None if vectors.summary is None else vectors.summary.copy()
    if part == "summary":
        assert summary is not None
        summary[text, 1] = number
    else:
        words[vectors.offsets[text + 1] - 1, 1] = number
    return WordVectors(words, vectors.offsets, vectors.word_ids, summary)


@pytest.mark.parametrize("part", ["words", "summary"])
@pytest.mark.parametrize("number", HUGE)
@pytest.mark.parametrize("change", ["add", "upsert"])
def test_a_document_with_a_huge_number_is_refused_by_its_id(
    make: Make, draw: Draw, change: str, number: float, part: str
) -> None:
    index = make(summary_weight=0.3)
    documents = stretched(draw(1, [3, 0, 2], summary_dim=4), 2, part, number)
    for _ in range(2):
        with pytest.raises(InputError, match=r"document 'doc 2' hold a number of size .*beyond 65,504"):
            getattr(index, change)(names(3), documents)
        assert len(index) == 0 or index.snapshot().ids() == dict(enumerate(names(3)))
        index.upsert(names(3), draw(1, [3, 0, 2], summary_dim=4))


@pytest.mark.parametrize("part", ["words", "summary"])
@pytest.mark.parametrize("number", HUGE)
@pytest.mark.parametrize("search", ["find_candidates", "score", "score_all"])
def test_a_query_with_a_huge_number_is_refused(make: Make, draw: Draw, search: str, number: float, part: str) -> None:
    index, queries = make(summary_weight=0.3), stretched(draw(2, [3, 2], summary_dim=4), 1, part, number)
    index.add(names(3), draw(1, [3, 0, 2], summary_dim=4))
    calls: dict[str, Callable[[], object]] = {
        "find_candidates": lambda: index.snapshot().find_candidates(queries, 3),
        "score": lambda: index.snapshot().score(queries[1:2], np.arange(3)),
        "score_all": lambda: list(index.snapshot().score_all(queries)),
    }
    with pytest.raises(InputError, match=r"query [01] \(counted from 0\) hold a number of size"):
        calls[search]()


def test_queries_to_fit_to_with_huge_numbers_are_refused(tmp_path: Any, draw: Draw) -> None:
    with pytest.raises(InputError, match=r"query 1 .* hold a number of size 1000000"):
        Index.create(tmp_path / "x.hive", queries=stretched(draw(2, [3, 2]), 1, "words", 1e6))


@pytest.mark.parametrize("codec", CODECS)
def test_the_largest_numbers_are_scored(make: Make, draw: Draw, slow_scores: SlowScores, codec: str) -> None:
    documents, queries = pair(draw)
    index = make({"codec": codec, "encoding": None})
    index.add(names(len(documents)), documents)
    scores = all_scores(index, queries)
    assert np.isfinite(scores).all()
    if codec in ("SQfp16", "Flat"):
        np.testing.assert_allclose(scores, slow_scores(queries, documents), rtol=1e-3, atol=1e-3 * LARGEST)


def pair(draw: Draw) -> tuple[WordVectors, WordVectors]:
    documents = stretched(stretched(draw(1, [3, 0, 2] * 10), 2, "words", LARGEST), 3, "words", -LARGEST)
    return documents, stretched(draw(2, [3, 2]), 1, "words", LARGEST)


@pytest.mark.parametrize("candidates", CANDIDATES)
@pytest.mark.parametrize("encoding", [ENCODING, SummaryConfig()])
def test_the_largest_numbers_have_candidates(make: Make, draw: Draw, candidates: str, encoding: Any) -> None:
    index = make({"candidates": candidates, "encoding": encoding}, summary_weight=0.5)
    documents = stretched(draw(1, [300, 0, 200, 1] * 10, summary_dim=4), 2, "summary", LARGEST)
    documents = WordVectors(
        np.where(np.arange(len(documents.vectors))[:, None] < 300, np.float32(LARGEST), documents.vectors),
        documents.offsets, documents.word_ids, documents.summary,
    )  # fmt: skip
    index.add(names(40), documents)
    queries = stretched(draw(2, [3, 2], summary_dim=4), 1, "summary", -LARGEST)
    for n in (5, 40):
        assert [len(set(rows.tolist())) for rows in index.snapshot().find_candidates(queries, n)] == [n, n]
    if encoding == ENCODING:
        first = WordVectors.from_list([np.ones((1, 8))])
        first = WordVectors(first.vectors, first.offsets, first.word_ids, np.zeros((1, 4), np.float32))
        assert index.snapshot().find_candidates(first, 3)[0][0] == 0
