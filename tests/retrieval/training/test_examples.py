"""Examples from files of every known layout, and from ir_datasets."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ir_datasets.formats.base import GenericDoc, GenericDocPair, GenericQrel, GenericQuery

from wordhive.index import InputError, WordhiveError
from wordhive.retrieval.training.examples import (
    Example,
    HoldOut,
    SourceConfig,
    count_examples,
    read_examples,
    read_positives,
    write_lines,
)


def _source(folder: Path, *rows: Any, **options: Any) -> SourceConfig:
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return SourceConfig(path=path, **options)


LAYOUTS = {
    "a pair": ({"query": "q", "positive": "p"}, Example("q", "p")),
    "negatives": ({"query": "q", "positive": "p", "negatives": ["n", "m"]}, Example("q", "p", ("n", "m"))),
    "one negative": ({"query": "q", "positive": "p", "negative": "n"}, Example("q", "p", ("n",))),
    "no negative": ({"query": "q", "positive": "p", "negatives": []}, Example("q", "p")),
    "scores": (
        {"query": "q", "positive": "p", "negatives": ["n"], "scores": [2, 1.5]},
        Example("q", "p", ("n",), (2.0, 1.5)),
    ),
    "several positives": ({"query": "q", "positive": ["p", "r"]}, Example("q", "p")),
    "Tevatron": (
        {
            "query_id": "1",
            "query": "q",
            "positive_passages": [{"docid": "7", "title": "T", "text": "p"}, {"text": "r"}],
            "negative_passages": [{"docid": "8", "title": "", "text": "n"}],
        },
        Example("q", "T p", ("n",)),
    ),
    "a teacher's": (
        {"query": "q", "documents": ["p", "n", "m"], "scores": [3, 1, 2]},
        Example("q", "p", ("n", "m"), (3.0, 1.0, 2.0)),
    ),
    "blanks around": ({"query": " q\n", "positive": "p "}, Example("q", "p")),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read(tmp_path: Path, layout: str) -> None:
    row, expected = LAYOUTS[layout]
    assert list(read_examples(_source(tmp_path, row))) == [expected]


def test_fields_may_have_other_names(tmp_path: Path) -> None:
    row = {"question": "q", "answer": "p", "wrong": ["n"], "teacher": [1, 0]}
    source = _source(tmp_path, row, query="question", positive="answer", negatives="wrong", scores="teacher")
    assert list(read_examples(source)) == [Example("q", "p", ("n",), (1.0, 0.0))]


FAULTS = {
    "no JSON": ("bees", "not JSON"),
    "no object": ("[1]", "a list; expected an object"),
    "no query": ('{"positive": "p"}', "no field 'query' (fields: positive)"),
    "no positive": ('{"query": "q"}', "no field 'positive' or 'positive_passages'"),
    "an empty query": ('{"query": " ", "positive": "p"}', "the query is ' '"),
    "a number": ('{"query": "q", "positive": 7}', "the positive is 7"),
    "no positive in the list": ('{"query": "q", "positive": []}', "the positive is an empty list"),
    "a passage without text": ('{"query": "q", "positive_passages": [{"title": "T"}]}', "the positive is None"),
    "an empty negative": ('{"query": "q", "positive": "p", "negatives": [""]}', "a negative is ''"),
    "a score too few": ('{"query": "q", "positive": "p", "negatives": ["n"], "scores": [1]}', "1 score for 2 texts"),
    "scores that are none": ('{"query": "q", "positive": "p", "scores": ["high"]}', "scores are ['high']"),
    "a score of NaN": ('{"query": "q", "positive": "p", "scores": [NaN]}', "scores are [nan]"),
    "half a character": ('{"query": "\\ud800", "positive": "p"}', "half of a character"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_row_is_named_with_file_and_line(tmp_path: Path, fault: str) -> None:
    line, said = FAULTS[fault]
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"query": "q", "positive": "p"}\n\n' + line + "\n", encoding="utf-8")
    source = SourceConfig(path=path)
    with pytest.raises(InputError) as error:
        list(read_examples(source))
    assert str(error.value).startswith(f"{path}:3: ")
    assert said in str(error.value)
    with pytest.raises(InputError, match=r"pairs\.jsonl:3: "):
        count_examples(source)


def test_a_missing_file_and_standard_input_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file at"):
        list(read_examples(SourceConfig(path=tmp_path / "none.jsonl")))
    with pytest.raises(InputError, match="standard input"):
        list(read_examples(SourceConfig(path=Path("-"))))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"path": "a/squad-v1.1-train.jsonl.gz"}, "squad-v1.1-train"),
        ({"path": Path("pairs.jsonl")}, "pairs"),
        ({"dataset": "msmarco-passage/train"}, "msmarco-passage/train"),
        ({"path": "pairs.jsonl", "name": "mine"}, "mine"),
    ],
)
def test_a_source_is_named_after_its_file(given: dict[str, Any], name: str) -> None:
    assert SourceConfig(**given).name == name


@pytest.mark.parametrize(
    "given", [{}, {"path": "a", "dataset": "b"}, {"path": "a", "speed": 1}, {"path": "a", "weight": 0}]
)
def test_a_source_is_one_of_two_things_and_nothing_unknown(given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        SourceConfig(**given)


def test_held_out_rows_are_the_other_side(tmp_path: Path) -> None:
    rows = [{"query": f"q{i}", "positive": f"p{i}", "title": f"article {i % 40}"} for i in range(400)]
    source = _source(tmp_path, *rows, hold_out=HoldOut(field="title", modulus=4))
    train, held = list(read_examples(source)), list(read_examples(source, held_out=True))
    assert {*train, *held} == {Example(row["query"], row["positive"]) for row in rows}
    titles = {row["query"]: row["title"] for row in rows}
    assert not {titles[one.query] for one in train} & {titles[one.query] for one in held}
    # 40 articles in 4 slices: three standard deviations around 10.
    assert 2 <= len({titles[one.query] for one in held}) <= 18
    assert count_examples(source) == len(train)
    assert count_examples(source, held_out=True) == len(held)


def test_the_held_out_slice_does_not_change() -> None:
    # Validation of a model trained yesterday must not meet today's training rows.
    assert [i for i in range(200) if HoldOut(field="title").holds(f"article {i}")] == [61, 85, 163]


def test_hold_out_needs_its_field(tmp_path: Path) -> None:
    source = _source(tmp_path, {"query": "q", "positive": "p"}, hold_out={"field": "title"})
    with pytest.raises(InputError, match=r"pairs.jsonl:1: the field 'title'.*fields: query, positive"):
        list(read_examples(source))
    with pytest.raises(InputError, match="holds nothing out"):
        list(read_examples(_source(tmp_path, {"query": "q", "positive": "p"}), held_out=True))


def test_limit_and_places_choose_among_the_examples_of_a_side(tmp_path: Path) -> None:
    rows = [{"query": f"q{i}", "positive": "p", "n": i} for i in range(30)]
    rule = HoldOut(field="n", modulus=2)
    kept = [f"q{i}" for i in range(30) if not rule.holds(i)]
    source = _source(tmp_path, *rows, limit=5, hold_out=rule)
    assert [one.query for one in read_examples(source)] == kept[:5]
    assert [one.query for one in read_examples(source, places={1, 4, 9})] == [kept[1], kept[4]]


def test_all_positives_of_a_query_are_known(tmp_path: Path) -> None:
    source = _source(
        tmp_path,
        {"query": "Why?", "positive": ["A  b", "c"]},
        {"query": "why?", "positive": "D"},
        {"query": "other", "documents": ["e", "f"]},
    )
    assert read_positives(source) == {"why?": {"a b", "c", "d"}, "other": {"e"}}


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_written_lines_are_read_again_and_have_the_same_bytes(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"query": "q", "positive": "naïve 中", "negatives": ["n"]}]
    first, second = tmp_path / name, tmp_path / "again" / name
    second.parent.mkdir()
    write_lines(first, rows)
    monkeypatch.setattr("gzip.time.time", lambda: 86_400.0)  # a gzip file may hold the time at which it was made
    write_lines(second, rows)
    assert list(read_examples(SourceConfig(path=first))) == [Example("q", "naïve 中", ("n",))]
    assert first.read_bytes() == second.read_bytes()
    assert name.endswith(".gz") == (first.read_bytes()[:2] == gzip.compress(b"")[:2])


def test_lines_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield {"query": "q"}
        raise RuntimeError

    target = tmp_path / "out.jsonl"
    target.write_text("old\n", encoding="utf-8")
    with pytest.raises(RuntimeError):
        write_lines(target, broken())
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert target.read_text(encoding="utf-8") == "old\n"


class _Dataset:
    """What wordhive uses of an ir_datasets object."""

    def __init__(self, *, docpairs: bool = True, qrels: bool = True, broken: bool = False) -> None:
        self.parts = {"docs": True, "queries": True, "docpairs": docpairs, "qrels": qrels}
        self.broken = broken
        self.looked_up: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda: self.parts[name.removeprefix("has_")]

    def queries_iter(self) -> Iterator[GenericQuery]:
        return (GenericQuery(f"q{i}", f"query {i}") for i in range(3))

    def docpairs_iter(self) -> Iterator[GenericDocPair]:
        for i in range(3):
            if self.broken and i == 1:
                raise ConnectionError("no route to host")
            yield GenericDocPair(f"q{i}", f"d{i}", f"d{i + 10}")

    def qrels_iter(self) -> list[GenericQrel]:
        return [GenericQrel("q0", "d0", 1), GenericQrel("q0", "d1", 0), GenericQrel("q2", "d5", 2)]

    def docs_store(self) -> Any:
        def get(id: str) -> GenericDoc:
            if id == "d99":
                raise KeyError(id)
            self.looked_up.append(id)
            return GenericDoc(id, f"text of {id}")

        return SimpleNamespace(get=get)


@pytest.fixture
def dataset(monkeypatch: pytest.MonkeyPatch) -> _Dataset:
    made = _Dataset()
    monkeypatch.setattr("ir_datasets.load", lambda name: made)
    return made


def test_docpairs_are_examples_with_a_negative(dataset: _Dataset) -> None:
    assert list(read_examples(SourceConfig(dataset="some/train"))) == [
        Example(f"query {i}", f"text of d{i}", (f"text of d{i + 10}",)) for i in range(3)
    ]


def test_without_docpairs_each_judgement_above_zero_is_an_example(dataset: _Dataset) -> None:
    dataset.parts["docpairs"] = False
    found = list(read_examples(SourceConfig(dataset="some/train")))
    assert found == [Example("query 0", "text of d0"), Example("query 2", "text of d5")]


def test_only_texts_that_are_wanted_are_looked_up(dataset: _Dataset) -> None:
    source = SourceConfig(dataset="some/train", limit=2)
    assert count_examples(source) == 2
    assert dataset.looked_up == []
    assert [one.query for one in read_examples(source, places={1})] == ["query 1"]
    assert dataset.looked_up == ["d1", "d11"]
    assert read_positives(source)["query 2"] == {"text of d2"}


def test_a_dataset_is_held_out_by_its_ids(dataset: _Dataset) -> None:
    source = SourceConfig(dataset="some/train", hold_out=HoldOut(field="query_id", modulus=2))
    sides = [{one.query for one in read_examples(source, held_out=side)} for side in (False, True)]
    assert sides[0] | sides[1] == {"query 0", "query 1", "query 2"}
    assert not sides[0] & sides[1]


def test_a_dataset_that_cannot_be_downloaded_is_one_clear_error(dataset: _Dataset) -> None:
    dataset.broken = True
    with pytest.raises(WordhiveError, match="cannot get the collection 'some/train'") as error:
        list(read_examples(SourceConfig(dataset="some/train")))
    assert error.value.exit_code == 1


def test_a_pair_of_an_unknown_document_is_named(dataset: _Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "docpairs_iter", lambda: [GenericDocPair("q0", "d99", "d1")], raising=False)
    with pytest.raises(InputError, match="'d99', but no such one"):
        list(read_examples(SourceConfig(dataset="some/train")))
    monkeypatch.setattr(dataset, "docpairs_iter", lambda: [GenericDocPair("q7", "d1", "d2")], raising=False)
    with pytest.raises(InputError, match="'q7', but no such query"):
        list(read_examples(SourceConfig(dataset="some/train")))


def test_a_dataset_without_pairs_or_unknown_is_refused(dataset: _Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset.parts.update(docpairs=False, qrels=False)
    with pytest.raises(InputError, match="has no docpairs or qrels"):
        list(read_examples(SourceConfig(dataset="some/train")))
    monkeypatch.undo()
    with pytest.raises(InputError, match="no ir_datasets collection 'nothing/like/it'"):
        list(read_examples(SourceConfig(dataset="nothing/like/it")))


def test_sentences_stand_for_queries(tmp_path: Path) -> None:
    text = "The first sentence has six words. Too short. The third, at 3.5 mm, is long enough too! and so on it goes"
    path = tmp_path / "texts.jsonl"
    path.write_text(json.dumps({"query": "its own", "positive": text}) + "\n", encoding="utf-8")
    source = SourceConfig(path=path, sentences=True)
    found = list(read_examples(source))
    assert [example.query for example in found] == [
        "The first sentence has six words.",
        "The third, at 3.5 mm, is long enough too! and so on it goes",
    ]
    assert {example.positive for example in found} == {text}
    assert count_examples(source) == 2
    assert [example.query for example in read_examples(source, places=[1])] == [found[1].query]
