from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wordhive.index import WordhiveError, WordVectors
from wordhive.index.storage.word_id_lists import WordIdLists, by_word_id

IDS = st.integers(0, 2**32 - 1)
TEXTS = st.lists(st.lists(st.one_of(IDS, st.sampled_from([0, 1, 7, 2**32 - 1])), max_size=30), max_size=12)


def ragged(texts: list[list[int]]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    ids = np.array([id for text in texts for id in sorted(text)], np.uint32)
    return ids, np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)


def decoded(lists: WordIdLists, offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
    return lists.decode(np.arange(len(offsets) - 1), offsets)


@settings(deadline=None)  # kernels are compiled
@given(TEXTS)
def test_ids_come_back_as_they_were(texts: list[list[int]]) -> None:
    ids, offsets = ragged(texts)
    lists = WordIdLists.encode(ids, offsets, np.unique(ids))
    assert decoded(lists, offsets).tolist() == ids.tolist()


@settings(deadline=None)  # kernels are compiled
@given(TEXTS, IDS, st.data())
def test_any_text_can_be_read_alone(texts: list[list[int]], other: int, data: st.DataObject) -> None:
    ids, offsets = ragged(texts)
    lists = WordIdLists.encode(ids, offsets, np.union1d(ids, np.array([other, 5, 6], np.uint32)))
    chosen = sorted(data.draw(st.sets(st.sampled_from(range(len(texts)))))) if texts else []
    own = np.concatenate([[0], np.cumsum([len(texts[i]) for i in chosen])]).astype(np.int64)
    found = lists.decode(np.array(chosen, np.int64), own)
    assert found.tolist() == [id for i in chosen for id in sorted(texts[i])]


@settings(deadline=None)  # kernels are compiled
@given(TEXTS, TEXTS)
def test_parts_join(one: list[list[int]], other: list[list[int]]) -> None:
    vocabulary = np.unique(ragged(one + other)[0])
    parts = [WordIdLists.encode(*ragged(texts), vocabulary) for texts in (one, other)]
    ids, offsets = ragged(one + other)
    assert decoded(WordIdLists.concat(parts, vocabulary), offsets).tolist() == ids.tolist()


def test_a_word_of_many_takes_little_more_than_its_share_of_the_gaps() -> None:
    random = np.random.default_rng(0)
    texts = [random.choice(30_000, 60, replace=False).tolist() for _ in range(500)]
    ids, offsets = ragged(texts)
    lists = WordIdLists.encode(ids, offsets, np.arange(30_000, dtype=np.uint32))
    bits = 8 * int(lists.sizes.sum()) / len(ids)
    assert bits < np.log2(30_000 / 60) + 2.2


def test_words_without_identity_take_no_bytes() -> None:
    ids, offsets = ragged([[0, 0, 0], [], [0]])
    lists = WordIdLists.encode(ids, offsets, np.unique(ids))
    assert lists.sizes.tolist() == [0, 0, 0]
    assert lists.sizes.dtype == np.uint16
    assert decoded(lists, offsets).tolist() == [0, 0, 0, 0]


def test_a_long_text_has_its_size() -> None:
    ids, offsets = ragged([list(range(0, 2**20, 2))])
    lists = WordIdLists.encode(ids, offsets, np.unique(ids))
    assert lists.sizes.dtype == np.uint32
    assert decoded(lists, offsets).tolist() == ids.tolist()


@pytest.mark.parametrize("byte", [0x00, 0xFF])
def test_codes_that_are_none_are_refused(byte: int) -> None:
    ids, offsets = ragged([[1, 5, 9, 70], [2, 5]])
    whole = WordIdLists.encode(ids, offsets, np.unique(ids))
    broken = WordIdLists(np.full_like(whole.codes, byte), whole.sizes, whole.vocabulary)
    if byte:
        found = decoded(broken, offsets)  # any bits are some gaps, if they end where they should
        assert set(found.tolist()) <= set(ids.tolist())
        return
    with pytest.raises(WordhiveError, match="word ids are damaged"):
        decoded(broken, offsets)


def test_words_of_a_text_are_put_in_the_order_of_their_ids_and_stay_in_their_text() -> None:
    vectors = np.arange(10, dtype=np.float32).reshape(5, 2)
    texts = WordVectors(vectors, np.array([0, 3, 3, 5]), np.array([9, 0, 4, 1, 1], np.uint32), None)
    found = by_word_id(texts)
    assert found.word_ids.tolist() == [0, 4, 9, 1, 1]
    assert found.vectors[:, 0].tolist() == [2, 4, 0, 6, 8]
    assert found.offsets.tolist() == [0, 3, 3, 5]
