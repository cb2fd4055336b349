"""Collections from BEIR folders and ir_datasets."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wordhive.eval.collections import load_collection
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
