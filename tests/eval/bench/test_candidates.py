"""First stages side by side: shares worked out by hand, results that are kept, grids that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from sentence_transformers import MultiVectorEncoder

from wordhive.eval.bench import candidates as candidate_bench
from wordhive.eval.bench.candidate_plot import draw
from wordhive.eval.bench.candidates import FirstStage, bench, default_grid, load_grid
from wordhive.eval.bench.encoded_collection import EncodedCollection
from wordhive.eval.collections.collection import Collection
from wordhive.eval.exact_scores import ExactScores, shares
from wordhive.index import IndexConfig, InputError, MuveraConfig
from wordhive.index.scoring.exact_match import exact_maxsim
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.modules import ScoreMix
from wordhive.retrieval.shards import read_shards, write_shards
from wordhive.retrieval.texts.documents import Document

SMALL = MuveraConfig(repetitions=4, bits=2, projection_dim=8)


def _stage(candidates: str = "Flat", **changes: object) -> FirstStage:
    return FirstStage("muvera", IndexConfig(encoding=SMALL.model_copy(update=changes), candidates=candidates))


def test_shares_count_those_found_and_allow_for_ties() -> None:
    best = [np.array([1, 2, 3]), np.array([4, 5, 6, 7])]  # the second has a tie at the third place
    assert shares(best, [np.array([3, 9, 1]), np.array([7, 6, 5, 4])], 3) == pytest.approx((2 / 3 + 1) / 2, abs=1e-4)
    assert shares(best, [np.array([], np.int64), np.array([7])], 3) == pytest.approx((0 + 1 / 3) / 2, abs=1e-4)


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_exact_scores_are_the_score_by_its_definition(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path, weight: float
) -> None:
    queries = encoder.encode_queries(list(collection.queries.values()))
    exact = ExactScores.make(tmp_path, shards, queries, weight, 50)
    [(_, documents)] = read_shards(shards)
    assert exact.scores.shape == (3, 50)
    assert list(exact.ids.values()) == [f"d{n}" for n in range(50)]
    assert queries.summary is not None
    assert documents.summary is not None
    for i in range(3):
        words = queries[i : i + 1].vectors
        for j in range(50):
            best = (words @ documents[j : j + 1].vectors.T).max(axis=1).sum()
            expected = (1 - weight) * best + weight * float(queries.summary[i] @ documents.summary[j])
            assert exact.scores[i, j] == pytest.approx(expected, abs=1e-4)
    for k in (1, 7):
        top = np.sort(exact.scores[0])[-k]
        np.testing.assert_array_equal(exact.best(0, k), np.flatnonzero(exact.scores[0] >= top))


def test_exact_scores_of_identical_words_are_by_their_definition(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    queries = encoder.encode_queries(list(collection.queries.values()))
    exact = ExactScores.make(tmp_path, shards, queries, 0.0, 50, exact_match=True)
    [(_, documents)] = read_shards(shards)
    for i in range(3):
        query = queries[i : i + 1]
        for j in range(50):
            own = documents[j : j + 1]
            same = query.word_ids[:, None] == own.word_ids
            expected = np.where(same, query.vectors @ own.vectors.T, 0).max(axis=1, initial=0).sum()
            assert exact.scores[i, j] == pytest.approx(expected, abs=1e-4)


def test_a_model_of_identical_words_is_measured_by_its_own_score(
    collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    modules = [*list(encoder.model)[:-1], ScoreMix(0.0, exact_match=True)]
    uni = Encoder(MultiVectorEncoder(modules=modules))
    bench([FirstStage("summary", IndexConfig.load("summary"))], EncodedCollection(collection, uni, tmp_path))
    queries = uni.encode_queries(list(collection.queries.values()))
    [(_, documents)] = read_shards(tmp_path / "shards")
    expected = exact_maxsim(queries, documents.vectors, documents.offsets, documents.word_ids)
    np.testing.assert_allclose(np.load(tmp_path / "exact.npy"), expected, atol=1e-4)


def test_the_summary_is_measured_as_a_first_stage(collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    stage = FirstStage("summary", IndexConfig.load("summary"))
    [measured] = bench([stage], EncodedCollection(collection, encoder, tmp_path, summary_weight=1.0)).stages
    assert measured.dims == encoder.encode_queries([]).summary_dim
    assert measured.shares[10][20] == pytest.approx(1, abs=0.05)  # the summary alone is the score


def test_exact_scores_are_taken_over_and_made_anew_for_others(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = encoder.encode_queries(list(collection.queries.values()))
    first = np.array(ExactScores.make(tmp_path, shards, queries, 0.3, 60).scores)
    with monkeypatch.context() as patch:
        patch.setattr("wordhive.eval.exact_scores.score", None)
        np.testing.assert_array_equal(ExactScores.make(tmp_path, shards, queries, 0.3, 60).scores, first)
    assert not np.allclose(ExactScores.make(tmp_path, shards, queries, 0.4, 60).scores, first)
    assert ExactScores.make(tmp_path, shards, queries[:2], 0.4, 60).scores.shape == (2, 60)
    (tmp_path / "exact.json").write_text("{", encoding="utf-8")
    np.testing.assert_array_equal(ExactScores.make(tmp_path, shards, queries, 0.3, 60).scores, first)


def test_exact_scores_go_on_after_a_stop(
    collection: Collection, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wordhive.retrieval.shards.DOCUMENTS_A_SHARD", 16)
    write_shards(collection.documents(), tmp_path / "shards", encoder)
    queries = encoder.encode_queries(list(collection.queries.values()))
    whole = np.array(ExactScores.make(tmp_path, tmp_path / "shards", queries, 0.3, 60).scores)
    state = json.loads((tmp_path / "exact.json").read_text(encoding="utf-8"))
    assert state["documents"] == 60
    (tmp_path / "exact.json").write_text(json.dumps({**state, "documents": 32}), encoding="utf-8")
    scores = np.load(tmp_path / "exact.npy", mmap_mode="r+")
    scores[:, 32:] = 0
    scores[:, 0] = 5  # what is done is not done again
    scores.flush()
    again = ExactScores.make(tmp_path, tmp_path / "shards", queries, 0.3, 60).scores
    np.testing.assert_array_equal(again[:, 1:], whole[:, 1:])
    assert (again[:, 0] == 5).all()


def test_shares_equal_those_of_a_scan_worked_out_here(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    found = bench([_stage("Flat"), _stage("SQ8")], EncodedCollection(collection, encoder, tmp_path, shards=shards))
    assert (found.n_documents, found.n_queries, found.fitted_to) == (60, 3, 60)
    flat, quantised = found.stages
    queries = encoder.encode_queries(list(collection.queries.values()))
    exact = ExactScores.make(tmp_path, shards, queries, encoder.summary_weight, 60)
    [(_, documents)] = read_shards(shards)
    encoding, _ = candidate_bench.fit_encoding(_stage().config, documents, encoder.summary_weight)
    products = encoding.encode_queries(queries) @ encoding.encode_documents(documents).T
    for k in (1, 10):
        expected = [
            len(set(np.argsort(-exact.scores[i])[:k]) & set(np.argsort(-products[i])[:20])) / k for i in range(3)
        ]
        assert flat.shares[k][20] == pytest.approx(np.mean(expected), abs=1e-3)
    assert flat.shares[10][100] == flat.shares[100][100] == 1.0
    assert flat.ndcg[100] == found.ndcg_exact
    assert flat.dims == 4 * 4 * 8 + 256
    assert flat.bytes_per_document == pytest.approx(4 * flat.dims, abs=0.2)
    assert quantised.bytes_per_document == pytest.approx(flat.dims, abs=0.2)
    assert flat.queries_per_second > 0


def test_results_are_kept_until_something_changes(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [_stage("Flat"), _stage("SQ8")]
    first = bench(stages, EncodedCollection(collection, encoder, tmp_path, shards=shards))
    built = []
    real = candidate_bench._build
    monkeypatch.setattr(candidate_bench, "_build", lambda group, *rest: built.append(group) or real(group, *rest))
    assert bench(stages, EncodedCollection(collection, encoder, tmp_path, shards=shards)) == first
    assert built == []
    (tmp_path / "muvera.SQ8.json").unlink()
    bench(stages, EncodedCollection(collection, encoder, tmp_path, shards=shards))
    bench([_stage("Flat", repetitions=5)], EncodedCollection(collection, encoder, tmp_path, shards=shards))
    bench(
        [_stage("Flat", repetitions=5)], EncodedCollection(collection, encoder, tmp_path, shards=shards, fitted_to=30)
    )
    bench(
        [_stage("Flat", repetitions=5)],
        EncodedCollection(collection, encoder, tmp_path, shards=shards, fitted_to=30, n_queries=2),
    )
    bench(
        [_stage("Flat", repetitions=5)],
        EncodedCollection(collection, encoder, tmp_path, shards=shards, fitted_to=30, n_documents=40),
    )
    assert len(built) == 5


def test_words_alone_are_measured_with_a_weight_of_nothing(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    found = bench([_stage()], EncodedCollection(collection, encoder, tmp_path, shards=shards, summary_weight=0.0))
    assert found.stages[0].dims == 4 * 4 * 8
    assert found.summary_weight == 0


def test_shards_are_written_where_there_are_none(collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    found = bench([_stage()], EncodedCollection(collection, encoder, tmp_path, n_documents=20))
    assert found.n_documents == 20
    assert (tmp_path / "shards" / "shards.json").is_file()
    with pytest.raises(InputError, match="does not hold document 'd20', number 21 of tiny"):
        bench([_stage()], EncodedCollection(collection, encoder, tmp_path))


def test_shards_of_other_documents_are_refused(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    others = Collection("others", "test", lambda: iter([Document("x", "bee")]), collection.queries, collection.qrels)
    with pytest.raises(InputError, match="does not hold document 'x', number 1 of others; choose another folder"):
        bench([_stage()], EncodedCollection(others, encoder, tmp_path, shards=shards))


def test_shards_of_other_texts_or_of_more_documents_are_refused(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    held = list(collection.documents())
    changed = [Document(held[0].id, "another text"), *held[1:]]
    for documents, message in ((changed, "does not hold document 'd0'"), (held[:50], "holds more documents than")):
        others = Collection("o", "test", lambda d=documents: iter(d), collection.queries, collection.qrels)
        with pytest.raises(InputError, match=message):
            bench([_stage()], EncodedCollection(others, encoder, tmp_path, shards=shards))


def test_a_run_that_was_stopped_in_another_setting_leaves_nothing_behind(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench([_stage("Flat")], EncodedCollection(collection, encoder, tmp_path, shards=shards))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("wordhive.eval.exact_scores.score", stop)
        with pytest.raises(KeyboardInterrupt):
            bench(
                [_stage("Flat")],
                EncodedCollection(collection, encoder, tmp_path, shards=shards, summary_weight=0.1, n_queries=2),
            )
    again = bench([_stage("SQ8")], EncodedCollection(collection, encoder, tmp_path, shards=shards))
    clean = bench([_stage("SQ8")], EncodedCollection(collection, encoder, tmp_path / "clean", shards=shards))
    assert again.ndcg_exact == clean.ndcg_exact == first.ndcg_exact
    assert again.stages[0].shares == clean.stages[0].shares


def test_other_judgements_are_measured_anew(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    bench([_stage()], EncodedCollection(collection, encoder, tmp_path, shards=shards))
    qrels = {name: {f"d{n}": 1 for n in range(5)} for name in collection.queries}
    others = Collection("tiny", "test", collection.documents, collection.queries, qrels)
    found = bench([_stage()], EncodedCollection(others, encoder, tmp_path, shards=shards))
    assert found.stages[0].ndcg[1000] == found.ndcg_exact


def test_what_searches_wider_for_more_is_asked_for_each_number(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    [stage] = bench([_stage("PQ32x4,RFlat")], EncodedCollection(collection, encoder, tmp_path, shards=shards)).stages
    [(_, documents)] = read_shards(shards)
    queries = encoder.encode_queries(list(collection.queries.values()))
    encoding, _ = candidate_bench.fit_encoding(_stage().config, documents, encoder.summary_weight)
    index = candidate_bench.CandidateIndex.train(_stage("PQ32x4,RFlat").config, encoding.encode_documents(documents))
    index.add(encoding.encode_documents(documents))
    exact = ExactScores.make(tmp_path, shards, queries, encoder.summary_weight, 60)
    found = index.search(encoding.encode_queries(queries), 20)[1]
    assert stage.shares[10][20] == shares([exact.best(i, 10) for i in range(3)], list(found), 10)


def test_one_name_may_stand_for_two_encodings(
    shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    found = bench([_stage(), _stage(repetitions=2)], EncodedCollection(collection, encoder, tmp_path, shards=shards))
    assert [stage.dims for stage in found.stages] == [4 * 4 * 8 + 256, 2 * 4 * 8 + 256]


def test_the_grid_that_comes_with_it_is_whole() -> None:
    stages = load_grid(default_grid())
    assert {stage.name for stage in stages} >= {"muvera-10240", "fitted-512", "fitted-256"}
    assert len({(stage.name, stage.config.candidates) for stage in stages}) == len(stages)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "expected keys and values"),
        ("a: 3", "is no grid"),
        ("{}", "is no grid"),
        ("a: {encoding: {family: muvera}}", "a has candidates None; expected a list"),
        ("a: {encoding: {family: muvera}, candidates: [SQ8], colour: red}", "unknown key 'colour'"),
        ("a: {encoding: null, candidates: [SQ8]}", "a has no encoding"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_grid_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load_grid(path)
    with pytest.raises(InputError, match="no configuration file at"):
        load_grid(tmp_path / "nowhere.yaml")


def test_a_picture_is_drawn(shards: Path, collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    found = bench([_stage("Flat"), _stage("SQ8")], EncodedCollection(collection, encoder, tmp_path, shards=shards))
    draw(found.stages, "bees & wasps", tmp_path / "a.svg")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    told = [str(title.text) for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert told[0] == "bees & wasps"
    for stage in found.stages:
        share = f"{stage.shares[10][50]:.3f}"
        assert f"{stage.encoding}, {stage.candidates}: {share}, {stage.bytes_per_document:,.0f} bytes" in told
    assert f"{found.stages[0].encoding}, Flat" in told  # its curve by the number of candidates
