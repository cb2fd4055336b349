"""Long documents: each has the score of its best window, through all that an index does with them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, InputError, WordhiveError, WordVectors
from wordhive.index.maintenance.check import check
from wordhive.index.parquet import export_index, import_index
from wordhive.index.scoring.torch_scoring import TorchScoring
from wordhive.index.storage import training
from wordhive.index.vectors.window_words import WindowWords

from .conftest import FLAT, Draw, Make, all_scores, names, with_windows

COUNTS = [6, 1, 0, 9, 4, 12, 3]
# Windows of some documents; one is empty, one holds all words, a document has windows beside one that has none.
WINDOWS = [2, 0, 0, 3, 0, 4, 2]


def slow_scores(queries: WordVectors, texts: WordVectors, weight: float, *, exact: bool = False) -> NDArray[np.float64]:
    """The best window's score of each text, word by word."""
    windows = texts.windows
    assert windows is not None
    scores = np.zeros((len(queries), len(texts)))
    for row in range(len(queries)):
        query = queries[row : row + 1]
        for column in range(len(texts)):
            text = texts[column : column + 1]
            first, last = windows.starts[column : column + 2]
            sets = [windows.words[windows.offsets[n] : windows.offsets[n + 1]] for n in range(first, last)]
            summaries = windows.summary[first:last] if windows.summary is not None else [None] * len(sets)
            if not sets:
                sets, summaries = [np.arange(len(text.vectors))], [None if text.summary is None else text.summary[0]]
            totals = []
            for words, summary in zip(sets, summaries, strict=True):
                total = 0.0
                for vector, id in zip(query.vectors, query.word_ids, strict=True):
                    products = text.vectors[words] @ vector
                    if exact:
                        products = np.where(text.word_ids[words] == id, np.maximum(products, 0), 0)
                    total += (1 - weight) * float(products.max(initial=-np.inf)) if len(words) else 0.0
                if summary is not None and query.summary is not None:
                    total += weight * float(query.summary[0] @ summary)
                totals.append(total)
            scores[row, column] = max(totals)
    return scores


@pytest.fixture
def long_texts(draw: Draw) -> WordVectors:
    return with_windows(draw(1, COUNTS, summary_dim=4), WINDOWS)


def _stored(index: Index) -> WordVectors:
    snapshot = index.snapshot()
    return snapshot.vectors(np.array(sorted(snapshot.ids())))


@pytest.mark.parametrize("codec", ["SQ8", "Flat", "SQfp16", "PQ4x2", "Residual300x2"])
@pytest.mark.parametrize("weight", [0.0, 0.4])
def test_a_document_has_the_score_of_its_best_window(
    make: Make, draw: Draw, long_texts: WordVectors, codec: str, weight: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_LEAST_FOR_CODEBOOKS", 1)
    index, queries = make({"codec": codec}, summary_weight=weight), draw(2, [3, 0, 5], summary_dim=4)
    index.add(names(4), long_texts[:4])
    index.add(names(3, 4), long_texts[4:])
    expected = slow_scores(queries, _stored(index), weight)
    np.testing.assert_allclose(all_scores(index, queries), expected, atol=1e-5)
    snapshot = index.snapshot()
    for row in range(3):
        scores = snapshot.score(queries[row : row + 1], np.array([6, 0, 3, 2, 5]))
        np.testing.assert_allclose(scores.total, expected[row, scores.rows], atol=1e-5)
        np.testing.assert_allclose(scores.words + scores.summary, scores.total, atol=1e-6)


def test_windows_are_stored_as_they_were_given(make: Make, long_texts: WordVectors) -> None:
    index = make(FLAT, summary_weight=0.4)
    index.add(names(7), long_texts)
    stored, given = _stored(index), long_texts
    assert stored.windows is not None
    assert given.windows is not None
    assert stored.windows.counts.tolist() == given.windows.counts.tolist()
    assert stored.windows.summary is not None
    np.testing.assert_allclose(stored.windows.summary, given.windows.summary, atol=1e-6)
    for number in range(len(given.windows)):
        ids = []
        for each in (stored, given):
            windows = each.windows
            assert windows is not None
            text = int(np.searchsorted(windows.starts, number, side="right")) - 1
            words = windows.words[windows.offsets[number] : windows.offsets[number + 1]]
            ids.append(sorted(each.word_ids[each.offsets[text] + words].tolist()))
        assert ids[0] == ids[1]


def test_windows_stay_through_deletes_merges_and_another_generation(
    make: Make, draw: Draw, long_texts: WordVectors
) -> None:
    index, queries = make(FLAT, summary_weight=0.4), draw(2, [3, 5], summary_dim=4)
    index.add(names(3), long_texts[:3])
    index.add(names(2, 3), dataclasses.replace(long_texts[3:5], windows=None))
    index.add(names(2, 5), long_texts[5:])
    index.delete(["doc 1"])
    for change in (index.compact, index.refit):
        change()
        kept = WordVectors.concat([
            long_texts[0:1], long_texts[2:3], dataclasses.replace(long_texts[3:5], windows=None), long_texts[5:]
        ])  # fmt: skip
        np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, kept, 0.4), atol=1e-5)
    assert check(index.path, untrusted=True) == []


def test_identical_words_meet_in_the_best_window(make: Make, draw: Draw, long_texts: WordVectors) -> None:
    index = make({**FLAT, "encoding": None}, exact_match=True, summary_weight=0.3)
    queries = draw(2, [4, 6], summary_dim=4)
    ids = np.random.default_rng(0).choice(long_texts.word_ids, len(queries.word_ids))
    queries = dataclasses.replace(queries, word_ids=ids.astype(np.uint32))
    index.add(names(7), long_texts)
    expected = slow_scores(queries, long_texts, 0.3, exact=True)
    np.testing.assert_allclose(all_scores(index, queries), expected, atol=1e-5)


@pytest.mark.parametrize("codec", ["Flat", "SQ8"])
def test_torch_scores_windows_as_the_kernels_do(make: Make, draw: Draw, long_texts: WordVectors, codec: str) -> None:
    index, queries = make({"codec": codec}, summary_weight=0.4), draw(2, [3, 5], summary_dim=4)
    index.add(names(7), long_texts)
    snapshot = index.snapshot()
    expected = [block[1].total for block in snapshot.score_all(queries)]
    snapshot.files.scoring = TorchScoring("cpu")
    found = [block[1].total for block in snapshot.score_all(queries)]
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(expected), atol=1e-5)


def test_windows_go_through_parquet(make: Make, draw: Draw, long_texts: WordVectors, tmp_path: Path) -> None:
    index, queries = make(FLAT, summary_weight=0.4), draw(2, [3, 5], summary_dim=4)
    index.add(names(7), long_texts)
    export_index(index, tmp_path / "x.parquet")
    again = import_index(tmp_path / "x.parquet", tmp_path / "again")
    np.testing.assert_allclose(all_scores(again, queries), all_scores(index, queries), atol=1e-5)


def test_an_index_of_short_documents_has_no_windows(make: Make, draw: Draw) -> None:
    index = make(FLAT)
    index.add(names(7), draw(1, COUNTS))
    assert not list(index.path.rglob("window*"))
    assert index.info().bytes["windows"] == 0


def test_windows_are_counted_in_what_an_index_takes(make: Make, long_texts: WordVectors) -> None:
    index = make(FLAT, summary_weight=0.4)
    index.add(names(7), long_texts)
    size = sum(path.stat().st_size for path in index.path.rglob("window*"))
    assert index.info().bytes["windows"] == size > 0


@pytest.mark.parametrize("name", ["window_counts", "window_sizes", "window_summaries", "window_word_sizes"])
def test_damaged_windows_are_named(make: Make, long_texts: WordVectors, name: str) -> None:
    index = make(FLAT, summary_weight=0.4)
    index.add(names(7), long_texts)
    index.close()
    (path,) = index.path.rglob(f"{name}.npy")
    array = np.load(path)
    np.save(path, array[:-1])
    with pytest.raises(WordhiveError, match=name), Index.open(index.path) as opened:
        opened.snapshot()


@pytest.mark.parametrize(
    ("counts", "offsets", "words", "message"),
    [
        ([2], [0, 1, 3], [0, 1, 9], "a position that its text does not have"),
        ([2], [0, 1], [0], "the offsets of 2 windows"),
        ([2], [0, 1, 2], [0, -1], "a negative position"),
        ([2], [0, 2, 3], [1, 1, 0], "not ascending"),
        ([2, 0], [0, 1, 2], [0, 1], "windows of 2 texts; expected those of 1"),
    ],
)
def test_windows_that_fit_no_text_are_refused(
    draw: Draw, counts: list[int], offsets: list[int], words: list[int], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        dataclasses.replace(draw(1, [4]), windows=WindowWords(np.array(counts), np.array(offsets), np.array(words)))


def test_texts_are_taken_sliced_and_joined_with_their_windows(long_texts: WordVectors) -> None:
    chosen = np.array([5, 1, 0, 6])
    one_by_one = WordVectors.concat([long_texts[n : n + 1] for n in chosen.tolist()])
    for found in (long_texts.take(chosen), one_by_one, WordVectors.from_tensors(long_texts.tensors()).take(chosen)):
        assert found.windows is not None
        assert found.windows.counts.tolist() == [4, 0, 2, 2]
        expected = long_texts.take(chosen).windows
        assert expected is not None
        assert found.windows.words.tolist() == expected.words.tolist()
        np.testing.assert_allclose(found.windows.summary, expected.summary, atol=1e-3)
    assert WordVectors.concat([long_texts[1:3], long_texts[4:5]]).windows is None


def test_the_first_stage_finds_long_documents(make: Make, draw: Draw) -> None:
    counts = [30] * 40
    texts = with_windows(draw(1, counts, summary_dim=4), [2] * 40)
    index = make({}, summary_weight=0.4)
    index.add(names(40), texts)
    queries = WordVectors(texts.vectors[:3], np.array([0, 3]), texts.word_ids[:3], texts.summary[:1])  # type: ignore[index]
    assert 0 in index.snapshot().find_candidates(queries, 10)[0]


def test_an_exact_config_needs_no_windows(tmp_path: Path, long_texts: WordVectors) -> None:
    index = Index.create(tmp_path / "x", IndexConfig.load("exact"))
    index.add(names(7), dataclasses.replace(long_texts, summary=None, windows=None))
    assert _stored(index).windows is None
