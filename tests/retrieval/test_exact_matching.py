"""Models that match identical words only: from text to hits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import MultiVectorEncoder

from wordhive.index import Index, IndexConfig, InputError
from wordhive.retrieval.checkpoints.fingerprint import describe
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.modules import ScoreMix
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.searcher import Searcher

EXACT = IndexConfig(codec="Flat", summary_codec="Flat", encoding=None)


@pytest.fixture(scope="module")
def uni(tiny_encoder: Encoder) -> Encoder:
    """The tiny model, of which only identical words match."""
    modules = [*list(tiny_encoder.model)[:-1], ScoreMix(0.25, exact_match=True)]
    return Encoder(MultiVectorEncoder(modules=modules, device="cpu"))


def without_summary(encoder: Encoder) -> Encoder:
    """The model without what comes from its pooling."""
    kept = [module for module in encoder.model if type(module).__name__ != "Pooling"]
    kept = [module for module in kept if getattr(module, "module_input_name", "") != "sentence_embedding"]
    return Encoder(MultiVectorEncoder(modules=kept, device="cpu"))


def test_it_is_part_of_the_model(uni: Encoder, tiny_encoder: Encoder, tmp_path: Path) -> None:
    assert uni.exact_match
    assert not tiny_encoder.exact_match
    assert uni.fingerprint != tiny_encoder.fingerprint
    uni.save(tmp_path / "uni")
    again = Encoder.load(tmp_path / "uni", device="cpu")
    assert again.exact_match
    assert again.fingerprint == uni.fingerprint


def test_a_model_without_it_is_known_by_what_it_was_before(tiny_encoder: Encoder) -> None:
    assert "exact_match" not in str([describe(module) for module in tiny_encoder.model])


@pytest.mark.parametrize("candidates", [None, "all", 5])
def test_identical_words_make_the_score(
    uni: Encoder, sentences: list[str], tmp_path: Path, candidates: int | None
) -> None:
    config = IndexConfig.load("summary").model_copy(update={"codec": "Flat", "summary_codec": "Flat"})
    retriever = Retriever.create(tmp_path / "x.hive", uni, config=config)
    retriever.add(sentences)
    asked = "the bees and the honey of ants"
    query, documents = uni.encode_queries([asked]), uni.encode_documents(sentences)
    assert query.summary is not None
    assert documents.summary is not None
    hits = retriever.search(asked, k=5, candidates=candidates)
    assert len(hits) == 5
    for hit in hits:
        number = int(hit.id)
        held = documents[number : number + 1]
        own = dict(zip(held.word_ids.tolist(), held.vectors, strict=True))
        pairs = zip(query.word_ids.tolist(), query.vectors, strict=True)
        words = sum(max(0.0, float(vector @ own[id])) for id, vector in pairs if id in own)
        assert hit.words_score == pytest.approx(0.75 * words, abs=1e-4)
        assert hit.summary_score == pytest.approx(0.25 * float(query.summary[0] @ documents.summary[number]), abs=1e-4)


def test_a_query_without_a_common_word_has_the_summary_alone(
    uni: Encoder, sentences: list[str], tmp_path: Path
) -> None:
    retriever = Retriever.create(tmp_path / "x.hive", uni, config=EXACT)
    retriever.add(sentences)
    assert all(hit.words_score == 0 != hit.summary_score for hit in retriever.search("zyx wvu", k=12))


def test_the_first_stage_is_the_summary_unless_told_otherwise(
    uni: Encoder, tiny_encoder: Encoder, tmp_path: Path
) -> None:
    assert Retriever.create(tmp_path / "uni.hive", uni).index.settings.config == IndexConfig.load("summary")
    assert Retriever.create(tmp_path / "all.hive", tiny_encoder).index.settings.config == IndexConfig.load("default")


def test_another_first_stage_is_refused(uni: Encoder, tmp_path: Path) -> None:
    for config in ("default", "muvera"):
        with pytest.raises(InputError, match="take preset summary, or exact"):
            Retriever.create(tmp_path / "x.hive", uni, config=config, queries=["bees"])
    assert not (tmp_path / "x.hive").exists()


def test_a_model_without_a_summary_is_refused_where_the_summary_is_the_first_stage(
    uni: Encoder, tiny_encoder: Encoder, tmp_path: Path
) -> None:
    for model, config in ((without_summary(uni), None), (without_summary(tiny_encoder), "summary")):
        with pytest.raises(InputError, match="gives no summary, which would be the first stage; take preset exact"):
            Retriever.create(tmp_path / "x.hive", model, config=config)
    assert not (tmp_path / "x.hive").exists()
    bare = Retriever.create(tmp_path / "y.hive", without_summary(uni), config="exact")
    bare.add(["bees dance", "ants"])
    assert bare.search("bees", k=1)[0].summary_score == 0


def test_carving_is_refused(uni: Encoder, sentences: list[str], tmp_path: Path) -> None:
    retriever = Retriever.create(tmp_path / "x.hive", uni, config=EXACT)
    retriever.add(sentences)
    with pytest.raises(InputError, match=r"carving is 0\.7, but .* matches identical words only"):
        retriever.search("bees", carving=0.7)


def test_queries_without_word_ids_are_refused(uni: Encoder, tmp_path: Path) -> None:
    retriever = Retriever.create(tmp_path / "x.hive", uni, config=EXACT)
    retriever.add(["bees dance"])
    with pytest.raises(InputError, match="no word ids"):
        retriever.searcher.search_vectors([np.ones((2, retriever.index.dim), np.float32)])


def test_an_index_that_matches_otherwise_is_refused(uni: Encoder, tiny_encoder: Encoder, tmp_path: Path) -> None:
    exact = Index.create(tmp_path / "exact.hive", EXACT, exact_match=True)
    every = Index.create(tmp_path / "every.hive", EXACT, encoder=uni.stamp)
    with pytest.raises(InputError, match=r"exact.hive matches identical words only, the model .* all words"):
        Searcher(exact, tiny_encoder)
    with pytest.raises(InputError, match=r"every.hive matches all words, the model .* identical words only"):
        Searcher(every, uni)
    Searcher(exact, uni)


def test_an_index_opens_with_its_model_again(uni: Encoder, tmp_path: Path) -> None:
    uni.save(tmp_path / "model")
    with Retriever.create(tmp_path / "x.hive", str(tmp_path / "model")) as retriever:
        retriever.add(["bees dance", "ants follow"])
    found = Retriever.open(tmp_path / "x.hive")
    assert found.index.settings.exact_match
    assert found.search("ants", k=1)[0].words_score > 0
