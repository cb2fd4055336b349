"""Every argument of the index's public functions, given values of every kind: taken as it should be, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, MuveraConfig, WordhiveError, WordVectors
from wordhive.index.arguments import shown, whole_number
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.filters.conditions import attribute_key, condition
from wordhive.index.filters.expressions import parse_where
from wordhive.index.maintenance.check import check
from wordhive.index.parquet import export_index, import_index, n_documents
from wordhive.index.reading.snapshot import Snapshot
from wordhive.index.scoring.ball_carving import carve

Draw = Callable[..., WordVectors]
Taken = Callable[[Callable[[Any], Any]], set[str]]
Call = Callable[["Held", Any], Any]

SMALL = IndexConfig(encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=4))

NONE = {"None"}
NUMBERS = {"3", "3 of NumPy", "array of no dims"}
FROM_ZERO = NUMBERS | {"0"}
FLAGS = {"True", "True of NumPy"}
IDS = {"empty list", "list of strings", "tuple", "set", "generator", "array of strings"}
ROWS = {"empty list", "list of numbers", "generator of numbers", "array"}
DICTS = {"empty dict", "dict"}
CONFIG_NUMBERS = NUMBERS | {"3.0"}
REALS = {"0", "-1", "3", "3 of NumPy", "3.0", "1.5", "1.5 of NumPy", "fraction"}
SCALARS = {"0", "-1", "3", "3 of NumPy", "2**70", "3.0", "1.5", "1.5 of NumPy", "True", "True of NumPy"}


class Held:
    """An index with three documents, a snapshot of it, a query, and folders for new indexes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_made = 0
        self.query = WordVectors.from_list([np.eye(16)[:3]])
        self.index = Index.create(folder / "held", SMALL)
        self.index.add(
            ["a", "b", "c"], [np.eye(16)[i : i + 2] for i in range(3)], ["x", "y", "z"], [{"n": 1}, {}, None]
        )
        self.snapshot = self.index.snapshot()

    def create(self, **given: Any) -> Index:
        self.n_made += 1
        index = Index.create(**{"path": self.folder / f"made {self.n_made}", "config": SMALL, **given})
        index.close()
        return index

    def change(self, change: Callable[..., Any], **given: Any) -> None:
        """Add two documents with an argument of another kind, to an index that has others; or delete some."""
        ids = [f"new {self.n_made} {i}" for i in range(2)]
        self.n_made += 1
        change(self.index, **{"ids": ids, "vectors": [np.eye(16)] * 2, **given})

    def change_each(self, change: Callable[..., Any], name: str, value: Any) -> None:
        self.change(change, **{name: [value, value]})


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    made = Held(tmp_path_factory.mktemp("held"))
    yield made
    made.index.close()


def vectors(**given: Any) -> WordVectors:
    usual = {"vectors": np.ones((2, 3), np.float32), "offsets": np.array([0, 2]), "word_ids": np.zeros(2, np.uint32)}
    return WordVectors(**{**usual, **given})


# Each argument of each function, and the kinds of values that it takes.
CALLS: dict[str, tuple[Call, set[str]]] = {
    "create path": (lambda held, value: Index.create(value, SMALL), {"string", "path"}),
    "create config": (lambda held, value: held.create(config=value), NONE),
    "create encoder": (lambda held, value: held.create(encoder=value), NONE),
    "create summary_weight": (lambda held, value: held.create(summary_weight=value), {"0", "fraction"}),
    "create exact_match": (lambda held, value: held.create(exact_match=value, config="summary"), FLAGS),
    "create query_length": (lambda held, value: held.create(query_length=value), NONE | REALS - {"-1"} | {"2**70"}),
    "create queries": (lambda held, value: held.create(queries=value), NONE),
    "create store_texts": (lambda held, value: held.create(store_texts=value), FLAGS),
    "create device": (lambda held, value: held.create(device=value), set()),
    "open path": (lambda held, value: Index.open(value), set()),
    "open device": (lambda held, value: Index.open(held.index.path, device=value), set()),
    "add ids": (lambda held, value: held.change(Index.add, ids=value), set()),
    "add vectors": (lambda held, value: held.change(Index.add, vectors=value), set()),
    "add texts": (lambda held, value: held.change(Index.add, texts=value), NONE),
    "add attributes": (lambda held, value: held.change(Index.add, attributes=value), NONE),
    "upsert ids": (lambda held, value: held.change(Index.upsert, ids=value), set()),
    "upsert vectors": (lambda held, value: held.change(Index.upsert, vectors=value), set()),
    "upsert texts": (lambda held, value: held.change(Index.upsert, texts=value), NONE),
    "upsert attributes": (lambda held, value: held.change(Index.upsert, attributes=value), NONE),
    "each id": (lambda held, value: held.change(Index.upsert, ids=["other", value]), {"string", "U+0000"}),
    "each vectors": (lambda held, value: held.change_each(Index.add, "vectors", value), {"matrix"}),
    "each text": (
        lambda held, value: held.change_each(Index.add, "texts", value),
        {"None", "string", "empty string", "U+0000"},
    ),
    "each attributes": (lambda held, value: held.change_each(Index.add, "attributes", value), NONE | DICTS),
    "delete ids": (lambda held, value: held.index.delete(value, missing_ok=True), IDS),
    "delete where": (lambda held, value: held.index.delete(where={"$and": [{"$id": ""}, value]}), DICTS),
    "delete missing_ok": (lambda held, value: held.index.delete([], missing_ok=value), FLAGS),
    "set_candidates n": (lambda held, value: held.index.set_candidates(value), NONE | NUMBERS),
    "set_candidates probes": (lambda held, value: held.index.set_candidates(None, value), NONE | NUMBERS),
    "known_ids ids": (lambda held, value: held.index.known_ids(value), IDS),
    "texts ids": (lambda held, value: held.snapshot.texts(value), IDS),
    "rows ids": (lambda held, value: held.snapshot.rows(value), IDS),
    "documents rows": (lambda held, value: held.snapshot.documents(value), {"empty list", "array"}),
    "vectors rows": (lambda held, value: held.snapshot.vectors(value), ROWS),
    "find_candidates queries": (lambda held, value: held.snapshot.find_candidates(value, 3), set()),
    "find_candidates n": (lambda held, value: held.snapshot.find_candidates(held.query, value), FROM_ZERO),
    "find_candidates rows": (lambda held, value: held.snapshot.find_candidates(held.query, 3, value), NONE | ROWS),
    "find_candidates probes": (
        lambda held, value: held.snapshot.find_candidates(held.query, 3, probes=value),
        NONE | NUMBERS,
    ),
    "score query": (lambda held, value: held.snapshot.score(value, np.arange(2)), set()),
    "score rows": (lambda held, value: held.snapshot.score(held.query, value), ROWS),
    "score_all queries": (lambda held, value: list(held.snapshot.score_all(value)), set()),
    "score_all rows": (lambda held, value: list(held.snapshot.score_all(held.query, value)), NONE | ROWS),
    "matching where": (lambda held, value: held.snapshot.matching(value), DICTS),
    "sample n": (lambda held, value: held.snapshot.sample(value), FROM_ZERO),
    "probing n": (lambda held, value: held.snapshot.probing(value), NUMBERS),
    "check path": (lambda held, value: check(value), set()),
    "export_index index": (lambda held, value: export_index(value, "x.parquet"), set()),
    "export_index path": (lambda held, value: export_index(held.index, value), {"string", "path"}),
    "export_index vectors": (lambda held, value: export_index(held.index, "x.parquet", vectors=value), FLAGS),
    "import_index path": (lambda held, value: import_index(value, "new"), set()),
    "n_documents path": (lambda held, value: n_documents(value), set()),
    "WordVectors vectors": (lambda held, value: vectors(vectors=value), {"matrix"}),
    "WordVectors offsets": (lambda held, value: vectors(offsets=value), {"array"}),
    "WordVectors word_ids": (lambda held, value: vectors(word_ids=value), set()),
    "WordVectors summary": (lambda held, value: vectors(summary=value), NONE),
    "from_list texts": (lambda held, value: WordVectors.from_list(value), set()),
    "from_list each text": (lambda held, value: WordVectors.from_list([value]), {"matrix"}),
    "from_list dim": (lambda held, value: WordVectors.from_list([np.ones((1, 3))], dim=value), NONE | NUMBERS),
    "empty dim": (lambda held, value: WordVectors.empty(value), FROM_ZERO),
    "empty summary_dim": (lambda held, value: WordVectors.empty(3, value), FROM_ZERO),
    "take texts": (lambda held, value: held.query.take(value), {"empty list"}),
    "slice of WordVectors": (lambda held, value: held.query[value], set()),
    "ends of a slice": (lambda held, value: held.query[value:], NONE | FROM_ZERO | {"-1", "True", "2**70", "10**5000"}),
    "concat parts": (lambda held, value: WordVectors.concat(value), set()),
    "carve queries": (lambda held, value: carve(value, 0.5), set()),
    "carve threshold": (lambda held, value: carve(held.query, value), REALS | {"2**70", "infinity"}),
    "IndexConfig.load preset": (lambda held, value: IndexConfig.load(value), set()),
    "IndexConfig.parse text": (lambda held, value: IndexConfig.parse(value, "it"), {"empty string"}),
    "codec": (lambda held, value: IndexConfig(codec=value), {"string"}),
    "summary_codec": (lambda held, value: IndexConfig(summary_codec=value), {"string"}),
    "word_ids": (lambda held, value: IndexConfig(word_ids=value), FLAGS | {"0"}),
    "encoding": (lambda held, value: IndexConfig(encoding=value), {"None", "empty dict"}),
    "reduction": (lambda held, value: IndexConfig(reduction=value), {"None", "empty dict"}),
    "candidates": (lambda held, value: IndexConfig(candidates=value), {"string"}),
    "large_candidates": (lambda held, value: IndexConfig(large_candidates=value), {"None", "string"}),
    "large_from": (lambda held, value: IndexConfig(large_from=value), CONFIG_NUMBERS),
    "nprobe": (lambda held, value: IndexConfig(nprobe=value), CONFIG_NUMBERS),
    "ef_search": (lambda held, value: IndexConfig(ef_search=value), CONFIG_NUMBERS),
    "ef_construction": (lambda held, value: IndexConfig(ef_construction=value), CONFIG_NUMBERS),
    "links": (lambda held, value: IndexConfig(links=value), set()),
    "repetitions": (lambda held, value: MuveraConfig(repetitions=value), CONFIG_NUMBERS),
    "bits": (lambda held, value: MuveraConfig(bits=value), CONFIG_NUMBERS | {"0"}),
    "projection_dim": (lambda held, value: MuveraConfig(projection_dim=value), NONE | CONFIG_NUMBERS),
    "final_dim": (lambda held, value: MuveraConfig(final_dim=value), NONE | CONFIG_NUMBERS),
    "seed": (lambda held, value: MuveraConfig(seed=value), CONFIG_NUMBERS | {"0"}),
    "centroids": (lambda held, value: FittedConfig(centroids=value), CONFIG_NUMBERS),
    "threshold": (lambda held, value: FittedConfig(threshold=value), {"0", "-1", "fraction"}),
    "ridge": (lambda held, value: FittedConfig(ridge=value), REALS - {"0", "-1"} | {"2**70", "array of no dims"}),
    "dims": (lambda held, value: ReductionConfig(dims=value), CONFIG_NUMBERS),
    "condition where": (lambda held, value: condition(value), DICTS),
    "value in a filter": (
        lambda held, value: condition({"a": value}),
        SCALARS | {"None", "string", "empty string", "array of no dims"},
    ),
    "list in a filter": (
        lambda held, value: condition({"a": {"$in": value}}),
        {
            "empty list", "list of numbers", "list of large numbers", "list of booleans", "list of None",
            "list of strings", "tuple", "set", "array", "array of strings",
        },
    ),
    "order in a filter": (
        lambda held, value: condition({"a": {"$gt": value}}),
        SCALARS - FLAGS | {"string", "empty string", "array of no dims"},
    ),
    "ids in a filter": (
        lambda held, value: condition({"$id": {"$in": value}}),
        {"empty list", "list of strings", "tuple", "set", "array of strings"},
    ),
    "filters in a filter": (lambda held, value: condition({"$or": value}), {"empty list"}),
    "filter in a filter": (lambda held, value: condition({"$not": value}), DICTS),
    "parse_where text": (lambda held, value: parse_where(value), set()),
    "attribute_key name": (
        lambda held, value: attribute_key(value),
        {"string", "empty string", "half a character", "U+0000"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore:no document has the attribute")
def test_an_argument_takes_its_kinds_of_values_and_refuses_others(
    taken: Taken, held: Held, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.split("_")[0] in ("export", "import", "n"):
        pytest.importorskip("pyarrow")
    (tmp_path / "no/such").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    call, kinds = CALLS[name]
    assert taken(lambda value: call(held, value)) == kinds


def test_what_was_refused_changed_nothing(taken: Taken, tmp_path: Path) -> None:
    held = Held(tmp_path)
    before = held.snapshot.documents([0, 1, 2])
    for name in ("add ids", "add vectors", "upsert ids", "upsert vectors", "open path", "score query"):
        taken(lambda value, call=CALLS[name][0]: call(held, value))
    assert held.snapshot.documents(sorted(held.index.snapshot().ids())) == before


def test_numbers_of_numpy_are_those_of_python(held: Held) -> None:
    for kind in (np.int8, np.uint64):
        assert type(whole_number(kind(3), "k")) is int
        found = held.snapshot.find_candidates(held.query, kind(2))
        np.testing.assert_array_equal(found, held.snapshot.find_candidates(held.query, 2))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", r"'a\nb'"),
        (np.zeros((3, 2)), "array([[0., 0.], [0., 0.], [0., 0.]])"),
        ("x" * 200, "'" + "x" * 78 + "…"),
    ],
)
def test_a_value_is_shown_on_one_short_line(value: Any, text: str) -> None:
    assert shown(value) == text


def test_a_value_that_can_not_be_printed_is_shown_by_its_type() -> None:
    assert shown(10**5000) == "<int too large to print>"


@pytest.mark.parametrize("row", [3, 99, -1, 2**40])
def test_a_row_of_no_document_is_the_callers_fault(held: Held, row: int) -> None:
    with pytest.raises(InputError, match=f"held holds no document in row {row}; see ids"):
        held.snapshot.documents([0, row])


def test_rows_of_deleted_documents_are_the_callers_fault(tmp_path: Path) -> None:
    index = Held(tmp_path).index
    index.delete(["b"])
    now: Snapshot = index.snapshot()
    with pytest.raises(InputError, match="no document in row 1"):
        now.documents([1])
    assert [document.id for document in now.documents([0, 2]).values()] == ["a", "c"]


@pytest.mark.parametrize("ids", [[8], [("a",)], [2**70], [None], [b"a"], ["a", 1.5], "abc", b"abc", {"a": 1}, 8])
def test_ids_that_are_no_strings_are_refused_wherever_they_are_looked_for(held: Held, ids: Any) -> None:
    for look in (held.index.delete, held.index.known_ids, held.snapshot.texts, held.index.snapshot().rows):
        with pytest.raises(InputError, match=r"ids are strings: give a list of them|expected a list of ids"):
            look(ids)
    assert len(held.snapshot) == 3


def test_ids_are_found_in_sets_and_generators(held: Held) -> None:
    for ids in ({"a", "b"}, (id for id in "ab"), np.array(["a", "b"]), dict.fromkeys("ab").keys()):
        assert held.index.known_ids(ids) == {"a", "b"}


@pytest.mark.parametrize("message", ["one\ntwo", "one\r\n   two", "one\u2028two", " one\x0btwo\n"])
@pytest.mark.parametrize("kind", [InputError, WordhiveError])
def test_a_message_is_one_line(kind: type[WordhiveError], message: str) -> None:
    assert str(kind(message)) == "one two"
