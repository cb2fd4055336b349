from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import InputError, WordhiveError, WordVectors
from wordhive.index.storage.batch import Batch
from wordhive.index.storage.catalog.catalog import Catalog
from wordhive.index.storage.catalog.catalog_records import FileRecord, Generation, SegmentRecord
from wordhive.index.storage.catalog.documents import StoredDocument
from wordhive.index.storage.catalog.schema import FORMAT_VERSION
from wordhive.index.storage.catalog.text_compression import TextCodec
from wordhive.index.storage.catalog.transaction import Transaction

Documents = Sequence[tuple[int, str, str | None, str | None]]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog.create(tmp_path / "catalog.db", {"weight": 0.5, "name": "größe", "nothing": None})
    yield catalog
    catalog.close()


def store(catalog: Catalog, documents: Documents) -> None:
    codec = catalog.writing_codec([text for _, _, text, _ in documents])
    with catalog.commit("add", len(documents)) as transaction:
        insert(transaction, documents, codec)


def insert(transaction: Transaction, documents: Documents, codec: TextCodec | None = None) -> None:
    rows, ids, texts, attributes = zip(*documents, strict=True)
    batch = Batch(ids, WordVectors.empty(1), texts, attributes)
    transaction.insert_documents(rows, batch, codec or TextCodec(), store_texts=True)


def numbered(n: int) -> Documents:
    return [(row, f"id {row}", None, None) for row in range(n)]


def test_settings_are_given_back(catalog: Catalog) -> None:
    assert catalog.settings() == {"weight": 0.5, "name": "größe", "nothing": None}


def test_a_new_catalog_is_empty(catalog: Catalog) -> None:
    counted = (catalog.n_documents(), catalog.segments(), catalog.generations(), catalog.files(), catalog.ids())
    assert counted == (0, [], [], [], {})


def test_a_catalog_opened_again_holds_the_same(catalog: Catalog) -> None:
    store(catalog, numbered(3))
    again = Catalog.open(catalog.path)
    assert (again.ids(), again.settings()) == (catalog.ids(), catalog.settings())
    again.close()


def test_documents_are_given_back_as_they_were(catalog: Catalog) -> None:
    store(catalog, [(7, "日本語/é\u0301 \x00", "ein Text\n", '{"jahr": 1984, "tags": ["ü"]}')])
    expected = StoredDocument(7, "日本語/é\u0301 \x00", "ein Text\n", {"jahr": 1984, "tags": ["ü"]})
    assert catalog.documents([7, 8]) == {7: expected}


def test_a_document_without_attributes_has_none_of_them(catalog: Catalog) -> None:
    store(catalog, numbered(1))
    assert catalog.documents([0])[0].attributes == {}


@pytest.mark.parametrize("n", [0, 1, 499, 500, 501, 1203])
def test_any_number_of_ids_can_be_looked_up(catalog: Catalog, n: int) -> None:
    store(catalog, numbered(1300))
    asked = [f"id {row}" for row in range(n)]
    assert catalog.known_ids([*asked, "unknown"]) == set(asked)


@pytest.mark.parametrize("n", [0, 500, 1203])
def test_any_number_of_documents_can_be_read(catalog: Catalog, n: int) -> None:
    store(catalog, numbered(1300))
    assert sorted(catalog.documents(range(n))) == list(range(n))


def test_ids_that_look_alike_are_different(catalog: Catalog) -> None:
    alike = ["a", "A", "a ", "é", "e\u0301", "1", "01", "1.0"]
    store(catalog, [(row, id, None, None) for row, id in enumerate(alike)])
    assert list(catalog.ids().values()) == alike


def test_the_size_of_texts_is_counted_in_bytes(catalog: Catalog) -> None:
    store(catalog, [(0, "a", "größe", None), (1, "b", None, None), (2, "c", "日", None)])
    assert catalog.size().plain_texts == len("größe".encode()) + len("日".encode())


def test_segments_come_in_the_order_of_their_rows(catalog: Catalog) -> None:
    records = [SegmentRecord(f"{0:012d}", 1, 9, 2, 5, 2), SegmentRecord(f"{1:012d}", 1, 0, 9, 30, 9)]
    with catalog.commit("add", 11) as transaction:
        transaction.insert_generation(Generation(1, 8, 0, 0))
        for record in records:
            transaction.insert_segment(record, [])
    assert catalog.segments() == records[::-1]


def test_generations_and_files_are_given_back(catalog: Catalog) -> None:
    with catalog.commit("add", 0) as transaction:
        transaction.insert_generation(Generation(1, 8, 4, 9), [FileRecord("params/1/words.faiss", 12, "abc")])
    expected = ([Generation(1, 8, 4, 9)], [FileRecord("params/1/words.faiss", 12, "abc")])
    assert (catalog.generations(), catalog.files()) == expected


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_a_commit_that_fails_changes_nothing(catalog: Catalog, error: type[BaseException]) -> None:
    def fail() -> None:
        with catalog.commit("add", 1) as transaction:
            insert(transaction, numbered(1))
            raise error

    with pytest.raises(error):
        fail()
    assert catalog.n_documents() == 0


def test_after_a_commit_that_failed_the_next_one_counts(catalog: Catalog) -> None:
    store(catalog, numbered(1))
    with pytest.raises(sqlite3.IntegrityError):
        store(catalog, numbered(2))
    store(catalog, [(1, "b", None, None)])
    assert catalog.n_documents() == 2


def test_others_do_not_see_a_commit_before_its_end(catalog: Catalog) -> None:
    other = Catalog.open(catalog.path)
    with catalog.commit("add", 1) as transaction:
        insert(transaction, numbered(1))
        seen = other.n_documents()
    assert (seen, other.n_documents()) == (0, 1)
    other.close()


def test_every_commit_is_in_the_history(catalog: Catalog) -> None:
    store(catalog, numbered(3))
    rows = sqlite3.connect(catalog.path).execute("SELECT change, n_documents FROM history").fetchall()
    assert rows == [("add", 3)]


def test_a_disk_that_fills_up_within_a_commit_leaves_the_catalog_as_it_was(full_disk: Catalog) -> None:
    with pytest.raises(sqlite3.OperationalError):
        store(full_disk, [(row, f"{row:0500d}", None, None) for row in range(100)])
    assert full_disk.n_documents() == 0


def test_a_disk_that_fills_up_within_a_commit_says_so(full_disk: Catalog) -> None:
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store(full_disk, [(row, f"{row:0500d}", None, None) for row in range(100)])


@pytest.fixture
def full_disk(catalog: Catalog) -> Catalog:
    with catalog.commit("limit", 0):
        pass
    connection = catalog._connection
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    return catalog


def closed_catalog(path: Path, n_documents: int = 2000) -> Path:
    catalog = Catalog.create(path, {})
    store(catalog, numbered(n_documents))
    catalog.close()
    return path


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"garbage" * 1000, id="garbage"),
        pytest.param(lambda data: data[: len(data) // 2], id="half"),
        pytest.param(lambda data: data[:4096] + b"\x55" * (len(data) - 4096), id="schema only"),
    ],
)
def test_a_damaged_catalog_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = closed_catalog(tmp_path / "catalog.db")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(WordhiveError, match=r"catalog\.db is damaged"):
        Catalog.open(path)


def test_damage_found_while_reading_is_named(tmp_path: Path) -> None:
    path = closed_catalog(tmp_path / "catalog.db")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 40_000] + b"\x55" * 40_000)
    catalog = Catalog.open(path)
    with pytest.raises(WordhiveError, match="damaged"):
        catalog.documents(range(2000))


def test_a_catalog_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    path = closed_catalog(tmp_path / "catalog.db", 3)
    (tmp_path / "catalog.db-wal").mkdir()  # SQLite can't make its log: as on a read-only disk
    catalog = Catalog.open(path)
    assert catalog.n_documents() == 3
    with pytest.raises(sqlite3.OperationalError, match="readonly"), catalog.commit("add", 0):
        pass


def test_a_database_of_something_else_is_no_catalog(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "catalog.db")
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    with pytest.raises(WordhiveError, match="damaged or no catalog"):
        Catalog.open(tmp_path / "catalog.db")


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, FORMAT_VERSION - 1, 99, 0])
def test_another_format_is_refused_with_both_versions(tmp_path: Path, version: int) -> None:
    path = with_version(closed_catalog(tmp_path / "catalog.db", 1), version)
    with pytest.raises(InputError, match=f"format {version}; this wordhive reads format {FORMAT_VERSION}"):
        Catalog.open(path)


def test_a_newer_format_with_other_tables_is_refused_as_newer(tmp_path: Path) -> None:
    path = with_version(closed_catalog(tmp_path / "catalog.db", 1), FORMAT_VERSION + 1, "DROP TABLE segment")
    with pytest.raises(InputError, match=f"format {FORMAT_VERSION + 1}"):
        Catalog.open(path)


def with_version(path: Path, version: int, *changes: Any) -> Path:
    connection = sqlite3.connect(path)
    for change in [*changes, f"PRAGMA user_version = {version}"]:
        connection.execute(change)
    connection.commit()
    connection.close()
    return path
