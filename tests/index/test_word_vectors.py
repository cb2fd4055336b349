from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wordhive.index import InputError, WordVectors
from wordhive.index.vectors.ragged import span_rows
from wordhive.index.word_vectors import ragged_blocks

Draw = Callable[..., WordVectors]


def test_a_list_becomes_one_ragged_batch() -> None:
    texts = WordVectors.from_list([np.ones((2, 3)), np.zeros((0, 3)), np.full((1, 3), 2.0)])
    assert texts.offsets.tolist() == [0, 2, 2, 3]


def test_a_list_keeps_the_values_of_every_text() -> None:
    arrays = [np.arange(6.0).reshape(2, 3), np.arange(3.0).reshape(1, 3)]
    np.testing.assert_array_equal(WordVectors.from_list(arrays).vectors, np.concatenate(arrays))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32])
def test_arrays_of_any_number_type_become_float32(kind: type) -> None:
    assert WordVectors.from_list([np.ones((2, 3), kind)]).vectors.dtype == np.float32


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
def test_tensors_of_any_precision_keep_their_values(kind: str) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([[0.5, -1.0], [0.25, 2.0]], dtype=getattr(torch, kind), requires_grad=True)
    np.testing.assert_array_equal(WordVectors.from_list([tensor]).vectors, [[0.5, -1.0], [0.25, 2.0]])


def test_nested_lists_are_taken_as_arrays() -> None:
    assert WordVectors.from_list([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]]).counts.tolist() == [1, 2]


def test_from_list_does_not_share_memory_with_what_was_given() -> None:
    array = np.ones((2, 3), np.float32)
    texts = WordVectors.from_list([array])
    array[:] = 7
    assert texts.vectors.max() == 1


def test_word_ids_of_foreign_vectors_are_unknown() -> None:
    assert WordVectors.from_list([np.ones((2, 3))]).word_ids.tolist() == [0, 0]


def test_an_empty_list_with_known_dims_holds_no_text() -> None:
    assert len(WordVectors.from_list([], dim=4)) == 0


def test_an_empty_list_without_dims_is_refused() -> None:
    with pytest.raises(InputError, match="no vectors were given"):
        WordVectors.from_list([])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (np.ones(3), r"text 1 have shape \(3,\)"),
        (np.ones((1, 2, 3)), r"text 1 have shape \(1, 2, 3\)"),
        (np.ones((2, 0)), r"text 1 have shape \(2, 0\)"),
        (np.ones((2, 4)), "text 1 have 4 dims; expected 3"),
        ("words", "text 1 is str"),
        ([[1.0, 2.0, 3.0], [1.0]], "text 1 is list"),
        (None, "text 1"),
    ],
)
def test_a_text_of_another_shape_is_named(given: Any, named: str) -> None:
    with pytest.raises(InputError, match=named):
        WordVectors.from_list([np.ones((2, 3)), given])


def test_dims_are_held_against_what_was_expected() -> None:
    with pytest.raises(InputError, match="text 0 have 3 dims; expected 5"):
        WordVectors.from_list([np.ones((2, 3))], dim=5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_names_its_text(value: float) -> None:
    arrays = [np.ones((2, 3)), np.zeros((0, 3)), np.array([[1.0, value, 0.0]])]
    with pytest.raises(InputError, match=r"text 2 .* NaN or infinity"):
        WordVectors.from_list(arrays)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_infinities_that_cancel_out_are_still_found() -> None:
    with pytest.raises(InputError, match="text 0 "):
        WordVectors.from_list([np.array([[np.inf, -np.inf]])])


@pytest.mark.filterwarnings("ignore:overflow")
def test_float64_beyond_the_range_of_float32_is_refused() -> None:
    with pytest.raises(InputError, match=r"text 0 .* NaN or infinity"):
        WordVectors.from_list([np.array([[1e300]])])


def test_large_finite_values_are_accepted() -> None:
    assert len(WordVectors.from_list([np.full((4, 2), 3e38)])) == 1


def test_a_summary_that_is_not_finite_names_its_text() -> None:
    summary = np.array([[1.0], [np.nan]], np.float32)
    with pytest.raises(InputError, match="summary vector of text 1"):
        WordVectors(np.ones((2, 3), np.float32), np.array([0, 1, 2]), np.zeros(2, np.uint32), summary)


@pytest.mark.parametrize(
    ("offsets", "named"),
    [
        ([0, 1], "number of word vectors, 3"),
        ([1, 3], "from 0"),
        ([], "from 0"),
        ([0, 2, 1, 3], "must not decrease"),
        ([[0, 3]], "from 0"),
    ],
)
def test_offsets_that_do_not_fit_are_refused(offsets: list[Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        WordVectors(np.ones((3, 2), np.float32), np.array(offsets, np.int64), np.zeros(3, np.uint32))


def test_vectors_of_another_rank_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        WordVectors(np.ones(3, np.float32), np.array([0, 3]), np.zeros(3, np.uint32))


def test_word_ids_must_be_one_a_word() -> None:
    with pytest.raises(InputError, match=r"\(2,\) word ids for 3"):
        WordVectors(np.ones((3, 2), np.float32), np.array([0, 3]), np.zeros(2, np.uint32))


@pytest.mark.parametrize("shape", [(2, 4), (4,)])
def test_a_summary_must_be_one_vector_a_text(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="summary has shape"):
        WordVectors(np.ones((3, 2), np.float32), np.array([0, 3]), np.zeros(3, np.uint32), np.ones(shape, np.float32))


def test_a_slice_holds_the_words_of_its_texts(draw: Draw) -> None:
    texts = draw(1, [2, 0, 3, 1])
    np.testing.assert_array_equal(texts[1:3].vectors, texts.vectors[2:5])


def test_a_slice_starts_its_offsets_at_zero(draw: Draw) -> None:
    assert draw(1, [2, 0, 3, 1])[1:3].offsets.tolist() == [0, 0, 3]


def test_a_slice_keeps_summaries_and_word_ids_with_their_texts(draw: Draw) -> None:
    texts = draw(1, [2, 1], summary_dim=4)
    part = texts[1:]
    assert part.summary is not None
    assert texts.summary is not None
    np.testing.assert_array_equal(part.summary, texts.summary[1:])
    np.testing.assert_array_equal(part.word_ids, texts.word_ids[2:])


def test_a_slice_does_not_copy_vectors(draw: Draw) -> None:
    texts = draw(1, [2, 1])
    assert np.shares_memory(texts[1:].vectors, texts.vectors)


@pytest.mark.parametrize("key", [slice(5, 9), slice(2, 1), slice(0, 0)])
def test_a_slice_beyond_the_texts_is_empty(draw: Draw, key: slice) -> None:
    assert len(draw(1, [2, 1, 1])[key]) == 0


def test_a_slice_with_another_step_is_refused(draw: Draw) -> None:
    with pytest.raises(InputError, match="step 1, not -1"):
        draw(1, [2, 1])[::-1]


def test_a_number_instead_of_a_slice_is_refused(draw: Draw) -> None:
    with pytest.raises(InputError, match=r"write vectors\[1:1 \+ 1\]"):
        draw(1, [2, 3])[1]  # type: ignore[index]


def test_take_gives_texts_in_the_order_asked(draw: Draw) -> None:
    texts = draw(1, [2, 0, 3], summary_dim=4)
    taken = texts.take(np.array([2, 0, 2, 1]))
    expected = [texts.vectors[2:5], texts.vectors[0:2], texts.vectors[2:5]]
    np.testing.assert_array_equal(taken.vectors, np.concatenate(expected))
    assert taken.counts.tolist() == [3, 2, 3, 0]


def test_concat_undoes_slicing(draw: Draw) -> None:
    texts = draw(1, [2, 0, 3, 1], summary_dim=4)
    joined = WordVectors.concat([texts[:1], texts[1:1], texts[1:]])
    for name in ("vectors", "offsets", "word_ids", "summary"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(texts, name), name)


@pytest.mark.parametrize("shape", [{"dim": 5}, {"summary_dim": 3}])
def test_concat_refuses_different_dims(draw: Draw, shape: dict[str, int]) -> None:
    with pytest.raises(InputError, match="cannot join"):
        WordVectors.concat([draw(1, [2]), draw(2, [1], **shape)])


def test_empty_has_dims_but_no_texts() -> None:
    texts = WordVectors.empty(4, summary_dim=3)
    assert (len(texts), texts.dim, texts.summary_dim) == (0, 4, 3)


@pytest.mark.parametrize(
    ("counts", "blocks"),
    [([], []), ([0, 0], [(0, 2)]), ([2, 3, 1, 0, 4], [(0, 2), (2, 5)]), ([9, 1, 9], [(0, 1), (1, 2), (2, 3)])],
)
def test_blocks_have_at_most_so_many_words_unless_one_text_has_more(
    counts: list[int], blocks: list[tuple[int, int]]
) -> None:
    assert [(b.start, b.stop) for b in ragged_blocks(np.array(counts, np.int64), 5)] == blocks


def test_rows_of_spans_come_one_after_the_other() -> None:
    assert span_rows(np.array([7, 0, 2, 4]), np.array([2, 0, 3, 1])).tolist() == [7, 8, 2, 3, 4, 4]
    assert span_rows(np.array([], np.int64), np.array([], np.int64)).tolist() == []
