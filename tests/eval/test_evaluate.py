"""An evaluation against rankings worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wordhive.eval.collections import Collection
from wordhive.eval.evaluate import Evaluation, evaluate, indexed
from wordhive.index import Index, InputError
from wordhive.retrieval.documents import Document
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever

TEXTS = {
    "bees": "Honey bees dance to tell where flowers are.",
    "ants": "Ants follow a trail of scent to their food.",
    "silk": "Spiders spin webs of silk.",
    "rain": "Rain falls when clouds cool down.",
    "none": "",
}


@pytest.fixture(scope="module")
def collection() -> Collection:
    documents = [Document(id, text) for id, text in TEXTS.items()]
    queries = {"q1": "what do spiders spin?", "q2": "why does it rain", "q3": "the scent of food"}
    qrels = {"q1": {"silk": 1}, "q2": {"rain": 1}, "q3": {"ants": 1}}
    return Collection("tiny", "test", lambda: iter(documents), queries, qrels)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.fixture(scope="module")
def found(collection: Collection, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return evaluate(collection, tmp_path_factory.mktemp("eval") / "tiny.hive", model=encoder, candidates=5)


def test_systems_are_exact_search_its_parts_and_two_stages(found: Evaluation) -> None:
    names = [system.name for system in found.systems]
    assert names == ["exact", "exact, words alone", "exact, summary alone", "two stages, 5 candidates"]


def test_runs_equal_scores_worked_out_from_the_vectors(
    found: Evaluation, collection: Collection, encoder: Encoder
) -> None:
    documents = encoder.encode_documents(list(TEXTS.values()))
    queries = encoder.encode_queries(list(collection.queries.values()))
    for i, id in enumerate(collection.queries):
        query = queries[i : i + 1]
        for j, name in enumerate(TEXTS):
            own = documents[j : j + 1]
            words = (query.vectors @ own.vectors.T).max(axis=1).sum() if len(own.vectors) else 0.0
            assert query.summary is not None
            assert own.summary is not None
            w = encoder.summary_weight
            expected = (1 - w) * words + w * float(query.summary[0] @ own.summary[0])
            assert found.systems[0].run[id][name] == pytest.approx(expected, abs=0.02)


def test_two_stages_over_all_documents_equal_exact_search(found: Evaluation) -> None:
    exact, two_stages = found.systems[0].run, found.systems[-1].run
    for id, documents in exact.items():
        assert two_stages[id] == pytest.approx(documents, abs=1e-6)
    assert found.candidate_recall[20] == 1.0


def test_costs_are_reported(found: Evaluation) -> None:
    assert found.bytes_per_document["words"] == pytest.approx(32 * found.words_per_document, abs=60)
    assert set(found.latency) == {"encode", "candidates", "rerank", "fetch", "total"}
    assert all(times["p50"] <= times["p95"] <= times["p99"] for times in found.latency.values())


def test_the_share_of_words_that_the_gate_removed(found: Evaluation, encoder: Encoder) -> None:
    assert encoder.has_stop_word_gate
    texts = [text for text in TEXTS.values() if text]
    everything = [{*text.lower().replace(".", " .").split()} for text in texts]
    n_words = sum(map(len, everything))
    kept = found.words_per_document * len(TEXTS)
    assert found.words_removed == pytest.approx(1 - kept / n_words, abs=1e-3)
    assert 0 < found.words_removed < 1


def test_a_model_without_a_gate_removes_no_words(collection: Collection, tmp_path: Path) -> None:
    assert evaluate(collection, tmp_path / "a.hive", model="wordhive-minilm-128", config="exact").words_removed is None


def test_bm25_is_measured_beside_it(collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    found = evaluate(collection, tmp_path / "a.hive", model=encoder, config="exact", bm25=True, limit=2)
    assert [system.name for system in found.systems][-1] == "bm25"
    bm25 = found.systems[-1]
    assert {id: list(documents) for id, documents in bm25.run.items()} == {"q1": ["silk"], "q2": ["rain"]}
    assert bm25.measures["ndcg@10"] == pytest.approx(1)


def test_an_index_of_something_else_is_refused(collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    index = Index.create(tmp_path / "other.hive", encoder=encoder.stamp, summary_weight=0.8)
    vectors = encoder.encode_documents(["a stranger"])
    index.add(["stranger"], vectors)
    with pytest.raises(InputError, match="holds 1 documents that tiny has not"):
        evaluate(collection, tmp_path / "other.hive", model=encoder)
    assert len(Index.open(tmp_path / "other.hive")) == 1


def test_other_texts_under_the_same_ids_are_refused(collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    with Retriever.create(tmp_path / "other.hive", encoder) as retriever:
        retriever.add([(id, f"{text} Indeed.") for id, text in TEXTS.items()])
    with pytest.raises(InputError, match="another text of document 'bees' than tiny"):
        evaluate(collection, tmp_path / "other.hive", model=encoder)


def test_an_index_of_another_configuration_is_refused(collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    Retriever.create(tmp_path / "tiny.hive", encoder, config="exact")
    with pytest.raises(InputError, match="another configuration than 'default'"):
        evaluate(collection, tmp_path / "tiny.hive", model=encoder, config="default")


def test_an_index_is_completed_and_used_again(collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    with Retriever.create(tmp_path / "tiny.hive", encoder) as retriever:
        retriever.add([("ants", TEXTS["ants"]), ("none", "")])
    for _ in range(2):
        found, seconds = indexed(collection, tmp_path / "tiny.hive")
        assert seconds is None
        assert set(found.index.ids().values()) == set(TEXTS)


def test_equal_documents_are_measured_alike_in_one_stage_and_two(encoder: Encoder, tmp_path: Path) -> None:
    documents = [Document(f"d{number:02d}", "Spiders spin webs of silk.") for number in range(40)]
    twins = Collection("twins", "test", lambda: iter(documents), {"q": "what do spiders spin?"}, {"q": {"d01": 1}})
    found = evaluate(twins, tmp_path / "twins.hive", model=encoder, candidates=40)
    systems = {system.name: system.measures for system in found.systems}
    assert systems["exact"]["mrr@10"] == systems["two stages, 40 candidates"]["mrr@10"] == 0.5
    assert found.candidate_recall[20] == 1.0


def test_a_limit_uses_the_first_queries(collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    found = evaluate(collection, tmp_path / "tiny.hive", model=encoder, candidates=2, limit=1, config="exact")
    assert found.n_queries == 1
    assert found.candidate_recall == {}
    assert "candidates" not in found.latency
    assert np.isclose(found.systems[0].measures["mrr@10"], 1.0)
