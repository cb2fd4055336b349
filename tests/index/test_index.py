"""What an index keeps of its documents, and knows about itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index
from wordhive.index.files import checksum
from wordhive.index.storage import training
from wordhive.index.storage.settings import EncoderStamp
from wordhive.index.storage.word_id_lists import by_word_id

from .conftest import COUNTS, FLAT, Draw, Make, SlowScores, add_in_parts, all_scores, names, stored


def test_ids_are_given_back_unchanged(make: Make, draw: Draw) -> None:
    given = ["größe", "日本語", "🐝", "e\u0301", "é", "a/b\\c d\n", "'; DROP TABLE document; --", "0", "x" * 3000]
    index = make()
    index.add(given, draw(1, [2] * len(given)))
    assert list(index.snapshot().ids().values()) == given


def test_known_ids_are_told_from_others(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a", "é"], draw(1, [2, 1]))
    assert index.known_ids(["a", "A", "e\u0301", "é", "new"]) == {"a", "é"}


def test_an_empty_index_knows_no_ids(make: Make) -> None:
    assert make().known_ids(["a"]) == set()


def test_texts_and_attributes_are_given_back(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a", "b"], draw(1, [2, 1]), texts=["ein Text", "日本"], attributes=[{"year": 1984}, None])
    given = [
        (document.id, document.text, document.attributes) for document in index.snapshot().documents([0, 1]).values()
    ]
    assert given == [("a", "ein Text", {"year": 1984}), ("b", "日本", {})]


def test_documents_without_texts_have_none(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a"], draw(1, [2]))
    assert index.snapshot().documents([0])[0].text is None


def test_the_encoder_is_remembered(make: Make) -> None:
    stamp = EncoderStamp("all-MiniLM-L6-v2", "0123456789abcdef")
    index = make(encoder=stamp)
    assert Index.open(index.path).settings.encoder == stamp


def test_an_index_opened_again_gives_identical_results(make: Make, draw: Draw) -> None:
    index, queries = make(summary_weight=0.3), draw(2, [3, 5], summary_dim=4)
    add_in_parts(index, draw(1, COUNTS, summary_dim=4), [4])
    again = Index.open(index.path)
    np.testing.assert_array_equal(all_scores(again, queries), all_scores(index, queries))
    np.testing.assert_array_equal(
        again.snapshot().find_candidates(queries, 5), index.snapshot().find_candidates(queries, 5)
    )


def test_an_index_opened_again_knows_its_configuration(make: Make) -> None:
    index = make({"nprobe": 7}, summary_weight=0.3)
    again = Index.open(index.path)
    assert (again.settings.config, again.settings.summary_weight) == (index.settings.config, 0.3)


def test_a_copied_folder_is_an_index_of_its_own(make: Make, draw: Draw, tmp_path: Path) -> None:
    index, queries = make(), draw(2, [3, 5])
    index.add(names(6), draw(1, COUNTS))
    expected = all_scores(index, queries)
    index.close()
    shutil.copytree(index.path, tmp_path / "copy")
    shutil.rmtree(index.path)
    np.testing.assert_array_equal(all_scores(Index.open(tmp_path / "copy"), queries), expected)


def test_a_copy_grows_without_the_original(make: Make, draw: Draw, tmp_path: Path) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    shutil.copytree(index.path, tmp_path / "copy")
    Index.open(tmp_path / "copy").add(["new"], draw(3, [2]))
    assert (len(Index.open(tmp_path / "copy")), len(index)) == (7, 6)


def test_the_same_documents_make_the_same_files(make: Make, draw: Draw) -> None:
    checksums = []
    for name in ("one", "two"):
        index = make(name=name, summary_weight=0.3)
        index.add(names(6), draw(1, COUNTS, summary_dim=4))
        checksums.append(index._catalog.files())
    assert checksums[1] == checksums[0]


def test_the_catalog_names_every_file_with_its_checksum(make: Make, draw: Draw) -> None:
    index = make(summary_weight=0.3)
    add_in_parts(index, draw(1, COUNTS, summary_dim=4), [4])
    files = [path for part in ("segments", "params") for path in (index.path / part).rglob("*") if path.is_file()]
    expected = {path.relative_to(index.path).as_posix(): (path.stat().st_size, checksum(path)) for path in files}
    assert {file.path: (file.size, file.checksum) for file in index._catalog.files()} == expected


def test_word_ids_are_stored_as_given_in_their_own_order(make: Make, draw: Draw) -> None:
    index, documents = make(), draw(1, COUNTS)
    index.add(names(6), documents)
    np.testing.assert_array_equal(stored(index.path).word_ids, by_word_id(documents).word_ids)


def test_word_ids_may_be_left_out(make: Make, draw: Draw, slow_scores: SlowScores) -> None:
    index, documents, queries = make({**FLAT, "word_ids": False}), draw(1, COUNTS), draw(2, [3])
    index.add(names(6), documents)
    assert not index.snapshot().vectors(np.arange(6)).word_ids.any()
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=1e-5)
    assert index.snapshot().segments[0].word_ids.sizes.tolist() == [0] * 6


@pytest.mark.parametrize("codec", ["Ternary4", "PQ4x2"])
def test_codecs_that_learn_wait_for_documents(
    make: Make, draw: Draw, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_LEAST_FOR_CODEBOOKS", 10)
    index, documents = make({"codec": codec, "encoding": None}), draw(1, [4] * 12)
    sizes = []
    for first, last in ((0, 6), (6, 9), (9, 12)):
        index.add(names(12)[first:last], documents[first:last])
        sizes.append(index.snapshot().segments[-1].words.shape[1])
    assert sizes[:2] == [8, 8]  # SQ8
    assert sizes[2] < 8
    assert len(index.snapshot().generations) == 2
    index.delete(names(12)[:8])  # four are left, and what was learned stays
    index.add(["x"], draw(2, [3]))
    assert len(index.snapshot().generations) <= 2


def test_a_new_index_is_empty(make: Make) -> None:
    info = make().info()
    assert (info.n_documents, info.n_words, info.n_segments, info.dim, info.summary_dim) == (0, 0, 0, 0, 0)


def test_info_counts_what_was_added(make: Make, draw: Draw) -> None:
    index = make(summary_weight=0.3)
    add_in_parts(index, draw(1, COUNTS, summary_dim=4), [4])
    info = index.info()
    assert (info.n_documents, info.n_words, info.n_segments, info.dim, info.summary_dim) == (6, 15, 2, 8, 4)


def test_info_counts_the_bytes_of_every_file(make: Make, draw: Draw) -> None:
    index = make(summary_weight=0.3)
    add_in_parts(index, draw(1, COUNTS, summary_dim=4), [4])
    counted = sum(index.info().bytes.values())
    index.close()  # the last connection writes SQLite's log into the catalog
    few = {"lock", "committed"}  # bytes
    files = [path for path in index.path.rglob("*") if path.is_file() and path.name not in few]
    assert sum(path.stat().st_size for path in files) == counted


def test_info_counts_the_bytes_of_words_apart(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    assert index.info().bytes["words"] == (index.path / "segments" / "000000000000" / "words.npy").stat().st_size


def test_info_counts_the_bytes_of_texts(make: Make, draw: Draw) -> None:
    index = make()
    index.add(["a", "b"], draw(1, [2, 1]), texts=["größe", "日本"])
    assert index.info().text_bytes == 7 + 6
