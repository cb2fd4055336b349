"""The format of an index as docs/format.md tells it: a reader that knows nothing else reads fresh indexes."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.config import FittedConfig, MuveraConfig, ReductionConfig
from wordhive.index.scoring.scores import Scores
from wordhive.index.storage.word_id_lists import WordIdLists

from ...markdown_pages import ROOT
from ..conftest import with_windows
from .independent_reader import IndexReader

DIM, SUMMARY_DIM, N = 32, 16, 1100
PAGE = (ROOT / "docs/format.md").read_text(encoding="utf-8")


def vectors(random: np.random.Generator, n: int, *, summary: bool) -> WordVectors:
    offsets = np.concatenate([[0], np.cumsum(random.integers(0, 7, n))]).astype(np.int64)
    words = random.standard_normal((offsets[-1], DIM)).astype(np.float32)
    ids = random.integers(1, 900, offsets[-1]).astype(np.uint32)
    has_id = random.random(len(ids)) < 0.8
    has_id[offsets[:-1][np.diff(offsets) > 0]] = True  # a query of special tokens alone is refused by exact matching
    ids[~has_id] = 0
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


def assert_reads_the_same(index: Index, queries: WordVectors) -> IndexReader:
    """Every id, text, attribute, vector and score that the reader reads is wordhive's."""
    snapshot, reader = index.snapshot(), IndexReader(index.path)
    ids = snapshot.ids()
    rows = sorted(ids)
    assert reader.ids == ids
    stored = snapshot.documents(rows)
    assert reader.texts == {row: document.text for row, document in stored.items()}
    assert reader.attributes == {row: document.attributes for row, document in stored.items()}
    decoded = snapshot.vectors(np.array(rows))
    assert sorted(reader.vectors) == sorted(reader.word_ids) == rows
    assert [len(reader.vectors[row]) for row in rows] == decoded.counts.tolist()
    np.testing.assert_allclose(np.concatenate([reader.vectors[row] for row in rows]), decoded.vectors, atol=1e-5)
    np.testing.assert_array_equal(np.concatenate([reader.word_ids[row] for row in rows]), decoded.word_ids)
    assert sorted(reader.summaries) == ([] if decoded.summary is None else rows)
    if decoded.summary is not None:
        np.testing.assert_allclose(np.stack([reader.summaries[row] for row in rows]), decoded.summary, atol=1e-5)
    for number in range(len(queries)):
        query = queries[number : number + 1]
        scores = Scores.concat([block for [block] in snapshot.score_all(query)])
        expected = dict(zip([ids[row] for row in scores.rows.tolist()], scores.total.tolist(), strict=True))
        found = reader.scores(query.vectors, query.word_ids, None if query.summary is None else query.summary[0])
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)
    return reader


@pytest.mark.parametrize("summary", [True, False])
def test_windows_are_read_the_same(tmp_path: Path, summary: bool) -> None:
    random = np.random.default_rng(5)
    index = Index.create(tmp_path / "x", exact("Senary256", "SQ8"), summary_weight=0.3 if summary else 0.0)
    for first in (0, 300):
        counts = random.integers(2, 5, 300) * (random.random(300) < 0.5)
        texts = with_windows(vectors(random, 300, summary=summary), counts.tolist(), seed=first)
        index.add([f"d{n}" for n in range(first, first + 300)], texts)
    index.delete([f"d{n}" for n in range(0, 600, 7)])
    reader = assert_reads_the_same(index, vectors(random, 3, summary=summary))
    assert 100 < sum(bool(windows) for windows in reader.windows.values()) < 500
    index.compact()
    assert_reads_the_same(index, vectors(random, 3, summary=summary))
    index.close()


@pytest.mark.parametrize(
    ("config", "options"),
    [
        (exact("Flat", "Flat"), {}),
        (exact("SQ8"), {}),
        (exact("SQ4", "SQfp16"), {"summary": False}),
        (exact("SQ6", "SQ4"), {}),
        (exact("PQ8x4", "OPQ4,PQ4x4"), {}),
        (exact("PQ{dims/4}x6"), {}),
        (exact("Ternary256", "Residual16x1"), {}),
        (exact("Senary256", "Senary16"), {"exact_match": True}),
        (exact("Residual300x2", "Residual16x4"), {"store_texts": False}),
        (IndexConfig(codec="SQ8", word_ids=False, encoding=None), {}),
        (IndexConfig(codec="SQ8", encoding=None, lexical_weight=0.3), {}),
        (IndexConfig(codec="SQ8", encoding=None, lexical_weight=0.3), {"summary": False}),
    ],
    ids=lambda given: given.codec if isinstance(given, IndexConfig) else str(given),
)
def test_a_reader_that_knows_the_format_alone_reads_the_same(tmp_path: Path, config: Any, options: Any) -> None:
    index, queries = filled(tmp_path / "my.hive", config=config, **options)
    with closing(sqlite3.connect(tmp_path / "my.hive" / "catalog.db")) as catalog:
        assert len(catalog.execute("SELECT * FROM segment").fetchall()) == 2
        assert catalog.execute("SELECT count(*) FROM tombstone").fetchone()[0]
        dictionaries = catalog.execute("SELECT DISTINCT dictionary FROM text ORDER BY 1").fetchall()
    assert dictionaries == ([(None,), (1,)] if options.get("store_texts", True) else [])
    assert_reads_the_same(index, queries)
    index.close()


def test_first_stage_vectors_are_in_the_order_of_the_documents(tmp_path: Path) -> None:
    index, queries = filled(tmp_path / "my.hive", config="summary", exact_match=True)
    reader = assert_reads_the_same(index, queries)
    assert sorted(reader.candidates) == sorted(reader.ids)
    for row, summary in reader.summaries.items():  # both are codes of one byte of the same vector
        np.testing.assert_allclose(reader.candidates[row], summary, atol=0.1)
    index.close()


def test_each_segment_is_read_by_its_own_parameters(tmp_path: Path) -> None:
    """The first documents are too few to train the codec: their segment keeps the codec of its generation."""
    random = np.random.default_rng(4)
    index = Index.create(tmp_path / "my.hive", summary_weight=0.5, config=exact("Senary256", "Residual16x2"))
    index.add(["first", "second"], vectors(random, 2, summary=True), ["short", None])
    assert_reads_the_same(index, vectors(random, 2, summary=True))  # texts are compressed without a dictionary
    index.add([f"d{n}" for n in range(N)], vectors(random, N, summary=True), [""] * N)
    with closing(sqlite3.connect(tmp_path / "my.hive" / "catalog.db")) as catalog:
        assert catalog.execute("SELECT generation FROM segment ORDER BY 1").fetchall() == [(1,), (2,)]
    assert_reads_the_same(index, vectors(random, 2, summary=True))
    index.close()


def test_a_dictionary_may_be_empty(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    index = Index.create(tmp_path / "my.hive", config=exact("SQ8"))
    texts = [""] * 1000 + ["abc" * 50] * 10
    index.add([f"d{n}" for n in range(len(texts))], vectors(random, len(texts), summary=False), texts)
    with closing(sqlite3.connect(tmp_path / "my.hive" / "catalog.db")) as catalog:
        assert catalog.execute("SELECT id, content FROM dictionary").fetchall() == [(1, b"")]
    assert_reads_the_same(index, vectors(random, 1, summary=False))
    index.close()


def test_a_reader_notices_damage(tmp_path: Path) -> None:
    index, _ = filled(tmp_path / "my.hive", config=exact("SQ8"))
    index.close()
    words = next((tmp_path / "my.hive" / "segments").iterdir()).name
    changes = [
        "UPDATE segment SET n_words = n_words + 1",
        "UPDATE setting SET value = '0.4' WHERE name = 'summary_weight'",
    ]
    changes += ["DELETE FROM tombstone", "UPDATE document SET id = 'other' WHERE id = 'd2'"]
    changes += ["DELETE FROM history WHERE id = (SELECT max(id) FROM history)", "PRAGMA user_version = 4"]
    for number, change in enumerate(changes):
        damaged = shutil.copytree(tmp_path / "my.hive", tmp_path / f"{number}.hive")
        with closing(sqlite3.connect(damaged / "catalog.db")) as catalog, catalog:
            catalog.execute(change)
        with pytest.raises(AssertionError):
            IndexReader(damaged)
    path = tmp_path / "my.hive" / "segments" / words / "words.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(AssertionError):
        IndexReader(tmp_path / "my.hive")


def test_the_page_names_everything_that_an_index_holds(tmp_path: Path) -> None:
    random = np.random.default_rng(6)
    queries = vectors(random, 5, summary=True)
    reduction = ReductionConfig(dims=32, queries=64)
    fitted = FittedConfig(centroids=32, sample_words=200)
    muvera = MuveraConfig(repetitions=2, bits=2, final_dim=8)
    configs = [IndexConfig(codec="Senary256", encoding=fitted, reduction=reduction, large_candidates="Flat")]
    configs += [
        IndexConfig(encoding=muvera.model_copy(update={"final_projection": it})) for it in ("dense", "count-sketch")
    ]
    names: set[str] = set()
    for number, config in enumerate(configs):
        path = tmp_path / f"{number}.hive"
        index = Index.create(path, config=config, queries=queries if number == 0 else None, summary_weight=0.2)
        index.add([f"d{n}" for n in range(N)], vectors(random, N, summary=True))
        index.delete(["d1"])
        index.compact()
        index.set_candidates(20, 3)
        index.close()
        names |= {file.name for file in path.rglob("*") if file.is_file() and not file.name.startswith("catalog.db-")}
        for file in path.rglob("*.safetensors"):
            names |= set(load_file(file))
        with closing(sqlite3.connect(path / "catalog.db")) as catalog:
            for [table] in catalog.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                names |= {table, *(column[1] for column in catalog.execute(f"PRAGMA table_info({table})"))}
            names |= {name for [name] in catalog.execute("SELECT name FROM setting")}
    assert {"queries.safetensors", "candidates-large.faiss", "sketch", "final", "reduction.shift", "probes"} <= names
    code = re.findall(r"`([^`\n]+)`|^    (.+)$", PAGE, re.MULTILINE)
    assert not names - set(re.findall(r"[\w.-]+", " ".join(f"{inline} {block}" for inline, block in code)))


def test_the_example_of_word_ids() -> None:
    vocabulary, positions = np.arange(8, dtype=np.uint32), np.array([1, 1, 6], np.uint32)
    coded = WordIdLists.encode(positions, np.array([0, 3]), vocabulary)
    assert f"the byte {coded.codes[0]}" in PAGE
