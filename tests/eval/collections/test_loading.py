"""Collections from BEIR folders and ir_datasets."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wordhive.eval.collections.collection import count_documents
from wordhive.eval.collections.conventions import leaves_itself_out
from wordhive.eval.collections.loading import collection_of_files, load_collection
from wordhive.index import InputError, WordhiveError

CORPUS = '{"_id": "d1", "title": "T", "text": "one"}\n{"_id": "d2", "text": "two"}\n'
QUERIES = '{"_id": "q1", "text": "first"}\n{"_id": "q2", "text": "unjudged"}\n'
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"


def _folder(root: Path, *, packed: bool = False, qrels: str = QRELS) -> Path:
    (root / "qrels").mkdir()
    for name, text in (("corpus", CORPUS), ("queries", QUERIES)):
        if packed:
            (root / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (root / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (root / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    return root


@pytest.mark.parametrize("packed", [False, True])
def test_a_beir_folder_is_read_plain_or_packed(tmp_path: Path, packed: bool) -> None:
    collection = load_collection(str(_folder(tmp_path, packed=packed)))
    assert [(d.id, d.text) for d in collection.documents()] == [("d1", "T one"), ("d2", "two")]
    assert collection.queries == {"q1": "first"}
    assert collection.qrels == {"q1": {"d1": 2, "d2": 0}}


def test_documents_can_be_read_twice(tmp_path: Path) -> None:
    collection = load_collection(str(_folder(tmp_path)))
    assert list(collection.documents()) == list(collection.documents())


def test_judgements_without_a_header_are_read(tmp_path: Path) -> None:
    assert load_collection(str(_folder(tmp_path, qrels="q1\td2\t1\n"))).qrels == {"q1": {"d2": 1}}


def test_an_unknown_split_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no split 'dev'; it has test"):
        load_collection(str(_folder(tmp_path)), "dev")


def test_a_malformed_judgement_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"test.tsv:2: 'q1 d1 1'"):
        load_collection(str(_folder(tmp_path, qrels="query-id\tcorpus-id\tscore\nq1 d1 1\n")))


def test_judgements_of_other_queries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no query has a judgement"):
        load_collection(str(_folder(tmp_path, qrels="q7\td1\t1\n")))


def _record(**fields: str) -> Any:
    text = " ".join(value for name, value in fields.items() if not name.endswith("_id"))
    return SimpleNamespace(**fields, default_text=lambda: text)


class _Dataset:
    def __init__(self, broken: bool = False) -> None:
        self.broken = broken

    def has_docs(self) -> bool:
        return True

    has_queries = has_qrels = has_docs

    def docs_iter(self) -> list[Any]:
        return [_record(doc_id="d1", title="T", text="one")]

    def queries_iter(self) -> list[Any]:
        return [_record(query_id="q1", text="first"), _record(query_id="q2", text="unjudged")]

    def qrels_iter(self) -> list[Any]:
        if self.broken:
            raise ConnectionError("no route to host")
        grades = {"d1": 1, "d2": 0, "d3": -1}
        return [SimpleNamespace(query_id="q1", doc_id=id, relevance=grade) for id, grade in grades.items()]

    def documentation(self) -> None:
        return None


def test_an_ir_datasets_collection_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ir_datasets.load", lambda name: _Dataset())
    collection = load_collection("some/collection/test")
    assert [(d.id, d.text) for d in collection.documents()] == [("d1", "T one")]
    assert collection.queries == {"q1": "first"}
    assert collection.qrels == {"q1": {"d1": 1, "d2": 0, "d3": -1}}


def test_a_collection_that_cannot_be_downloaded_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ir_datasets.load", lambda name: _Dataset(broken=True))
    with pytest.raises(WordhiveError, match="cannot read the collection 'some/collection/test'") as error:
        load_collection("some/collection/test")
    assert error.value.exit_code == 1


def test_an_id_that_ir_datasets_does_not_know_is_refused() -> None:
    with pytest.raises(InputError, match="no ir_datasets collection 'nothing/like/it'"):
        load_collection("nothing/like/it")


def test_a_part_without_judgements_is_refused() -> None:
    with pytest.raises(InputError, match="has no qrels; choose a part"):
        load_collection("beir/msmarco")


def _files(root: Path, documents: str, queries: str, qrels: str) -> tuple[Path, Path, Path]:
    paths = (root / "docs.tsv", root / "q.tsv", root / "q.qrels")
    for path, text in zip(paths, (documents, queries, qrels), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


@pytest.mark.parametrize("qrels", ["q1 0 d1 2\nq1\t0\td2\t0\n", "q1\td1\t2\nq1\td2\t0\n"])
def test_files_of_ones_own_are_a_collection(tmp_path: Path, qrels: str) -> None:
    collection = collection_of_files(*_files(tmp_path, "d1\tone\nd2\ttwo\n", "q1\tfirst\n", qrels))
    assert (collection.name, collection.split, collection.queries) == ("docs", "q", {"q1": "first"})
    assert collection.qrels == {"q1": {"d1": 2, "d2": 0}}
    assert count_documents(collection) == 2
    assert collection.warnings == {}
    assert collection.main_measure == "ndcg@10"


def test_what_is_passed_over_is_counted(tmp_path: Path) -> None:
    documents = "d1\tone\nd2\ttwo\nd1\tanother\nd3\t\n"
    queries = "q1\tfirst\nq1\tagain\nq2\tunjudged\nq3\tnothing relevant\nq4\t\n"
    qrels = "q1 0 d1 1\nq1 0 d1 1\nq1 0 d1 2\nq1 0 gone 1\nq3 0 d2 0\nq4 0 d2 1\nq9 0 d1 1\nq9 0 d2 1\n"
    collection = collection_of_files(*_files(tmp_path, documents, queries, qrels))
    assert collection.queries == {"q1": "first", "q4": ""}
    assert collection.qrels == {"q1": {"d1": 2, "gone": 1}, "q4": {"d2": 1}}
    for _ in range(2):  # anew at each reading
        assert [document.text for document in collection.documents()] == ["one", "two", ""]
        assert collection.warnings == {
            "judgements that are there twice": 1,
            "judgements with another grade before, the last one counts": 1,
            "queries whose id was there before, left out": 1,
            "judgements of queries that are not there, left out": 2,
            "queries without judgements, left out": 1,
            "queries without a relevant document, left out": 1,
            "queries with an empty text": 1,
            "documents with an empty text": 1,
            "judgements of documents that are not there": 1,
            "documents whose id was there before, left out": 1,
        }


def test_queries_of_another_split_are_nothing_to_warn_of(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    assert load_collection(str(folder)).warnings == {"queries without judgements, left out": 1}
    (folder / "qrels" / "train.tsv").write_text("q2\td1\t1\n", encoding="utf-8")
    assert load_collection(str(folder)).warnings == {}


@pytest.mark.parametrize(
    ("qrels", "said"),
    [
        ("", "q.qrels holds no judgements"),
        ("query-id\tcorpus-id\tscore\n", "q.qrels holds no judgements"),
        ("q1 0 d1 1\nq1 0 d1\n", "q.qrels:2: 'q1 0 d1'"),
        ("q1 0 d1 1\nq1\td1\t1\n", "q.qrels:2: "),
        ("q1 0 d1 high\n", "q.qrels:1: 'q1 0 d1 high'"),
        ("q1\td1\t1\nq1\td1\t0.5\n", "q.qrels:2: "),
        ("q1 0 d1 1 tag x\n", "q.qrels:1: "),
    ],
)
def test_broken_judgements_are_named_with_their_line(tmp_path: Path, qrels: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        collection_of_files(*_files(tmp_path, "d1\tone\n", "q1\tfirst\n", qrels))


def test_broken_files_are_named_with_their_line(tmp_path: Path) -> None:
    paths = _files(tmp_path, "d1\tone\nd2\n", "q1\n", "q1 0 d1 1\n")
    with pytest.raises(InputError, match=r"q.tsv:1: 1 columns; expected two"):
        collection_of_files(*paths)
    paths[1].write_text("q1\tfirst\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"docs.tsv:2: 1 columns; expected two"):
        count_documents(collection_of_files(*paths))
    paths[0].write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"docs.tsv holds no document"):
        count_documents(collection_of_files(*paths))
    packed = tmp_path / "q.tsv.gz"
    packed.write_bytes(gzip.compress(b"".join(b"q%d\tfirst\n" % n for n in range(9000)))[:-20])
    with pytest.raises(InputError, match=r"q.tsv.gz is no complete gzip file after line [1-8]"):
        collection_of_files(paths[0], packed, paths[2])


def test_only_arguana_and_quora_leave_a_querys_own_document_out(tmp_path: Path) -> None:
    for name in ("arguana", "quora", "scifact", "quora-open"):
        (tmp_path / name).mkdir()
        collection = load_collection(str(_folder(tmp_path / name)))
        assert collection.without_itself is (name in ("arguana", "quora"))
    ids = {"beir/arguana": True, "beir/quora/test": True, "beir/scifact/test": False, "mine/quora": False}
    assert {id: leaves_itself_out(id) for id in ids} == ids
