"""What can be added to an index, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, InputError, MuveraConfig, WordVectors

from .conftest import COUNTS, EXACT, FLAT, Draw, Make, SlowScores, all_scores, contents, names


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_tensors_of_any_precision_can_be_added(make: Make, slow_scores: SlowScores, draw: Draw, kind: str) -> None:
    torch = pytest.importorskip("torch")
    documents, queries = draw(1, COUNTS), draw(2, [3])
    parts = np.split(documents.vectors, documents.offsets[1:-1])
    index = make(FLAT)
    index.add(names(6), [torch.tensor(part, dtype=getattr(torch, kind)) for part in parts])
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=0.03)


def test_float64_arrays_can_be_added(make: Make, slow_scores: SlowScores, draw: Draw) -> None:
    documents, queries = draw(1, COUNTS), draw(2, [3])
    index = make(FLAT)
    index.add(names(6), [part.astype(np.float64) for part in np.split(documents.vectors, documents.offsets[1:-1])])
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=1e-5)


def test_adding_nothing_changes_nothing(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    index.add([], [])
    assert (len(index), index.info().n_segments) == (6, 1)


def test_adding_nothing_to_an_empty_index_changes_nothing(make: Make) -> None:
    index = make()
    index.add([], [])
    assert len(index) == 0


def few_then_many(draw: Draw) -> tuple[WordVectors, WordVectors, WordVectors]:
    return draw(1, [1, 1, 1], dim=16), draw(2, [2] * 40, dim=16), draw(3, [3] * 5, dim=16)


def test_a_tiny_first_batch_leaves_later_scores_exact(make: Make, draw: Draw, slow_scores: SlowScores) -> None:
    few, many, queries = few_then_many(draw)
    index = make({"codec": "SQ8"})
    index.add(names(3), few)
    index.add(names(40, 3), many)
    np.testing.assert_allclose(all_scores(index, queries)[:, 3:], slow_scores(queries, many), atol=0.05)


def test_the_range_of_a_tiny_first_batch_alone_would_clip_later_scores(draw: Draw, slow_scores: SlowScores) -> None:
    few, many, queries = few_then_many(draw)
    clipped = np.clip(many.vectors, few.vectors.min(axis=0), few.vectors.max(axis=0))
    scores = slow_scores(queries, WordVectors(clipped, many.offsets, many.word_ids))
    assert np.abs(scores - slow_scores(queries, many)).max() > 10 * 0.05


def test_a_first_batch_without_words_leaves_later_scores_exact(make: Make, draw: Draw, slow_scores: SlowScores) -> None:
    index, documents, queries = make(EXACT), draw(1, COUNTS), draw(2, [3])
    index.add(["empty"], draw(1, [0]))
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(index, queries)[:, 1:], slow_scores(queries, documents), atol=0.05)


def refuse(index: Index, named: str, *arguments: Any, **options: Any) -> None:
    before = index.snapshot().ids()
    with pytest.raises(InputError, match=named):
        index.add(*arguments, **options)
    assert index.snapshot().ids() == before


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(make: Make, value: float) -> None:
    vectors = [np.ones((2, 8)), np.full((1, 8), value)]
    refuse(make(), "text 1 .*NaN or infinity", names(2), vectors)


@pytest.mark.parametrize("as_list", [True, False])
def test_other_dims_are_refused(make: Make, draw: Draw, as_list: bool) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    other = draw(2, [3], dim=5)
    refuse(index, "5 dims.* 8", ["new"], [other.vectors] if as_list else other)


@pytest.mark.parametrize("summary_dim", [0, 3])
def test_other_summary_dims_are_refused(make: Make, draw: Draw, summary_dim: int) -> None:
    index = make(summary_weight=0.3)
    index.add(names(6), draw(1, COUNTS, summary_dim=4))
    refuse(index, f"summaries have {summary_dim} dims, the index's 4", ["new"], draw(2, [3], summary_dim=summary_dim))


@pytest.mark.parametrize("search", ["find_candidates", "score", "score_all"])
def test_a_query_of_other_dims_is_refused(make: Make, draw: Draw, search: str) -> None:
    index, query = make(), draw(2, [3], dim=5)
    index.add(names(6), draw(1, COUNTS))
    calls: dict[str, Callable[[], object]] = {
        "find_candidates": lambda: index.snapshot().find_candidates(query, 3),
        "score": lambda: index.snapshot().score(query, np.arange(3)),
        "score_all": lambda: list(index.snapshot().score_all(query)),
    }
    with pytest.raises(InputError, match="vectors have 5 dims, the index 8"):
        calls[search]()


def test_a_query_with_a_summary_that_documents_lack_is_refused(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    with pytest.raises(InputError, match="summaries have 4 dims, the index's 0"):
        index.snapshot().find_candidates(draw(2, [3], summary_dim=4), 3)


def test_an_id_given_twice_is_refused(make: Make, draw: Draw) -> None:
    refuse(make(), "'b' is given twice", ["a", "b", "b"], draw(1, [1, 2, 1]))


def test_an_id_that_is_already_there_is_refused(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a", "b"], draw(1, [1, 2]))
    refuse(index, r"'b' is already in .*my\.hive", ["c", "b"], draw(1, [1, 2]))


def test_ids_that_are_already_there_are_counted(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(5), draw(1, [1] * 5))
    refuse(index, "'doc 2' and 2 more is already", names(5, 2), draw(1, [1] * 5))


@pytest.mark.parametrize("id", [7, None, b"a", "", 1.5, ("a",)])
def test_an_id_that_is_no_string_is_refused(make: Make, draw: Draw, id: Any) -> None:
    refuse(make(), "is not a string", ["a", id], draw(1, [1, 2]))


def test_an_id_that_is_no_valid_unicode_is_refused(make: Make, draw: Draw) -> None:
    refuse(make(), "ud800", ["a\ud800"], draw(1, [1]))


def test_a_text_that_is_no_valid_unicode_is_refused(make: Make, draw: Draw) -> None:
    refuse(make(), "'a'", ["a"], draw(1, [1]), texts=["\ud800"])


def test_attributes_that_are_no_json_are_refused(make: Make, draw: Draw) -> None:
    refuse(make(), "'a'", ["a"], draw(1, [1]), attributes=[{"tags": {1, 2}}])


@pytest.mark.parametrize(
    ("ids", "options", "named"),
    [
        (["a"], {}, "1 ids for the vectors of 2 documents"),
        (["a", "b", "c"], {}, "3 ids for the vectors of 2 documents"),
        (["a", "b"], {"texts": ["one"]}, "1 texts for the vectors of 2"),
        (["a", "b"], {"attributes": [{}, {}, {}]}, "3 attributes for the vectors of 2"),
    ],
)
def test_numbers_that_disagree_are_refused(
    make: Make, draw: Draw, ids: Sequence[str], options: dict[str, Any], named: str
) -> None:
    refuse(make(), named, ids, draw(1, [1, 2]), **options)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"codec": "Rubbish"}, "codec 'Rubbish' is no FAISS factory"),
        ({"candidates": "Rubbish"}, "candidates 'Rubbish' is no FAISS factory"),
        ({"codec": "PQ3"}, "codec 'PQ3' is no FAISS factory string for 8 dims"),
        ({"codec": "HNSW32"}, "codec 'HNSW32' cannot encode single vectors"),
        ({"codec": "Senary65537"}, "codec 'Senary65537' has 65,537 centroids; choose at most 65,536"),
        ({"candidates": "IVF64,Rubbish"}, "candidates 'IVF64,Rubbish' is no FAISS factory"),
        ({"candidates": "IVF30000,Flat"}, "candidates 'IVF30000,Flat' would be trained on 30,000 vectors or more"),
        ({"encoding": MuveraConfig(projection_dim=9)}, "projection_dim is 9, but the words have 8"),
    ],
)
def test_settings_that_can_not_be_trained_leave_nothing(
    make: Make, draw: Draw, settings: dict[str, Any], named: str
) -> None:
    index = make(settings)
    refuse(index, named, names(6), draw(1, COUNTS))
    assert contents(index.path) == []


def test_a_refused_batch_leaves_the_index_open_for_the_next(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a"], draw(1, [1]))
    refuse(index, "'a'", ["b", "a"], draw(1, [1, 2]))
    index.add(["b"], draw(1, [2]))
    assert len(index) == 2
