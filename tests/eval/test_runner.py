"""An experiment is run: what its systems find, what that costs, and what is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from wordhive.eval.experiment import Experiment
from wordhive.eval.results import CollectionResults, SystemResults
from wordhive.eval.runner import Runner
from wordhive.eval.runs import query_values, read_run
from wordhive.index import InputError
from wordhive.retrieval.checkpoints.model_places import find_base
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.texts.chunks import chunked
from wordhive.retrieval.texts.documents import Document

from .conftest import SPLITS, SYSTEMS, TEXTS


def system(found: CollectionResults, name: str) -> SystemResults:
    return next(each for each in found.systems if each.name == name)


def test_every_system_is_measured_by_its_run_file(found: CollectionResults, report: Path) -> None:
    qrels = {id: grades for id, (_, grades) in SPLITS["test"].items()}
    assert found.query_ids == list(qrels)
    assert [each.name for each in found.systems] == [each["name"] for each in SYSTEMS]
    for each in found.systems:
        values = query_values(qrels, read_run(report / each.run), ["ndcg@10", "map"])
        assert each.per_query["ndcg@10"] == pytest.approx(values["ndcg@10"].tolist())
        assert each.measures["map"] == pytest.approx(values["map"].mean())


def test_runs_are_what_the_models_score(found: CollectionResults, report: Path) -> None:
    texts, queries = list(TEXTS.values()), [text for text, _ in SPLITS["test"].values()]
    encoder, model = Encoder.load(), SentenceTransformer(find_base("all-MiniLM-L6-v2"), local_files_only=True)
    dense_scores = model.encode(queries) @ model.encode(texts).T
    documents, asked = encoder.encode_documents(texts), encoder.encode_queries(queries)
    assert documents.summary is not None
    assert asked.summary is not None
    for i, id in enumerate(found.query_ids):
        single = read_run(report / system(found, "single vector").run)[id]
        words = read_run(report / system(found, "exact words").run)[id]
        summary = read_run(report / system(found, "summary").run)[id]
        whole = read_run(report / system(found, "all").run)[id]
        two_stages = read_run(report / system(found, "MUVERA").run)[id]
        for j, name in enumerate(TEXTS):
            own = documents[j : j + 1].vectors
            best = (asked[i : i + 1].vectors @ own.T).max(axis=1).sum() if len(own) else 0.0
            w = encoder.summary_weight
            assert single[name] == pytest.approx(float(dense_scores[i, j]), abs=5e-3)  # in bfloat16
            assert words[name] == pytest.approx((1 - w) * best, abs=0.02)
            assert summary[name] == pytest.approx(w * float(asked.summary[i] @ documents.summary[j]), abs=0.02)
            assert whole[name] == pytest.approx(words[name] + summary[name], abs=1e-5)
        assert len(two_stages) == 3
        assert two_stages == {name: pytest.approx(whole[name], abs=1e-5) for name in two_stages}


def test_reciprocal_ranks_are_added(found: CollectionResults, report: Path) -> None:
    runs = [read_run(report / system(found, name).run) for name in ("BM25", "MUVERA", "hybrid")]
    for id in found.query_ids:
        bm25, muvera, hybrid = (list(run.get(id, {})) for run in runs)
        scores = {
            name: sum(1 / (60 + 1 + ranked.index(name)) for ranked in (bm25, muvera) if name in ranked)
            for name in {*bm25, *muvera}
        }
        assert runs[2][id] == {name: pytest.approx(scores[name], abs=1e-6) for name in hybrid}
        assert set(hybrid) == set(scores)


def test_tuning_sees_the_other_split_only(found: CollectionResults, report: Path) -> None:
    assert "chosen on train" in system(found, "tuned").description
    tuning = report / "runs" / "tiny" / "tuning-train"
    assert sorted(path.stem for path in tuning.iterdir()) == ["BM25", "all"]
    assert set(read_run(tuning / "all.trec")) == set(SPLITS["train"])


def test_tuning_on_the_measured_split_is_refused(experiment: Experiment, tmp_path: Path) -> None:
    values = experiment.model_dump()
    values["systems"][7]["tune_on"] = "test"
    with pytest.raises(InputError, match="'test', the very split of tiny that is measured"):
        Runner(Experiment.model_validate(values), tmp_path).run()
    assert not list(tmp_path.iterdir())


def test_costs(found: CollectionResults) -> None:
    muvera, words, summary = (system(found, name) for name in ("MUVERA", "exact words", "summary"))
    assert set(muvera.latency) == {"encode", "candidates", "rerank", "fetch", "total"}
    assert set(system(found, "all").latency) == {"encode", "rerank", "fetch", "total"}
    assert set(system(found, "single vector").latency) == {"encode", "scores", "total"}
    assert muvera.candidate_recall[20] == 1.0
    assert system(found, "all").candidate_recall == {}
    assert muvera.bytes_per_document["candidates"] > 1280
    assert "texts" not in muvera.bytes_per_document
    assert "parameters" not in muvera.bytes_per_document
    assert "summaries" not in words.bytes_per_document
    assert "words" not in summary.bytes_per_document
    assert system(found, "single vector").bytes_per_document == {"vector": 4 * 384}
    assert set(system(found, "hybrid").bytes_per_document) == {"BM25", "MUVERA"}
    for name in ("BM25", "single vector", "MUVERA"):
        cost = system(found, name)
        assert cost.seconds_indexing is not None
        assert (cost.queries_per_second or 0) > 0
        assert (cost.peak_memory or 0) > 10**7
    # The index of "all" and the encoding of "MUVERA" were there already; what they took is known all the same.
    assert system(found, "all").seconds_indexing == words.seconds_indexing


def test_run_files_of_others_and_what_is_wrong_is_counted(found: CollectionResults) -> None:
    assert system(found, "theirs").per_query["mrr@10"] == [1, 0, 1, 0]
    assert found.warnings == {
        "documents with an empty text": 1,
        "judgements of documents that are not there": 1,
        "theirs: judged queries without an answer in the run file, 0 there": 1,
        "theirs: queries of the run file that are not judged, left out": 1,
    }


def test_changed_queries_are_shown_with_hits_and_words(found: CollectionResults) -> None:
    assert found.baseline == "BM25"
    values = {each.name: np.array(each.per_query["ndcg@10"]) for each in found.systems}
    assert found.side_by_side
    for shown in found.side_by_side:
        place = found.query_ids.index(shown.query_id)
        assert shown.systems == {name: value[place] for name, value in values.items()}
        assert "BM25" in shown.hits
        [other] = set(shown.hits) - {"BM25"}
        assert values[other].mean() == max(v.mean() for name, v in values.items() if name != "BM25")
        assert shown.systems[other] != shown.systems["BM25"]
        for hit in shown.hits[other]:
            assert hit.text == TEXTS[hit.id]
            assert hit.grade == SPLITS["test"][shown.query_id][1].get(hit.id)


def test_words_of_our_systems_are_told(tiny: Path, cache: Path, tmp_path: Path) -> None:
    two = [SYSTEMS[4], SYSTEMS[0]]
    experiment = Experiment.model_validate({"collections": [{"source": str(tiny)}], "systems": two, "depth": 10})
    found = Runner(experiment, tmp_path, cache).run().collections[0]
    ours = [hit for shown in found.side_by_side for hit in shown.hits["all"] if hit.matches]
    assert ours
    assert all(share > 0 for hit in ours for _, _, share in hit.matches)
    assert all(sum(share for _, _, share in hit.matches) <= 1.001 for hit in ours)
    assert ("food", "food") in {(word, match) for hit in ours for word, match, _ in hit.matches}
    assert not any(hit.matches for shown in found.side_by_side for hit in shown.hits["BM25"])


def test_a_query_finds_itself_only_where_no_convention_leaves_it_out(tiny: Path, tmp_path: Path, cache: Path) -> None:
    systems = [
        {"name": "BM25", "kind": "bm25"},
        {"name": "all", "kind": "wordhive", "config": "exact"},
        {"name": "hybrid", "kind": "fusion", "of": ["BM25", "all"]},
    ]
    found = {}
    for name in ("arguana", "others"):
        folder = tmp_path / name
        shutil.copytree(tiny, folder)
        rows = [{"_id": id, "text": f"{text} webs, rain, smell"} for id, text in TEXTS.items()]
        (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:3]), encoding="utf-8")
        lines = "bees\twasp\t1\nants\tmoth\t1\nsilk\train\t1\n"
        (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}", encoding="utf-8")
        experiment = Experiment.model_validate(
            {"collections": [{"source": str(folder)}], "systems": systems, "depth": 10, "queries_timed": 0}
        )
        found[name] = Runner(experiment, tmp_path / "report" / name, cache).run().collections[0]
    runs = {
        name: {each.name: read_run(tmp_path / "report" / name / each.run) for each in collection.systems}
        for name, collection in found.items()
    }
    for name in ("BM25", "all"):
        for id, documents in runs["others"][name].items():
            assert next(iter(documents)) == id
            assert list(runs["arguana"][name][id]) == [document for document in documents if document != id]
    assert all(id not in documents for id, documents in runs["arguana"]["hybrid"].items())


def test_a_chunked_document_counts_as_its_best_chunk(tmp_path: Path) -> None:
    folder = tmp_path / "long"
    (folder / "qrels").mkdir(parents=True)
    filler = " ".join(f"The river {n} carries stones and clouds pass." for n in range(200))
    texts = {"far": f"{filler} Spiders spin webs of silk.", "near": "Wasps make paper.", "rain": "Rain falls."}
    rows = [{"_id": id, "text": text} for id, text in texts.items()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "spiders spin silk"}\n', encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tfar\t1\n", encoding="utf-8")
    whole = {"kind": "wordhive", "config": "exact"}
    systems = [
        {**whole, "name": "whole"},
        {**whole, "name": "first window", "max_tokens": 256},
        {**whole, "name": "cut", "chunk": {"overlap": 16}},
        {**whole, "name": "two stages", "config": "muvera-1280", "chunk": {"overlap": 16}, "candidates": 500},
    ]
    experiment = Experiment.model_validate(
        {"collections": [{"source": str(folder)}], "systems": systems, "depth": 10, "queries_timed": 1}
    )
    report = tmp_path / "report"
    found = Runner(experiment, report).run().collections[0]
    assert found.truncated == pytest.approx(1 / 3)
    encoder = Encoder.load()
    chunks = list(chunked([Document(id, text) for id, text in texts.items()], encoder, overlap=16))
    vectors = encoder.encode_documents([chunk.text for chunk in chunks])
    query = encoder.encode_queries(["spiders spin silk"])
    best: dict[str, float] = {}
    for place, chunk in enumerate(chunks):
        words = (query.vectors @ vectors[place : place + 1].vectors.T).max(axis=1).sum()
        assert query.summary is not None
        assert vectors.summary is not None
        w = encoder.summary_weight
        score = float((1 - w) * words + w * query.summary[0] @ vectors.summary[place])
        id = chunk.id.partition("#")[0]
        best[id] = max(best.get(id, -9.0), score)
    runs = {each.name: read_run(report / each.run)["q"] for each in found.systems}
    for name in ("cut", "two stages"):
        assert runs[name] == pytest.approx(best, abs=0.02)
        assert next(iter(runs[name])) == "far"
    assert runs["whole"] == pytest.approx(best, abs=0.02)
    assert runs["first window"]["far"] < runs["cut"]["far"] - 0.05
    for name, reader in (("whole", encoder), ("first window", encoder.with_max_tokens(256))):
        held = system(found, name).index
        assert held is not None
        n_words = int(reader.count_words(texts.values()).sum())
        assert held.words_removed == pytest.approx(1 - held.words_per_document * len(texts) / n_words, abs=0.01)
    assert system(found, "cut").bytes_per_document["words"] > system(found, "whole").bytes_per_document["words"]
