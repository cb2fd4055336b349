from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.config import MuveraConfig
from wordhive.index.scoring.ball_carving import carve
from wordhive.index.scoring.scores import Scores
from wordhive.index.storage.catalog.catalog import Catalog
from wordhive.index.storage.settings import EncoderStamp
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.searcher import Hit, Searcher

FLAT = IndexConfig(
    codec="Flat",
    summary_codec="Flat",
    candidates="Flat",
    encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=8),
)
NO_FIRST_STAGE = IndexConfig(codec="Flat", summary_codec="Flat", encoding=None)


def random_words(n_texts: int, seed: int, *, summary_dim: int = 0) -> WordVectors:
    random = np.random.default_rng(seed)
    counts = random.integers(0, 9, n_texts)
    counts[0] = 5
    vectors = random.normal(size=(counts.sum(), 12)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    summary = random.normal(size=(n_texts, summary_dim)).astype(np.float32) if summary_dim else None
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return WordVectors(vectors, offsets, np.zeros(len(vectors), np.uint32), summary)


def brute_force(queries: WordVectors, documents: WordVectors, weight: float) -> NDArray[np.float64]:
    scores = np.zeros((len(queries), len(documents)))
    for q in range(len(queries)):
        for d in range(len(documents)):
            document = documents[d : d + 1]
            for word in queries[q : q + 1].vectors.astype(np.float64):
                scores[q, d] += (1 - weight) * max((float(word @ other) for other in document.vectors), default=0.0)
            if queries.summary is not None and documents.summary is not None:
                scores[q, d] += weight * float(queries.summary[q].astype(np.float64) @ documents.summary[d])
    return scores


def ids_for(n: int) -> list[str]:
    return [f"doc-{number:03d}" for number in range(n)]


def filled(
    path: Path, documents: WordVectors, config: IndexConfig = FLAT, weight: float = 0.0, commits: int = 1
) -> Index:
    index = Index.create(path, config, summary_weight=weight)
    ids = ids_for(len(documents))
    for part in np.array_split(np.arange(len(documents)), commits):
        first, last = int(part[0]), int(part[-1]) + 1
        index.add(ids[first:last], documents[first:last])
    return index


@pytest.mark.parametrize("summary_dim", [0, 6])
@pytest.mark.parametrize("commits", [1, 3])
def test_exact_search_equals_brute_force(tmp_path: Path, summary_dim: int, commits: int) -> None:
    documents = random_words(30, 1, summary_dim=summary_dim)
    queries = random_words(4, 2, summary_dim=summary_dim)
    weight = 0.3 if summary_dim else 0.0
    index = filled(tmp_path / "x", documents, weight=weight, commits=commits)
    expected = brute_force(queries, documents, weight)
    for query, hits in enumerate(Searcher(index).search_vectors(queries, 7, candidates="all")):
        best = np.argsort(-expected[query], kind="stable")[:7]
        assert [hit.id for hit in hits] == [ids_for(30)[document] for document in best]
        np.testing.assert_allclose([hit.score for hit in hits], expected[query][best], atol=1e-4)


def test_the_summary_weighs_nothing_where_documents_have_none(tmp_path: Path) -> None:
    documents, queries = random_words(10, 1), random_words(2, 2)
    index = filled(tmp_path / "x", documents, weight=0.9)
    hits = Searcher(index).search_vectors(queries, 10, candidates="all")[0]
    np.testing.assert_allclose(
        [hit.score for hit in hits], sorted(brute_force(queries, documents, 0.0)[0])[::-1], atol=1e-4
    )


@pytest.mark.parametrize("commits", [1, 4])
def test_two_stages_with_enough_candidates_equal_exact_search(tmp_path: Path, commits: int) -> None:
    documents, queries = random_words(25, 3, summary_dim=5), random_words(5, 4, summary_dim=5)
    searcher = Searcher(filled(tmp_path / "x", documents, weight=0.4, commits=commits))
    exact = searcher.search_vectors(queries, 6, candidates="all")
    for candidates in (25, 1000, None):
        found = searcher.search_vectors(queries, 6, candidates=candidates)
        assert [[hit.id for hit in hits] for hits in found] == [[hit.id for hit in hits] for hits in exact]
        for hits, others in zip(found, exact, strict=True):
            np.testing.assert_allclose([h.score for h in hits], [h.score for h in others], atol=1e-5)


def test_fewer_candidates_than_k_are_raised_to_k(tmp_path: Path) -> None:
    searcher = Searcher(filled(tmp_path / "x", random_words(25, 3)))
    assert len(searcher.search_vectors(random_words(1, 4), 10, candidates=1)[0]) == 10


def test_a_search_does_not_count_all_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, queries = filled(tmp_path / "x", random_words(25, 3), commits=2), random_words(1, 4)
    Searcher(index).search_vectors(queries, k=3, candidates=5)
    monkeypatch.setattr(Catalog, "n_documents", lambda self: pytest.fail("every row was counted"))
    for candidates in (5, "all"):
        Searcher(index).search_vectors(queries, k=3, candidates=candidates)  # type: ignore[arg-type]


def test_few_candidates_are_scored_exactly(tmp_path: Path) -> None:
    documents, queries = random_words(25, 3), random_words(1, 4)
    expected = dict(zip(ids_for(25), brute_force(queries, documents, 0.0)[0], strict=True))
    for hit in Searcher(filled(tmp_path / "x", documents)).search_vectors(queries, 2, candidates=5)[0]:
        assert hit.score == pytest.approx(expected[hit.id], abs=1e-4)


def test_the_parts_add_up_to_the_score(tmp_path: Path) -> None:
    documents, queries = random_words(12, 5, summary_dim=4), random_words(2, 6, summary_dim=4)
    words = brute_force(WordVectors(queries.vectors, queries.offsets, queries.word_ids), documents, 0.0)
    searcher = Searcher(filled(tmp_path / "x", documents, weight=0.25))
    for query, hits in enumerate(searcher.search_vectors(queries, 12)):
        for hit in hits:
            number = ids_for(12).index(hit.id)
            assert hit.score == pytest.approx(hit.words_score + hit.summary_score, abs=1e-6)
            assert hit.words_score == pytest.approx(0.75 * words[query, number], abs=1e-4)


@pytest.mark.parametrize("candidates", ["all", 50])
def test_ties_go_to_the_smaller_id(tmp_path: Path, candidates: Any) -> None:
    vectors = random_words(1, 7).vectors
    index = Index.create(tmp_path / "x", FLAT)
    ids = ["m", "z", "a", "k", "b", "y"]
    index.add(ids[:4], [vectors] * 4)
    index.add(ids[4:], [vectors] * 2)
    hits = Searcher(index).search_vectors([vectors], 3, candidates=candidates)[0]
    assert [hit.id for hit in hits] == ["a", "b", "k"]
    assert len({hit.score for hit in hits}) == 1


def test_k_beyond_the_index_gives_every_document(tmp_path: Path) -> None:
    searcher = Searcher(filled(tmp_path / "x", random_words(8, 1)))
    for candidates in ("all", 5, None):
        hits = searcher.search_vectors(random_words(1, 2), 100, candidates=candidates)[0]  # type: ignore[arg-type]
        assert sorted(hit.id for hit in hits) == ids_for(8)


def test_hits_stand_in_order_of_their_scores(tmp_path: Path) -> None:
    hits = Searcher(filled(tmp_path / "x", random_words(20, 1))).search_vectors(random_words(1, 2), 20)[0]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one_is_refused(tmp_path: Path, k: int) -> None:
    searcher = Searcher(filled(tmp_path / "x", random_words(4, 1)))
    with pytest.raises(InputError, match=f"k is {k}; expected a whole number from 1"):
        searcher.search_vectors(random_words(1, 2), k)


@pytest.mark.parametrize("candidates", [0, -1, "some", 2.5])
def test_candidates_that_are_neither_a_number_nor_all_are_refused(tmp_path: Path, candidates: Any) -> None:
    searcher = Searcher(filled(tmp_path / "x", random_words(4, 1)))
    with pytest.raises(InputError, match=f"candidates is {candidates!r}; expected a whole number from 1, or 'all'"):
        searcher.search_vectors(random_words(1, 2), 3, candidates=candidates)


def test_an_index_without_a_first_stage_scores_every_document(tmp_path: Path) -> None:
    documents, queries = random_words(15, 1), random_words(2, 2)
    searcher = Searcher(filled(tmp_path / "x", documents, NO_FIRST_STAGE))
    assert searcher.search_vectors(queries, 5) == searcher.search_vectors(queries, 5, candidates="all")
    with pytest.raises(InputError, match="this index has no first stage"):
        searcher.search_vectors(queries, 5, candidates=10)


@pytest.mark.parametrize("candidates", [None, "all", 10])
def test_an_empty_index_gives_no_hits(tmp_path: Path, candidates: Any) -> None:
    searcher = Searcher(Index.create(tmp_path / "x", FLAT))
    assert searcher.search_vectors(random_words(3, 2), 5, candidates=candidates) == [[], [], []]


BOTH_WAYS = pytest.mark.parametrize("candidates", ["all", 10])


@BOTH_WAYS
def test_no_queries_give_no_results(tmp_path: Path, candidates: Any) -> None:
    searcher = Searcher(filled(tmp_path / "x", random_words(4, 1)))
    assert searcher.search_vectors(WordVectors.empty(12), 5, candidates=candidates) == []
    assert searcher.search_vectors([], 5, candidates=candidates) == []


@BOTH_WAYS
def test_a_query_without_words_still_ranks_by_summary(tmp_path: Path, candidates: Any) -> None:
    documents = random_words(10, 1, summary_dim=4)
    assert documents.summary is not None
    queries = WordVectors(
        np.zeros((0, 12), np.float32), np.zeros(2, np.int64), np.zeros(0, np.uint32), documents.summary[6:7] * 10
    )
    index = filled(tmp_path / "x", documents, weight=0.5)
    hits = Searcher(index).search_vectors(queries, 10, candidates=candidates)[0]
    assert {hit.words_score for hit in hits} == {0.0}
    expected = brute_force(queries, documents, 0.5)[0]
    assert [hit.id for hit in hits] == [ids_for(10)[i] for i in np.argsort(-expected)]


def test_vectors_made_elsewhere_need_no_encoder(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    index = Index.create(tmp_path / "x", FLAT)
    axes = np.eye(12, dtype=np.float64)
    index.add(["x", "y", "none"], [axes[:2], torch.tensor(axes[2:4]), np.zeros((0, 12))], ["ex", "why", ""])
    hits = Searcher(index).search_vectors([axes[3:4], axes[:1]], 1)
    found = [[(hit.id, round(hit.score, 3), hit.text) for hit in one] for one in hits]
    assert found == [[("y", 1.0, "why")], [("x", 1.0, "ex")]]


def test_texts_without_an_encoder_are_refused(tmp_path: Path) -> None:
    searcher = Searcher(Index.create(tmp_path / "x", FLAT))
    with pytest.raises(InputError, match="this searcher has no encoder"):
        searcher.search("bees")


def test_vectors_of_other_dims_are_refused(tmp_path: Path) -> None:
    searcher = Searcher(filled(tmp_path / "x", random_words(4, 1)))
    for candidates in ("all", 3):
        with pytest.raises(InputError, match=r"5 dims; expected 12|5 dims, the index 12"):
            searcher.search_vectors([np.ones((2, 5))], 3, candidates=candidates)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="the summaries have 3 dims, the index's 0"):
            searcher.search_vectors(random_words(1, 2, summary_dim=3), 3, candidates=candidates)  # type: ignore[arg-type]


def test_hits_carry_text_and_attributes(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "x", FLAT)
    vectors = random_words(1, 1).vectors
    index.add(["a"], [vectors], ["Bees dance."], [{"year": 1967, "tags": ["x"]}])
    index.add(["b"], [vectors])
    first, second = Searcher(index).search_vectors([vectors], 2)[0]
    assert (first.id, first.text, first.attributes) == ("a", "Bees dance.", {"year": 1967, "tags": ["x"]})
    assert (second.id, second.text, second.attributes) == ("b", None, {})


def test_a_single_string_gives_hits_and_a_list_gives_lists(
    tmp_path: Path, tiny_encoder: Encoder, sentences: list[str]
) -> None:
    index = Index.create(tmp_path / "x", FLAT, encoder=tiny_encoder.stamp, summary_weight=tiny_encoder.summary_weight)
    index.add(ids_for(len(sentences)), tiny_encoder.encode_documents(sentences), sentences)
    searcher = Searcher(index, tiny_encoder)
    single = searcher.search(sentences[3], k=2, candidates="all")
    assert [type(hit) for hit in single] == [Hit, Hit]
    assert single[0].text == sentences[3]
    several = searcher.search([sentences[3], sentences[5]], k=2, candidates="all")
    assert [hit.id for hit in several[0]] == [hit.id for hit in single]
    assert several[1][0].text == sentences[5]
    assert searcher.search([], k=2, candidates="all") == []


def test_an_index_of_another_model_is_refused_in_one_line_that_names_both(
    tmp_path: Path, tiny_encoder: Encoder
) -> None:
    index = Index.create(tmp_path / "x", FLAT, encoder=EncoderStamp("some/colbert", "f" * 64))
    with pytest.raises(InputError) as raised:
        Searcher(index, tiny_encoder)
    message = str(raised.value)
    assert "\n" not in message
    for part in ("some/colbert (ffffffffffff)", tiny_encoder.name, tiny_encoder.fingerprint[:12], str(tmp_path / "x")):
        assert part in message


def test_an_index_of_vectors_made_elsewhere_takes_any_encoder(tmp_path: Path, tiny_encoder: Encoder) -> None:
    index = Index.create(tmp_path / "x", FLAT)
    assert Searcher(index, tiny_encoder).search("bees") == []


def near_pairs(n_texts: int, seed: int, *, summary_dim: int = 0) -> WordVectors:
    """Texts whose words come in pairs with inner products near 1, and so are carved to half their number by 0.9."""
    texts = random_words(n_texts, seed, summary_dim=summary_dim)
    twice = texts.vectors.repeat(2, axis=0)
    twice += 0.02 * np.random.default_rng(seed).standard_normal(twice.shape).astype(np.float32)
    return WordVectors(twice, texts.offsets * 2, texts.word_ids.repeat(2), texts.summary)


@pytest.mark.parametrize(
    ("config", "candidates"),
    [(FLAT, "all"), (FLAT, 30), (FLAT, None), (NO_FIRST_STAGE, None)],
    ids=["all", "30", "default", "no first stage"],
)
def test_carved_queries_are_scored_by_the_sums_of_their_clusters(
    tmp_path: Path, config: IndexConfig, candidates: Any
) -> None:
    documents, queries = random_words(30, 1, summary_dim=5), near_pairs(4, 2, summary_dim=5)
    carved = carve(queries, 0.9)
    assert len(carved.vectors) == len(queries.vectors) // 2
    expected = brute_force(carved, documents, 0.4)
    index = filled(tmp_path / "x", documents, config, weight=0.4, commits=2)
    found = Searcher(index).search_vectors(queries, 7, candidates=candidates, carving=0.9)
    for query, hits in enumerate(found):
        best = np.argsort(-expected[query], kind="stable")[:7]
        assert [hit.id for hit in hits] == [ids_for(30)[document] for document in best]
        np.testing.assert_allclose([hit.score for hit in hits], expected[query][best], atol=1e-4)


def test_the_first_stage_sees_all_words_of_a_carved_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, queries = filled(tmp_path / "x", random_words(30, 1)), near_pairs(3, 2)
    now = index.snapshot()
    find, score = now.find_candidates, now.score
    asked: list[WordVectors] = []
    scored: list[WordVectors] = []

    def found(given: WordVectors, n: int, among: None, **_: Any) -> list[NDArray[np.int64]]:
        asked.append(given)
        return find(given, n, among)

    def exact(given: WordVectors, rows: NDArray[np.int64], **_: Any) -> Scores:
        scored.append(given)
        return score(given, rows)

    monkeypatch.setattr(now, "find_candidates", found)
    monkeypatch.setattr(now, "score", exact)
    Searcher(index).search_vectors(queries, 3, candidates=5, carving=0.9)
    np.testing.assert_array_equal(asked[0].vectors, queries.vectors)
    assert [len(one.vectors) * 2 for one in scored] == queries.counts.tolist()


def test_carved_scores_are_never_above_the_exact_ones(tmp_path: Path) -> None:
    searcher = Searcher(filled(tmp_path / "x", random_words(30, 1, summary_dim=5), weight=0.4))
    queries = random_words(5, 2, summary_dim=5)
    exact = searcher.search_vectors(queries, 30, candidates="all")
    lower = 0
    for carving in (-0.5, 0.0, 0.3):
        for hits, others in zip(
            searcher.search_vectors(queries, 30, candidates="all", carving=carving), exact, strict=True
        ):
            scores = {hit.id: hit.score for hit in others}
            assert all(hit.score <= scores[hit.id] + 1e-5 for hit in hits)
            lower += sum(hit.score < scores[hit.id] - 1e-3 for hit in hits)
    assert lower


def test_a_threshold_that_no_words_reach_changes_nothing(tmp_path: Path) -> None:
    searcher = Searcher(filled(tmp_path / "x", random_words(30, 1)))
    queries = random_words(4, 2)
    assert searcher.search_vectors(queries, 7, carving=1.5) == searcher.search_vectors(queries, 7)


@pytest.mark.parametrize("carving", [float("nan"), "0.7", True])
@pytest.mark.parametrize("candidates", ["all", 5])
def test_a_threshold_that_is_no_number_is_refused(tmp_path: Path, carving: Any, candidates: Any) -> None:
    searcher = Searcher(filled(tmp_path / "x", random_words(4, 1)))
    with pytest.raises(InputError, match=f"the threshold of ball carving is {carving!r}; expected the least inner"):
        searcher.search_vectors(random_words(1, 2), 3, candidates=candidates, carving=carving)


def test_texts_are_carved_like_their_vectors(tmp_path: Path, tiny_encoder: Encoder, sentences: list[str]) -> None:
    retriever = Retriever.create(tmp_path / "x", tiny_encoder, config=FLAT)
    retriever.add(sentences)
    plain = retriever.search(sentences[:2], k=4)
    carved = retriever.search(sentences[:2], k=4, carving=-2.0)
    vectors = tiny_encoder.encode_queries(sentences[:2])
    for number, hits in enumerate(carved):
        expected = retriever.searcher.search_vectors(vectors[number : number + 1], 4, carving=-2.0)[0]
        assert [hit.id for hit in hits] == [hit.id for hit in expected]
        np.testing.assert_allclose([hit.score for hit in hits], [hit.score for hit in expected], atol=1e-4)
        assert retriever.search(sentences[number], k=4, carving=-2.0)[0].score == pytest.approx(hits[0].score, abs=1e-4)
        assert max(hit.score for hit in hits) < plain[number][0].score - 1e-3
