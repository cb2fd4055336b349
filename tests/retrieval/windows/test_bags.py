"""Windows' words joined to one bag a text: held against a slow oracle that goes word by word."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import WordVectors
from wordhive.retrieval.windows.bags import joined

Bag = dict[tuple[int, int], NDArray[np.float64]]


def _windows(counts: list[int], *, seed: int = 0, words: int = 6, specials: int = 0) -> WordVectors:
    """Windows of so many words each, drawn from a few, no word twice in a window; special tokens first."""
    draw = np.random.default_rng(seed)
    ids = [[0] * specials + draw.permutation(np.arange(1, words + 1))[:n].tolist() for n in counts]
    offsets = np.cumsum([0, *map(len, ids)])
    vectors = draw.normal(size=(offsets[-1], 4)).astype(np.float32)
    summary = draw.normal(size=(len(counts), 3)).astype(np.float32)
    return WordVectors(vectors, offsets, np.concatenate(ids).astype(np.uint32), summary)


def _scaled(vector: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector) * length


def _slowly(
    windows: WordVectors, texts: list[int], lengths: list[int], shares: bool
) -> list[dict[tuple[int, int], NDArray[np.float64]]]:
    """For each text its words in order, each with its vector."""
    bags: list[dict[tuple[int, int], list[tuple[float, NDArray[np.float64]]]]] = [{} for _ in range(max(texts) + 1)]
    for number, text in enumerate(texts):
        part, special = windows[number : number + 1], 0
        weight = lengths[number] / sum(n for n, of in zip(lengths, texts, strict=True) if of == text)
        for id, vector in zip(part.word_ids.tolist(), part.vectors.astype(np.float64), strict=True):
            key = (id, 0 if id else special)
            special += not id
            bags[text].setdefault(key, []).append((weight, vector))
    joined = []
    for bag in bags:
        words = {}
        for key, found in bag.items():
            norms = [np.linalg.norm(vector) for _, vector in found]
            if shares:
                total = sum(weight * vector for weight, vector in found)
                words[key] = _scaled(total, sum(weight * norm for (weight, _), norm in zip(found, norms, strict=True)))
            else:
                words[key] = _scaled(sum(vector for _, vector in found), float(np.mean(norms)))
        joined.append(words)
    return joined


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize("specials", [0, 2])
@pytest.mark.parametrize(
    ("counts", "texts"),
    [
        ([3, 5], [0, 0]),
        ([3, 0, 4, 6, 2], [0, 1, 1, 1, 2]),
        ([0, 0, 1], [0, 0, 1]),
        ([6, 6, 6, 6], [0, 0, 0, 0]),
        ([0, 0], [0, 0]),
    ],
)
def test_joined_words_are_those_of_a_slow_oracle(
    counts: list[int], texts: list[int], specials: int, shares: bool
) -> None:
    windows, lengths = _windows(counts, specials=specials), [7, 3, 5, 2, 4][: len(counts)]
    bags = joined(windows, np.array(texts), np.array(lengths), merge=True, shares=shares)
    expected = _slowly(windows, texts, lengths, shares)
    assert bags.counts.tolist() == [len(words) for words in expected]
    assert bags.word_ids.tolist() == [id for words in expected for id, _ in words]
    flat = [vector for words in expected for vector in words.values()]
    np.testing.assert_allclose(bags.vectors, np.array(flat).reshape(-1, 4), atol=1e-5)


def test_summaries_are_means_by_tokens() -> None:
    windows = _windows([1, 2, 1])
    assert windows.summary is not None
    bags = joined(windows, np.array([0, 0, 1]), np.array([30, 10, 5]), merge=True)
    assert bags.summary is not None
    first, second, alone = windows.summary.astype(np.float64)
    np.testing.assert_allclose(bags.summary[0], 0.75 * first + 0.25 * second, rtol=1e-5)
    np.testing.assert_array_equal(bags.summary[1], alone.astype(np.float32))


def test_a_word_of_one_window_keeps_its_vector_to_the_bit() -> None:
    windows = _windows([2, 3, 6], seed=3)
    bags = joined(windows, np.array([0, 1, 1]), np.array([2, 3, 6]), merge=True)
    np.testing.assert_array_equal(bags.vectors[:2], windows.vectors[:2])
    once = set(windows.word_ids[5:].tolist()) - set(windows.word_ids[2:5].tolist())
    for id in once:
        row, before = [int(np.flatnonzero(ids == id)[0]) for ids in (bags.word_ids[2:], windows.word_ids[5:])]
        np.testing.assert_array_equal(bags.vectors[2:][row], windows.vectors[5:][before])


def test_tokens_are_not_merged() -> None:
    windows = _windows([3, 2, 4], words=4)
    bags = joined(windows, np.array([0, 0, 1]), np.array([3, 2, 4]), merge=False)
    np.testing.assert_array_equal(bags.vectors, windows.vectors)
    assert bags.counts.tolist() == [5, 4]


def test_windows_that_are_texts_stay_as_they_are() -> None:
    windows = _windows([3, 2])
    assert joined(windows, np.array([0, 1]), np.array([3, 2]), merge=True, shares=True) is windows


def test_shares_of_a_query_still_add_up_to_one() -> None:
    windows = _windows([4, 6, 1], seed=5)
    norms = np.linalg.norm(windows.vectors, axis=1)
    sums = np.add.reduceat(norms, windows.offsets[:-1])
    shares = WordVectors(
        windows.vectors / np.repeat(sums, windows.counts)[:, None], windows.offsets, windows.word_ids, windows.summary
    )
    bag = joined(shares, np.array([0, 0, 0]), np.array([9, 12, 3]), merge=True, shares=True)
    assert np.linalg.norm(bag.vectors, axis=1).sum() == pytest.approx(1, abs=1e-5)
