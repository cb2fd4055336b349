"""Every argument of the public functions for texts, given values of every kind: taken as it should be, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import IndexConfig, InputError, MuveraConfig
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.searcher import Searcher
from wordhive.retrieval.texts.documents import Document
from wordhive.retrieval.tuning import tune

Taken = Callable[[Callable[[Any], Any]], set[str]]
Call = Callable[["Held", Any], Any]

SMALL = IndexConfig(encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=8))

NONE = {"None"}
NUMBERS = {"3", "3 of NumPy", "array of no dims"}
FROM_ZERO = NUMBERS | {"0"}
FLAGS = {"True", "True of NumPy"}
STRINGS = {"empty list", "list of strings", "tuple", "set", "generator", "array of strings"}
ROWS = {"empty list", "list of numbers", "generator of numbers", "array"}
DICTS = {"empty dict", "dict"}
REALS = {"0", "-1", "3", "3 of NumPy", "3.0", "1.5", "1.5 of NumPy", "fraction"}
TEXTS = {"string", "empty string", "U+0000"}
WHOLE = {"0", "-1", "3", "3 of NumPy", "2**70"}
JSON = {
    "None", "True", "True of NumPy", "0", "-1", "3", "3 of NumPy", "2**70", "3.0", "1.5", "1.5 of NumPy", "string",
    "empty string", "empty list", "list of numbers", "list of large numbers", "list of booleans", "list of None",
    "list of strings", "list of tuples", "tuple", "empty dict", "dict", "array", "array of no dims", "array of strings",
    "matrix",
}  # fmt: skip


class Held:
    """A retriever with documents, and a folder for new ones."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder
        self.n_made = 0
        self.model = str(model)
        self.encoder = Encoder.load(self.model, device="cpu")
        self.retriever = self.create()
        self.retriever.add([("a", "bees dance"), ("8", "ants follow"), ("c", "honey")])
        self.others = self.create()
        self.query = self.encoder.encode_queries(["bees"])

    def create(self, **given: Any) -> Retriever:
        self.n_made += 1
        return Retriever.create(
            **{"path": self.folder / f"made {self.n_made}", "model": self.encoder, "config": SMALL, **given}
        )

    def open(self, **given: Any) -> Retriever:
        return Retriever.open(**{"path": self.retriever.index.path, "model": self.encoder, **given})

    def store(self, document: Any) -> None:
        self.others.upsert([document])


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Held:
    return Held(tmp_path_factory.mktemp("held"), tiny_folder)


# Each argument of each function, and the kinds of values that it takes.
CALLS: dict[str, tuple[Call, set[str]]] = {
    "create model": (lambda held, value: held.create(model=value), set()),
    "create config": (lambda held, value: held.create(config=value), NONE),
    "create queries": (lambda held, value: held.create(queries=value), {"None", "empty list"}),
    "create store_texts": (lambda held, value: held.create(store_texts=value), FLAGS),
    "create device": (lambda held, value: held.create(device=value), set()),
    "open path": (lambda held, value: held.open(path=value), set()),
    "open model": (lambda held, value: held.open(model=value), NONE),
    "open device": (lambda held, value: held.open(device=value), set()),
    "open backend": (lambda held, value: held.open(backend=value), set()),
    "open cache_queries": (lambda held, value: held.open(cache_queries=value), FROM_ZERO),
    "Retriever index": (lambda held, value: Retriever(value, held.encoder), set()),
    "Retriever encoder": (lambda held, value: Retriever(held.retriever.index, value), set()),
    "add documents": (lambda held, value: held.retriever.add(value), STRINGS),
    "add skip_known": (lambda held, value: held.retriever.add([], skip_known=value), FLAGS),
    "add total": (lambda held, value: held.retriever.add(iter(()), total=value), NONE | FROM_ZERO),
    "add show_progress": (lambda held, value: held.retriever.add([], show_progress=value), NONE | FLAGS | {"function"}),
    "upsert documents": (lambda held, value: held.retriever.upsert(value), STRINGS),
    "upsert total": (lambda held, value: held.retriever.upsert([], total=value), NONE | FROM_ZERO),
    "one document": (lambda held, value: held.store(value), TEXTS),
    "an id": (lambda held, value: held.store({"id": value, "text": "x"}), WHOLE | {"string", "U+0000"}),
    "an id of a pair": (lambda held, value: held.store((value, "x")), WHOLE | {"string", "U+0000"}),
    "a text": (lambda held, value: held.store({"id": "q", "text": value}), TEXTS),
    "a title": (
        lambda held, value: held.store({"id": "q", "text": "x", "title": value}),
        JSON | {"U+0000"} - {"U+0000"},
    ),
    "an attribute": (lambda held, value: held.store({"id": "q", "text": "x", "a": value}), JSON),
    "id of a Document": (lambda held, value: held.store(Document(value, "x")), {"string", "U+0000"}),
    "text of a Document": (lambda held, value: held.store(Document("q", value)), TEXTS),
    "attributes of a Document": (lambda held, value: held.store(Document("q", "x", value)), DICTS),
    "delete ids": (
        lambda held, value: held.retriever.delete(value, missing_ok=True),
        STRINGS | {"list of numbers", "list of large numbers", "generator of numbers", "array"},
    ),
    "get ids": (lambda held, value: held.retriever.get(value), {"empty list"}),
    "delete where": (lambda held, value: held.retriever.delete(where={"$and": [{"$id": ""}, value]}), DICTS),
    "delete missing_ok": (lambda held, value: held.retriever.delete([], missing_ok=value), FLAGS),
    "search queries": (lambda held, value: held.retriever.search(value), TEXTS | STRINGS),
    "search k": (lambda held, value: held.retriever.search("bees", value), NUMBERS),
    "search candidates": (lambda held, value: held.retriever.search("bees", candidates=value), NONE | NUMBERS),
    "search where": (lambda held, value: held.retriever.search("bees", where=value), NONE | DICTS),
    "search carving": (
        lambda held, value: held.retriever.search("bees", carving=value),
        NONE | REALS | {"2**70", "infinity"},
    ),
    "search offset": (lambda held, value: held.retriever.search("bees", offset=value), NONE | FROM_ZERO),
    "search score_threshold": (
        lambda held, value: held.retriever.search("bees", score_threshold=value),
        NONE | REALS | {"2**70"},
    ),
    "count where": (lambda held, value: held.retriever.count(value), NONE | DICTS),
    "more_like id": (lambda held, value: held.retriever.more_like(value), set()),
    "rerank query": (lambda held, value: held.retriever.rerank(value, ["x"]), TEXTS),
    "rerank texts": (lambda held, value: held.retriever.rerank("bees", value), STRINGS),
    "rerank k": (lambda held, value: held.retriever.rerank("bees", ["x"], value), NONE | NUMBERS),
    "update attributes": (lambda held, value: held.retriever.update(["a"], value), DICTS),
    "create text_fields": (lambda held, value: held.create(text_fields=value), NONE | STRINGS - {"empty list"}),
    "search times": (lambda held, value: held.retriever.search("bees", times=value), NONE),
    "explain query": (lambda held, value: held.retriever.explain(value, "a"), {"string", "U+0000"}),
    "explain id": (lambda held, value: held.retriever.explain("bees", value), set()),
    "Searcher index": (lambda held, value: Searcher(value, held.encoder), set()),
    "Searcher encoder": (lambda held, value: Searcher(held.retriever.index, value), NONE),
    "Searcher cache_queries": (
        lambda held, value: Searcher(held.retriever.index, held.encoder, cache_queries=value),
        FROM_ZERO,
    ),
    "search_vectors queries": (lambda held, value: held.retriever.searcher.search_vectors(value), set()),
    "search_vectors a query": (lambda held, value: held.retriever.searcher.search_vectors([value]), set()),
    "search_vectors k": (lambda held, value: held.retriever.searcher.search_vectors(held.query, value), NUMBERS),
    "Searcher.score_all queries": (lambda held, value: held.retriever.searcher.score_all(value, 3), set()),
    "Searcher.score_all k": (lambda held, value: held.retriever.searcher.score_all(held.query, value), NUMBERS),
    "Searcher.score_all snapshot": (lambda held, value: held.retriever.searcher.score_all(held.query, 3, value), NONE),
    "Searcher.score_all rows": (
        lambda held, value: held.retriever.searcher.score_all(held.query, 3, None, value),
        NONE | ROWS,
    ),
    "load name": (lambda held, value: Encoder.load(value), set()),
    "load words": (lambda held, value: Encoder.load(held.model, device="cpu", words=value), set()),
    "load dim": (lambda held, value: Encoder.load(held.model, device="cpu", dim=value), NONE | NUMBERS),
    "load device": (lambda held, value: Encoder.load(held.model, device=value), NONE),
    "load precision": (lambda held, value: Encoder.load(held.model, device="cpu", precision=value), set()),
    "load backend": (lambda held, value: Encoder.load(held.model, device="cpu", backend=value), set()),
    "Encoder model": (lambda held, value: Encoder(value), set()),
    "Encoder name": (
        lambda held, value: Encoder(held.encoder.model, name=value),
        TEXTS | {"half a character"},
    ),
    "Encoder precision": (lambda held, value: Encoder(held.encoder.model, precision=value), set()),
    "Encoder backend": (lambda held, value: Encoder(held.encoder.model, backend=value), set()),
    "Encoder.of model": (lambda held, value: Encoder.of(value), set()),
    "encode_documents texts": (lambda held, value: held.encoder.encode_documents(value), STRINGS),
    "encode_documents batch_size": (
        lambda held, value: held.encoder.encode_documents(["x"], batch_size=value),
        NUMBERS,
    ),
    "encode_documents show_progress": (
        lambda held, value: held.encoder.encode_documents(["x"], show_progress=value),
        NONE | FLAGS | {"function"},
    ),
    "encode_documents on_batch": (
        lambda held, value: held.encoder.encode_documents(["x"], on_batch=value),
        {"None", "function"},
    ),
    "encode_queries texts": (lambda held, value: held.encoder.encode_queries(value), STRINGS),
    "encode_queries batch_size": (lambda held, value: held.encoder.encode_queries(["x"], batch_size=value), NUMBERS),
    "count_words texts": (lambda held, value: held.encoder.count_words(value), STRINGS),
    "preprocess texts": (lambda held, value: held.encoder.preprocess(value, "query"), STRINGS),
    "preprocess task": (lambda held, value: held.encoder.preprocess(["x"], value), set()),
    "prompt task": (lambda held, value: held.encoder.prompt(value), set()),
    "with_dim dim": (lambda held, value: held.encoder.with_dim(value), NUMBERS),
    "with_backend backend": (lambda held, value: held.encoder.with_backend(value), set()),
    "tune searcher": (lambda held, value: tune(value), set()),
    "tune target": (lambda held, value: tune(held.retriever.searcher, value), {"fraction"}),
    "tune k": (lambda held, value: tune(held.retriever.searcher, 0.1, k=value), NUMBERS),
    "tune queries": (
        lambda held, value: tune(held.retriever.searcher, 0.1, queries=value),
        NONE | STRINGS - {"empty list"},
    ),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore:no document has the attribute")
def test_an_argument_takes_its_kinds_of_values_and_refuses_others(
    taken: Taken, held: Held, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call, kinds = CALLS[name]
    assert taken(lambda value: call(held, value)) == kinds


@pytest.fixture
def retriever(tmp_path: Path, tiny_encoder: Encoder) -> Retriever:
    return Retriever.create(tmp_path / "x.hive", tiny_encoder, config=SMALL)


@pytest.mark.parametrize("id", [8, np.int64(8), np.uint8(8), "8", np.str_("8")])
def test_a_document_is_found_by_the_id_that_it_was_given(retriever: Retriever, id: Any) -> None:
    retriever.add([{"id": id, "text": "bees"}, ("other", "ants")])
    assert retriever.index.known_ids(["8"]) == {"8"}
    assert retriever.explain("bees", id).id == "8"
    with pytest.raises(InputError, match="'8' is already in"):
        retriever.add([(id, "bees")])
    assert retriever.delete([id]) == 1
    assert set(retriever.index.snapshot().ids().values()) == {"other"}


@pytest.mark.parametrize("ids", [[2**70], [("a",)], [None], "8", {"8": 1}, 8, [True], [8.0]])
def test_ids_that_no_document_can_have_are_refused(retriever: Retriever, ids: Any) -> None:
    retriever.add([(8, "bees")])
    with pytest.raises(InputError, match=r"ids are strings|expected a list of ids|holds no document '1180591"):
        retriever.delete(ids)
    assert len(retriever) == 1


@pytest.mark.parametrize("kind", [list, tuple, iter, np.array, lambda items: dict.fromkeys(items).keys()])
def test_ids_and_queries_may_be_of_any_collection(retriever: Retriever, kind: Callable[[Any], Any]) -> None:
    retriever.add([(number, text) for number, text in enumerate(["bees", "ants", "honey"])])
    assert [hits[0].text for hits in retriever.search(kind(["ants", "honey"]), k=1)] == ["ants", "honey"]
    assert retriever.delete(kind([0, 2])) == 2


def test_a_title_that_is_no_text_is_an_attribute(retriever: Retriever) -> None:
    retriever.add([{"id": "a", "title": 7, "text": "bees"}, {"id": "b", "title": None, "text": "ants"}])
    found = retriever.index.snapshot().documents([0, 1])
    assert [(each.text, each.attributes) for each in found.values()] == [("bees", {"title": 7}), ("ants", {})]
