"""What works on texts stays where it was begun, whatever the working directory becomes, and `~` is the home folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import IndexConfig
from wordhive.index.maintenance.check import check
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.files.inputs import read_documents, read_queries
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.searcher import Searcher
from wordhive.retrieval.shards import index_shards, read_shard_documents, read_shards, whole_shards, write_shards

HERE = ["bees dance", "ants follow scent", "birds sing"]
THERE = ["other words", "of somebody else"]
EXACT = IndexConfig(encoding=None)

CALLS: dict[str, Callable[[Retriever], Any]] = {
    "add": lambda r: r.add(["a new one"]),
    "add known": lambda r: r.add([("1", "ants follow scent"), ("9", "new")], skip_known=True),
    "upsert": lambda r: r.upsert([("1", "another text")]),
    "delete": lambda r: r.delete(["2"]),
    "search": lambda r: [(hit.id, hit.text) for hit in r.search("bees")],
    "search many": lambda r: [[hit.text for hit in hits] for hits in r.search(["bees", "ants"], k=2)],
    "all": lambda r: [hit.text for hit in r.search("bees", candidates="all")],
    "where": lambda r: [hit.id for hit in r.search("bees", where={"$id": "1"})],
    "vectors": lambda r: [hit.id for hit in Searcher(r.index).search_vectors(r.encoder.encode_queries(["bees"]))[0]],
    "explain": lambda r: r.explain("bees", "0").text,
    "explain a hit": lambda r: r.search("bees", k=1)[0].explain().text,
    "warm_up": lambda r: r.warm_up(),
    "reload": lambda r: r.index.reload(),
    "len": len,
}


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: Encoder) -> Path:
    """Two folders with an index, a model, shards and files of the same names; the working directory is the first."""
    for name, texts in (("here", HERE), ("there", THERE)):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        with Retriever.create("my.hive", tiny_encoder, config=EXACT) as retriever:
            retriever.add(texts)
        rows = [json.dumps({"_id": f"{name} {n}", "text": text}) for n, text in enumerate(texts)]
        Path("docs.jsonl").write_text("\n".join(rows) + "\n")
        write_shards(read_documents("docs.jsonl"), Path("my.shards"), tiny_encoder)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "there"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("call", CALLS)
def test_a_retriever_stays_where_its_index_is(call: str, there: Path, tiny_encoder: Encoder) -> None:
    with Retriever.open("my.hive", tiny_encoder) as usual:
        expected = CALLS[call](usual) if call not in ("add", "add known", "upsert", "delete") else None
    retriever, before, home = Retriever.open("my.hive", tiny_encoder), tree(there), Path.cwd() / "my.hive"
    os.chdir(there)
    found = CALLS[call](retriever)
    assert expected is None or found == expected
    assert {hit.text for hit in retriever.search("bees", k=9)}.isdisjoint(THERE)
    retriever.index.close()
    assert tree(there) == before
    assert check(home) == []


@pytest.mark.parametrize("read", [read_documents, read_queries])
def test_what_is_read_later_is_read_where_it_was_named(read: Callable[..., Any], there: Path) -> None:
    found = read("docs.jsonl")
    os.chdir(there)
    assert [each.text for each in found] == HERE


@pytest.mark.parametrize("read", [read_shards, read_shard_documents])
def test_shards_that_are_read_later_are_those_that_were_named(read: Callable[..., Any], there: Path) -> None:
    found = read(Path("my.shards"))
    os.chdir(there)
    first = next(iter(found))
    assert [document.text for document in (first[0] if read is read_shards else first)] == HERE


def test_shards_are_written_where_they_were_begun(there: Path, tiny_encoder: Encoder) -> None:
    def documents() -> Any:
        os.chdir(there)
        yield from read_documents(there.parent / "here" / "docs.jsonl")

    before = tree(there)
    write_shards(documents(), Path("new.shards"), tiny_encoder)
    assert tree(there) == before
    assert whole_shards(there.parent / "here" / "new.shards")
    with Retriever.create(there.parent / "x.hive", tiny_encoder, config=EXACT) as retriever:
        assert index_shards(there.parent / "here" / "new.shards", retriever) == 3


def test_the_home_folder_has_a_short_name(there: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(there))
    assert [document.text for document in read_documents("~/docs.jsonl")] == THERE
    tiny_encoder.save("~/my-model")
    assert (there / "my-model" / "modules.json").is_file()
    assert not Path("~").exists()
    assert len(Retriever.open("~/my.hive", tiny_encoder)) == 2
    assert len(next(read_shards(Path("~/my.shards")))[0]) == 2


def test_another_models_index_in_the_same_place_is_refused(there: Path, tiny_encoder: Encoder) -> None:
    retriever = Retriever.open("my.hive", tiny_encoder)
    other = Encoder.of(tiny_encoder.model)
    with Retriever.create("new.hive", tiny_encoder, config=EXACT) as made:
        made.add(["a text"])
    assert other.fingerprint == tiny_encoder.fingerprint
    Path("my.hive").rename("old.hive")
    Path("new.hive").rename("my.hive")
    retriever.index.reload()
    assert retriever.search("bees", k=1)[0].text == "a text"
