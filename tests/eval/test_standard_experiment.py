"""The experiment of one index on one collection, against rankings worked out by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.eval.experiment import CollectionSpec, Experiment, WordhiveSpec
from wordhive.eval.results import CollectionResults, IndexResults
from wordhive.eval.runner import Runner
from wordhive.eval.runs import read_run
from wordhive.eval.standard_experiment import standard_experiment
from wordhive.index import Index, InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever

TEXTS = {
    "bees": "Honey bees dance to tell where flowers are.",
    "ants": "Ants follow a trail of scent to their food.",
    "silk": "Spiders spin webs of silk.",
    "rain": "Rain falls when clouds cool down.",
    "none": "",
}


QUERIES = {
    "q1": ("what do spiders spin?", "silk"),
    "q2": ("why does it rain", "rain"),
    "q3": ("the scent of food", "ants"),
}


def write(folder: Path, texts: dict[str, str], queries: dict[str, tuple[str, str]]) -> str:
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": id, "text": text} for id, text in texts.items()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    rows = [{"_id": id, "text": text} for id, (text, _) in queries.items()]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    lines = "".join(f"{id}\t{document}\t1\n" for id, (_, document) in queries.items())
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}", encoding="utf-8")
    return str(folder)


def evaluate(source: str, report: Path, limit: int | None = None, **options: Any) -> CollectionResults:
    spec = CollectionSpec(source=source, queries=limit)
    return Runner(standard_experiment(spec, **options), report).run().collections[0]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("collection") / "tiny", TEXTS, QUERIES)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def found(source: str, report: Path) -> CollectionResults:
    return evaluate(source, report, candidates=5)


@pytest.fixture(scope="module")
def held(found: CollectionResults) -> IndexResults:
    assert found.systems[0].index is not None
    return found.systems[0].index


def test_systems_are_exact_search_its_parts_and_two_stages(found: CollectionResults) -> None:
    names = [system.name for system in found.systems]
    assert names == ["exact", "exact, words alone", "exact, summary alone", "two stages, 5 candidates"]


def test_runs_equal_scores_worked_out_from_the_vectors(
    found: CollectionResults, report: Path, encoder: Encoder
) -> None:
    documents = encoder.encode_documents(list(TEXTS.values()))
    queries = encoder.encode_queries([text for text, _ in QUERIES.values()])
    run = read_run(report / found.systems[0].run)
    for i, id in enumerate(QUERIES):
        query = queries[i : i + 1]
        for j, name in enumerate(TEXTS):
            own = documents[j : j + 1]
            words = (query.vectors @ own.vectors.T).max(axis=1).sum() if len(own.vectors) else 0.0
            assert query.summary is not None
            assert own.summary is not None
            w = encoder.summary_weight
            expected = (1 - w) * words + w * float(query.summary[0] @ own.summary[0])
            assert run[id][name] == pytest.approx(expected, abs=0.02)


def test_two_stages_over_all_documents_equal_exact_search(found: CollectionResults, report: Path) -> None:
    exact, two_stages = (read_run(report / found.systems[place].run) for place in (0, -1))
    for id, documents in exact.items():
        assert two_stages[id] == pytest.approx(documents, abs=1e-6)
    assert found.systems[-1].candidate_recall[20] == 1.0


def test_costs_are_reported(found: CollectionResults, held: IndexResults) -> None:
    assert held.bytes_per_document["words"] == pytest.approx(32 * held.words_per_document, abs=60)
    assert held.text_bytes == pytest.approx(sum(map(len, TEXTS.values())) / len(TEXTS), abs=0.1)
    latency = found.systems[-1].latency
    assert set(latency) == {"encode", "candidates", "rerank", "fetch", "total"}
    assert all(times["p50"] <= times["p95"] <= times["p99"] for times in latency.values())


def test_the_share_of_words_that_the_gate_removed(held: IndexResults, encoder: Encoder) -> None:
    assert encoder.has_stop_word_gate
    texts = [text for text in TEXTS.values() if text]
    everything = [{*text.lower().replace(".", " .").split()} for text in texts]
    n_words = sum(map(len, everything))
    kept = held.words_per_document * len(TEXTS)
    assert held.words_removed == pytest.approx(1 - kept / n_words, abs=1e-3)
    assert 0 < held.words_removed < 1


def test_a_model_without_a_gate_removes_no_words(source: str, tmp_path: Path) -> None:
    held = evaluate(source, tmp_path, model="wordhive-minilm-128", config="exact").systems[0].index
    assert held is not None
    assert held.words_removed is None


def test_bm25_is_measured_beside_it(source: str, tmp_path: Path) -> None:
    found = evaluate(source, tmp_path, config="exact", bm25=True, limit=2)
    bm25 = found.systems[-1]
    assert (bm25.name, bm25.index) == ("bm25", None)
    run = read_run(tmp_path / bm25.run)
    assert {id: list(documents) for id, documents in run.items()} == {"q1": ["silk"], "q2": ["rain"]}
    assert bm25.measures["ndcg@10"] == pytest.approx(1)


def test_an_index_of_something_else_is_refused(source: str, encoder: Encoder, tmp_path: Path) -> None:
    index = Index.create(tmp_path / "other.hive", encoder=encoder.stamp, summary_weight=0.8)
    index.add(["stranger"], encoder.encode_documents(["a stranger"]))
    with pytest.raises(InputError, match="holds 1 document that tiny has not"):
        evaluate(source, tmp_path / "report", index=tmp_path / "other.hive")
    assert len(Index.open(tmp_path / "other.hive")) == 1


def test_other_texts_under_the_same_ids_are_refused(source: str, encoder: Encoder, tmp_path: Path) -> None:
    with Retriever.create(tmp_path / "other.hive", encoder) as retriever:
        retriever.add([(id, f"{text} Indeed.") for id, text in TEXTS.items()])
    with pytest.raises(InputError, match="another text of document 'bees' than tiny"):
        evaluate(source, tmp_path / "report", index=tmp_path / "other.hive")


def test_an_index_of_another_configuration_or_model_is_refused(source: str, encoder: Encoder, tmp_path: Path) -> None:
    index = tmp_path / "tiny.hive"
    Retriever.create(index, encoder, config="exact")
    with pytest.raises(InputError, match="another configuration than 'default'"):
        evaluate(source, tmp_path / "report", index=index, config="default")
    with pytest.raises(InputError, match="wordhive-minilm-128"):
        evaluate(source, tmp_path / "report", index=index, model="wordhive-minilm-128")


def test_an_index_is_made_or_completed_or_used_as_it_is(source: str, encoder: Encoder, tmp_path: Path) -> None:
    index = tmp_path / "tiny.hive"
    with Retriever.create(index, encoder, config="exact") as retriever:
        retriever.add([("ants", TEXTS["ants"]), ("none", "")])
    for report in ("one", "two"):
        found = evaluate(source, tmp_path / report, index=index)
        assert found.systems[0].seconds_indexing is None
        assert set(Index.open(index).snapshot().ids().values()) == set(TEXTS)
        assert "two stages" not in str([system.name for system in found.systems])  # its own configuration is taken
    made = evaluate(source, tmp_path / "three", index=tmp_path / "new.hive", config="exact")
    assert made.systems[0].seconds_indexing is not None
    assert not list((tmp_path / "three" / "cache").glob("*/*.hive"))


def test_an_index_that_was_changed_is_measured_anew(source: str, encoder: Encoder, tmp_path: Path) -> None:
    index, report = tmp_path / "tiny.hive", tmp_path / "report"
    for config, stages in (("exact", {}), ("default", {20: 1.0})):
        shutil.rmtree(index, ignore_errors=True)
        with Retriever.create(index, encoder, config=config) as retriever:
            retriever.add(list(TEXTS.items()))
        spec = WordhiveSpec(name="mine", index=str(index))
        experiment = Experiment(collections=(CollectionSpec(source=source),), systems=(spec,))
        found = Runner(experiment, report).run().collections[0].systems[0]
        assert found.candidate_recall.get(20) == stages.get(20)


def test_equal_documents_are_measured_alike_in_one_stage_and_two(tmp_path: Path) -> None:
    texts = {f"d{number:02d}": "Spiders spin webs of silk." for number in range(40)}
    twins = write(tmp_path / "twins", texts, {"q": ("what do spiders spin?", "d01")})
    found = evaluate(twins, tmp_path / "report", candidates=40)
    systems = {system.name: system.measures for system in found.systems}
    assert systems["exact"]["mrr@10"] == systems["two stages, 40 candidates"]["mrr@10"] == 0.5
    assert found.systems[-1].candidate_recall[20] == 1.0


def test_a_limit_uses_the_first_queries(source: str, tmp_path: Path) -> None:
    found = evaluate(source, tmp_path, candidates=2, limit=1, config="exact")
    assert found.query_ids == ["q1"]
    assert found.systems[0].candidate_recall == {}
    assert "candidates" not in found.systems[0].latency
    assert np.isclose(found.systems[0].measures["mrr@10"], 1.0)
