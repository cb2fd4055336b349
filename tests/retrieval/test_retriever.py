from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import MultiVectorEncoder

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.config import MuveraConfig
from wordhive.retrieval.encoder import Backend, Encoder
from wordhive.retrieval.retriever import Retriever, encoder_of
from wordhive.retrieval.search.stage_times import StageTimes
from wordhive.retrieval.searcher import Hit
from wordhive.retrieval.texts.documents import MOST_CHARACTERS, Document

SMALL = IndexConfig(encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=8))


@pytest.fixture
def retriever(tmp_path: Path, tiny_encoder: Encoder) -> Retriever:
    return Retriever.create(tmp_path / "x.hive", tiny_encoder, config=SMALL)


@pytest.fixture
def two_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.retrieval.operations.document_writer.DOCUMENTS_A_COMMIT", 2)


@pytest.fixture
def no_encoding(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> WordVectors:
        raise AssertionError("something was encoded")

    monkeypatch.setattr(retriever.encoder, "encode_documents", fail)


def stored(retriever: Retriever) -> dict[str, tuple[str | None, dict[str, Any]]]:
    snapshot = retriever.index.snapshot()
    documents = snapshot.documents(sorted(snapshot.ids())).values()
    return {document.id: (document.text, document.attributes) for document in documents}


def files_of(retriever: Retriever) -> list[str]:
    folders = (retriever.index.path / name for name in ("segments", "params"))
    return sorted(path.as_posix() for folder in folders for path in folder.rglob("*"))


def test_a_text_finds_itself_first(retriever: Retriever, sentences: list[str]) -> None:
    assert retriever.add(sentences) == len(retriever) == len(sentences)
    for number, hits in enumerate(retriever.search(sentences, k=3)):
        assert hits[0].id == str(number)
        assert hits[0].text == sentences[number]


def test_exact_search_equals_the_definition_of_the_score(
    tmp_path: Path, tiny_encoder: Encoder, sentences: list[str]
) -> None:
    config = IndexConfig(codec="Flat", summary_codec="Flat", encoding=None)
    retriever = Retriever.create(tmp_path / "x", tiny_encoder, config=config)
    retriever.add(sentences)
    documents, query = tiny_encoder.encode_documents(sentences), tiny_encoder.encode_queries(["honey and ants"])
    weight = tiny_encoder.summary_weight
    assert weight == 0.25
    assert query.summary is not None
    assert documents.summary is not None
    for hit in retriever.search("honey and ants", k=100):
        number = int(hit.id)
        words = documents[number : number + 1].vectors
        expected = (1 - weight) * (query.vectors @ words.T).max(axis=1).sum()
        assert hit.words_score == pytest.approx(float(expected), abs=1e-4)
        summary_score = weight * float(query.summary[0] @ documents.summary[number])
        assert hit.summary_score == pytest.approx(summary_score, abs=1e-4)
        assert hit.score == pytest.approx(hit.words_score + hit.summary_score, abs=1e-6)


def test_the_shipped_model_is_the_default(tmp_path: Path) -> None:
    with Retriever.create(tmp_path / "x") as retriever:
        retriever.add(["Bees dance to tell where flowers are.", "Ants follow scent.", "Rome was not built in a day."])
        hits = retriever.search("how do bees communicate?", k=1)
    assert [hit.id for hit in hits] == ["0"]
    with Retriever.open(tmp_path / "x") as again:
        assert again.encoder.name == "wordhive-minilm-32"
        assert again.search("how do bees communicate?", k=1) == hits


def test_documents_of_every_kind_are_taken(retriever: Retriever) -> None:
    added = retriever.add(
        [
            "bees",
            {"id": "d", "title": "Ants", "text": "They follow.", "year": 1967},
            {"_id": 7, "text": "honey"},
            ("p", "scent"),
            Document("o", "flower", {"tags": ["x"]}),
        ]
    )
    assert added == 5
    assert stored(retriever) == {
        "0": ("bees", {}),
        "d": ("Ants They follow.", {"title": "Ants", "year": 1967}),
        "7": ("honey", {}),
        "p": ("scent", {}),
        "o": ("flower", {"tags": ["x"]}),
    }


def test_automatic_ids_continue(retriever: Retriever) -> None:
    retriever.add(["bees", "ants"])
    retriever.add(text for text in ["honey"])
    retriever.add([("mine", "scent"), "flower"])
    assert list(stored(retriever)) == ["0", "1", "2", "mine", "4"]


def test_automatic_ids_continue_after_reopening(tmp_path: Path, tiny_encoder: Encoder) -> None:
    with Retriever.create(tmp_path / "x", tiny_encoder, config=SMALL) as retriever:
        retriever.add(["bees", "ants"])
    with Retriever.open(tmp_path / "x", tiny_encoder) as retriever:
        retriever.add(["honey"])
        assert list(stored(retriever)) == ["0", "1", "2"]


def test_automatic_ids_go_on_behind_what_was_stored(retriever: Retriever) -> None:
    retriever.add(["bees", "ants"])
    assert retriever.add(["bees", "ants", "honey"], skip_known=True) == 1
    assert {id: text for id, (text, _) in stored(retriever).items()} == {"0": "bees", "1": "ants", "2": "honey"}


def test_automatic_ids_pass_over_those_of_the_user(retriever: Retriever) -> None:
    retriever.add([{"id": 1, "text": "bees"}])
    retriever.add(["ants"])
    assert list(stored(retriever)) == ["1", "2"]


def test_attributes_and_text_come_back_with_hits(retriever: Retriever) -> None:
    attributes = {"year": 1967, "deep": {"list": [1, None, "ü"]}}
    retriever.add([{"id": "a", "text": "Bees dance – 蜂.", **attributes}])
    (hit,) = retriever.search("bees")
    assert isinstance(hit, Hit)
    assert (hit.id, hit.text, hit.attributes) == ("a", "Bees dance – 蜂.", attributes)


def test_a_single_query_gives_hits_and_a_list_gives_lists(retriever: Retriever) -> None:
    retriever.add(["bees", "ants"])
    assert [hit.id for hit in retriever.search("bees", k=1)] == ["0"]
    assert [[hit.id for hit in hits] for hits in retriever.search(["ants", "bees"], k=1)] == [["1"], ["0"]]


def test_two_stages_with_all_candidates_equal_exact_search(retriever: Retriever, sentences: list[str]) -> None:
    retriever.add(sentences)
    queries = ["where do bees dance", "what do spiders eat", "queen"]
    exact = retriever.search(queries, k=5, candidates="all")
    for candidates in (None, 12, 500):
        found = retriever.search(queries, k=5, candidates=candidates)
        assert [[hit.id for hit in hits] for hits in found] == [[hit.id for hit in hits] for hits in exact]


def test_an_empty_index_gives_no_hits(retriever: Retriever) -> None:
    assert len(retriever) == 0
    assert retriever.search("bees") == []
    assert retriever.search(["bees", "ants"], candidates="all") == [[], []]


def test_adding_nothing_adds_nothing(retriever: Retriever) -> None:
    assert retriever.add([]) == 0
    assert retriever.add(iter([])) == 0
    assert files_of(retriever) == []


def test_an_empty_query_ranks_by_summary(retriever: Retriever) -> None:
    retriever.add(["bees", "ants"])
    assert len(retriever.search("")) == 2


@pytest.mark.parametrize("before", [[], ["bees"]])
def test_an_empty_document_can_be_alone_in_its_commit(retriever: Retriever, before: list[str]) -> None:
    retriever.add(before)
    assert retriever.add([("empty", "")]) == 1
    assert "empty" in {hit.id for hit in retriever.search("bees")}


def test_an_empty_document_among_others_is_kept(retriever: Retriever) -> None:
    retriever.add(["bees", "", "ants"])
    hits = {hit.id: hit for hit in retriever.search("bees")}
    assert hits["1"].words_score == 0
    assert hits["1"].text == ""


def test_a_closed_index_can_be_opened_again(tmp_path: Path, tiny_folder: Path, sentences: list[str]) -> None:
    with Retriever.create(tmp_path / "x", str(tiny_folder), config=SMALL) as retriever:
        retriever.add(sentences)
        before = retriever.search("where do bees dance", k=4)
    with Retriever.open(tmp_path / "x") as again:
        assert len(again) == len(sentences)
        assert again.search("where do bees dance", k=4) == before


def test_an_index_of_another_model_is_refused_in_one_line_that_names_both(
    tmp_path: Path, tiny_encoder: Encoder, foreign: MultiVectorEncoder
) -> None:
    Retriever.create(tmp_path / "x", tiny_encoder, config=SMALL)
    other = Encoder(foreign, name="some/colbert")
    with pytest.raises(InputError) as raised:
        Retriever.open(tmp_path / "x", other)
    message = str(raised.value)
    assert "\n" not in message
    for part in (str(tiny_encoder.stamp), str(other.stamp), "some/colbert", tiny_encoder.name):
        assert part in message


def test_a_foreign_model_object_indexes_and_searches(tmp_path: Path, foreign: MultiVectorEncoder) -> None:
    texts = ["bees dance", "ants follow the scent", "honey"]
    with Retriever.create(tmp_path / "x", foreign, config=SMALL) as retriever:
        retriever.add(texts)
        before = retriever.search("ants scent", k=3)
        assert {hit.summary_score for hit in before} == {0.0}
    with Retriever.open(tmp_path / "x", foreign) as again:
        assert again.search("ants scent", k=3) == before


@pytest.mark.parametrize(
    ("device", "backend", "expected"),
    [("cpu", "torch", None), ("cuda:1", "torch", "cuda:1"), ("cuda:1", "openvino", None), ("cpu", "openvino", None)],
)
def test_a_named_model_is_loaded_on_the_gpu_of_its_index(
    monkeypatch: pytest.MonkeyPatch, tiny_encoder: Encoder, device: str, backend: Backend, expected: str | None
) -> None:
    monkeypatch.setattr(Encoder, "load", lambda name, **given: (name, given))
    assert encoder_of("tiny", device, backend) == ("tiny", {"device": expected, "backend": backend})
    assert encoder_of(tiny_encoder, device, backend) is tiny_encoder


def test_an_index_of_a_nameless_model_asks_for_it(tmp_path: Path, foreign: MultiVectorEncoder) -> None:
    Retriever.create(tmp_path / "x", foreign, config=SMALL)
    with pytest.raises(InputError, match=r"a model object without a name; give it: Retriever\.open\(path, model\)"):
        Retriever.open(tmp_path / "x")


def test_an_index_of_a_nameless_model_with_words_asks_for_it(tmp_path: Path, foreign: MultiVectorEncoder) -> None:
    Retriever.create(tmp_path / "x", Encoder(foreign).with_words(), config=SMALL)
    with pytest.raises(InputError, match="made by a model object without a name"):
        Retriever.open(tmp_path / "x")


def test_an_index_of_a_fitted_encoder_that_was_not_saved_asks_for_it(
    tmp_path: Path, tiny_base: Path, sentences: list[str]
) -> None:
    Retriever.create(tmp_path / "x", Encoder.fit(str(tiny_base), sentences, dim=8, device="cpu"), config=SMALL)
    with pytest.raises(InputError, match="made by a model object without a name"):
        Retriever.open(tmp_path / "x")


def test_a_foreign_model_with_words_is_loaded_again_by_its_name(tmp_path: Path, foreign: MultiVectorEncoder) -> None:
    foreign.save(str(tmp_path / "colbert"), create_model_card=False)
    encoder = Encoder.load(str(tmp_path / "colbert"), words=True, device="cpu")
    with Retriever.create(tmp_path / "x", encoder, config=SMALL) as retriever:
        retriever.add(["bees dance", "ants follow"])
        before = retriever.search("bees", k=2)
    with Retriever.open(tmp_path / "x") as again:
        assert again.encoder.name == f"{tmp_path / 'colbert'}+words"
        assert again.search("bees", k=2) == before


def test_an_index_of_vectors_made_elsewhere_asks_for_vectors(tmp_path: Path) -> None:
    Index.create(tmp_path / "x", SMALL)
    with pytest.raises(InputError, match=r"holds vectors made elsewhere; search them with Searcher"):
        Retriever.open(tmp_path / "x")


def test_a_taken_path_and_a_missing_path_are_refused(tmp_path: Path, tiny_encoder: Encoder) -> None:
    Retriever.create(tmp_path / "x", tiny_encoder, config=SMALL)
    with pytest.raises(InputError, match="is already an index"):
        Retriever.create(tmp_path / "x", tiny_encoder, config=SMALL)
    with pytest.raises(InputError, match="no index at"):
        Retriever.open(tmp_path / "nothing")


def test_a_wrong_preset_is_refused_before_the_model_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no index preset 'tiny'"):
        Retriever.create(tmp_path / "x", "/no/such/model", config="tiny")
    assert not (tmp_path / "x").exists()


def test_a_wrong_model_leaves_no_index_behind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model folder"):
        Retriever.create(tmp_path / "x", "/no/such/model", config=SMALL)
    assert not (tmp_path / "x").exists()


@pytest.mark.usefixtures("two_a_commit")
def test_a_generator_that_fails_leaves_whole_commits(retriever: Retriever) -> None:
    def documents() -> Iterator[str]:
        yield from ["bees", "ants", "honey"]
        raise RuntimeError("the source went away")

    with pytest.raises(RuntimeError, match="the source went away"):
        retriever.add(documents())
    assert list(stored(retriever)) == ["0", "1"]
    assert [hit.id for hit in retriever.search("ants", k=1)] == ["1"]
    assert retriever.add(["scent"]) == 1


@pytest.mark.usefixtures("two_a_commit")
def test_a_generator_goes_on_with_skip_known(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [(name, name) for name in ("bees", "ants", "honey", "scent", "flower")]
    retriever.add(documents[:2])
    encoded: list[str] = []
    encode = retriever.encoder.encode_documents

    def watched(texts: list[str], **options: Any) -> WordVectors:
        encoded.extend(texts)
        return encode(texts, **options)

    monkeypatch.setattr(retriever.encoder, "encode_documents", watched)
    assert retriever.add(iter(documents), skip_known=True) == 3
    assert encoded == ["honey", "scent", "flower"]
    assert list(stored(retriever)) == ["bees", "ants", "honey", "scent", "flower"]
    assert retriever.add(documents, skip_known=True) == 0


def test_known_ids_are_refused_without_skip_known(retriever: Retriever) -> None:
    retriever.add([("a", "bees")])
    before = files_of(retriever)
    with pytest.raises(InputError, match="document id 'a' is already in"):
        retriever.add([("b", "ants"), ("a", "other")])
    assert stored(retriever) == {"a": ("bees", {})}
    assert files_of(retriever) == before


@pytest.mark.usefixtures("no_encoding")
@pytest.mark.parametrize(
    ("documents", "problem"),
    [
        ([("a", "bees"), ("b", "ants"), ("a", "honey")], "document id 'a' is given twice"),
        (["bees", "ants", 3], "document 2 is int; expected a string"),
        (["bees", {"id": "x"}], r"document 1 \(counted from 0\): 'x' has no text"),
        (["bees", "x" * (MOST_CHARACTERS + 1)], r"document 1 \(counted from 0\) has 10,000,001 characters"),
    ],
)
@pytest.mark.usefixtures("two_a_commit")
def test_a_list_with_a_fault_costs_nothing(retriever: Retriever, documents: list[Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        retriever.add(documents)
    assert len(retriever) == 0
    assert files_of(retriever) == []


@pytest.mark.usefixtures("two_a_commit")
def test_a_list_with_a_known_id_costs_nothing(retriever: Retriever) -> None:
    retriever.add([("a", "bees")])
    with pytest.raises(InputError, match="document id 'a' is already in"):
        retriever.add([("b", "ants"), ("c", "honey"), ("a", "scent")])
    assert list(stored(retriever)) == ["a"]


@pytest.mark.usefixtures("no_encoding")
def test_attributes_that_are_no_json_cost_nothing(retriever: Retriever) -> None:
    with pytest.raises(InputError):
        retriever.add([{"id": "a", "text": "bees", "legs": {6}}])


@pytest.mark.usefixtures("two_a_commit")
def test_an_id_that_repeats_in_a_generator_is_refused(retriever: Retriever) -> None:
    with pytest.raises(InputError, match="document id 'a' is given twice"):
        retriever.add(iter([("a", "bees"), ("a", "ants")]))
    assert len(retriever) == 0
    with pytest.raises(InputError, match="document id 'a' is already in"):
        retriever.add(iter([("a", "bees"), ("b", "ants"), ("a", "honey")]))
    assert list(stored(retriever)) == ["a", "b"]


@pytest.mark.parametrize("single", ["Bees dance.", b"Bees dance.", Document("a", "x"), None, 7])
def test_a_single_text_is_refused(retriever: Retriever, single: Any) -> None:
    with pytest.raises(InputError, match=r"expected a list of them: wrap a single one"):
        retriever.add(single)


def test_a_single_dict_is_refused(retriever: Retriever) -> None:
    with pytest.raises(InputError):
        retriever.add({"id": "a", "text": "bees"})


def test_k_and_candidates_are_checked(retriever: Retriever) -> None:
    retriever.add(["bees"])
    with pytest.raises(InputError, match="k is 0"):
        retriever.search("bees", k=0)
    for candidates in (0, "some"):
        with pytest.raises(InputError, match=f"candidates is {candidates!r}"):
            retriever.search("bees", candidates=candidates)  # type: ignore[call-overload]


def test_a_query_that_is_no_text_is_refused(retriever: Retriever) -> None:
    with pytest.raises(InputError, match="a text is int"):
        retriever.search([3])  # type: ignore[list-item]


def test_progress_counts_every_document(retriever: Retriever, capsys: pytest.CaptureFixture[str]) -> None:
    retriever.add(["bees", "ants"])
    assert capsys.readouterr() == ("", "")
    retriever.add(["honey", "scent", "flower"], show_progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "3/3" in captured.err


def test_documents_are_got_by_their_ids_in_the_order_asked(retriever: Retriever) -> None:
    retriever.add([{"id": 7, "text": "bees", "year": 1967}, ("b", "ants"), "honey"])
    bees, ants = Document("7", "bees", {"year": 1967}), Document("b", "ants")
    assert retriever.get(["b", "7"]) == [ants, bees]
    assert retriever.get([7, "b", np.int64(7)]) == [bees, ants, bees]
    assert retriever.get(iter(["2"])) == [Document("2", "honey")]
    assert retriever.get([]) == []


def test_unknown_ids_and_a_single_one_are_not_got(retriever: Retriever) -> None:
    retriever.add([("a", "bees"), ("b", "ants")])
    assert retriever.delete(["b"]) == 1
    for unknown in ("b", "nobody"):
        with pytest.raises(InputError, match=f"holds no document '{unknown}'; give ids as"):
            retriever.get(["a", unknown])
    with pytest.raises(InputError, match="ids is 'a'; expected a list of ids"):
        retriever.get("a")
    with pytest.raises(InputError, match="ids are strings"):
        retriever.get([None])


def test_documents_are_got_from_an_index_that_others_write(retriever: Retriever, tiny_encoder: Encoder) -> None:
    retriever.add([("a", "bees")])
    with Retriever.open(retriever.index.path, tiny_encoder) as reader:
        for _ in range(2):
            assert reader.get(["a"]) == [Document("a", "bees")]
            retriever.upsert([("a", "ants"), ("b", "honey")])
        reader.index.reload()
        assert reader.get(["b", "a"]) == [Document("b", "honey"), Document("a", "ants")]


def test_documents_without_texts_are_not_got(tmp_path: Path, tiny_encoder: Encoder) -> None:
    retriever = Retriever.create(tmp_path / "x", tiny_encoder, config="exact", store_texts=False)
    retriever.add([("a", "bees")])
    with pytest.raises(InputError, match="keeps no text of document 'a'"):
        retriever.get(["a"])


def test_an_option_that_no_search_has_is_refused(retriever: Retriever) -> None:
    with pytest.raises(InputError, match="a search has no option 'candidate'; choose from k, candidates, where"):
        retriever.search("bees", candidate=3)  # type: ignore[call-overload]
    with pytest.raises(InputError, match="no option 'wher'"):
        retriever.searcher.search_vectors([], wher={})  # type: ignore[call-arg]


def test_a_search_tells_the_time_of_its_stages(retriever: Retriever) -> None:
    retriever.add([{"id": "a", "text": "bees dance", "year": 1}, {"id": "b", "text": "ants", "year": 2}])
    times = StageTimes()
    retriever.search(["bees", "ants"], k=1, times=times, candidates="all", where={"year": 1}, carving=0.9)
    assert set(times.seconds) == {"encode", "filter", "rerank", "fetch"}
    before = dict(times.seconds)
    retriever.search("bees", k=1, times=times)
    assert all(times.seconds[stage] >= seconds > 0 for stage, seconds in before.items())
    assert times.seconds["encode"] > before["encode"]


def test_documents_are_got_where_nothing_can_be_written(retriever: Retriever, tiny_encoder: Encoder) -> None:
    retriever.add([("a", "bees"), ("b", "ants")])
    retriever.index.close()
    (retriever.index.path / "catalog.db-wal").mkdir()  # SQLite can't make its log: as on a read-only disk
    assert Retriever.open(retriever.index.path, tiny_encoder).get(["b"]) == [Document("b", "ants")]
