"""Pages of hits, thresholds, documents like one, texts that are not indexed, searches that don't block."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import IndexConfig, InputError
from wordhive.index.config import MuveraConfig
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.modules import ScoreMix
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.texts.documents import Document

SMALL = IndexConfig(encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=8))
FLAT = IndexConfig(codec="Flat", summary_codec="Flat", encoding=None)


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, sentences: list[str]) -> Retriever:
    made = Retriever.create(tmp_path_factory.mktemp("search") / "x", tiny_encoder, config=SMALL)
    made.add([*sentences, *[("twin a", sentences[0]), ("twin b", sentences[0]), ("twin c", sentences[0])]])
    return made


@pytest.mark.parametrize("options", [{}, {"candidates": "all"}, {"where": {"$id": {"$lt": "twin"}}}, {"candidates": 3}])
@pytest.mark.parametrize("query", ["where do bees dance", "honey and ants"])
def test_pages_are_parts_of_one_list(retriever: Retriever, query: str, options: Any) -> None:
    whole = retriever.search(query, 100, **options)
    for k in (1, 2, 4):
        pages = [
            retriever.search(query, k, offset=offset, **{**options, "candidates": "all"}) for offset in range(0, 16, k)
        ]
        assert [hit for page in pages for hit in page] == whole[: sum(map(len, pages))]
        assert sum(map(len, pages)) == len(whole)
    assert retriever.search(query, 5, offset=len(whole), **options) == []
    assert retriever.search(query, 5, offset=10**9, **options) == []


def test_hits_have_at_least_the_threshold(retriever: Retriever) -> None:
    whole = retriever.search("honey and ants", 100)
    for hit in whole:
        kept = retriever.search("honey and ants", 100, score_threshold=hit.score)
        assert kept == [other for other in whole if other.score >= hit.score]
        above = float(np.nextafter(hit.score, 1e9))
        assert all(other.score > hit.score for other in retriever.search("honey and ants", 100, score_threshold=above))
    assert retriever.search(["ants"], score_threshold=1e9) == [[]]
    paged = retriever.search("honey and ants", 2, offset=1, score_threshold=whole[1].score)
    assert paged == whole[1:2]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"offset": -1}, "offset is -1; expected a whole number from 0, or None"),
        ({"offset": 1.0}, "offset is 1.0"),
        ({"score_threshold": "high"}, "score_threshold is 'high'; expected a number, or None"),
        ({"score_threshold": float("nan")}, "score_threshold is nan"),
        ({"where": "year >"}, "the filter expression cannot be read"),
    ],
)
def test_wrong_options_are_refused(retriever: Retriever, options: Any, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        retriever.search("bees", **options)


@pytest.fixture(scope="module")
def without_texts(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, sentences: list[str]) -> Retriever:
    folder = tmp_path_factory.mktemp("like") / "x"
    made = Retriever.create(folder, tiny_encoder, config=SMALL, store_texts=False)
    made.add([*sentences, *[("twin a", sentences[0]), ("twin b", sentences[0]), ("twin c", sentences[0])]])
    return made


@pytest.mark.parametrize("texts", [True, False])
def test_documents_like_one_do_not_have_it(
    retriever: Retriever, without_texts: Retriever, monkeypatch: pytest.MonkeyPatch, texts: bool
) -> None:
    if not texts:
        retriever = without_texts
        monkeypatch.setattr(retriever.encoder, "encode_queries", None)  # nothing is encoded
    assert [hit.id for hit in retriever.more_like(0, k=3)] == ["twin a", "twin b", "twin c"]
    assert [hit.id for hit in retriever.more_like("twin b", k=3)] == ["0", "twin a", "twin c"]
    assert "0" not in {hit.id for hit in retriever.more_like("0", k=100)}
    whole = retriever.more_like("3", k=14)
    assert len(whole) == 14
    pages = [retriever.more_like("3", k=2, offset=offset) for offset in range(0, 14, 2)]
    assert [hit for page in pages for hit in page] == whole
    assert {hit.id for hit in retriever.more_like("0", where={"$id": {"$gte": "twin b"}})} == {"twin b", "twin c"}
    for id in ("nobody", None, 3.5):
        with pytest.raises(InputError, match="holds no document"):
            retriever.more_like(id)  # type: ignore[arg-type]


def test_texts_score_as_they_would_in_an_index(
    tmp_path: Path, retriever: Retriever, tiny_encoder: Encoder, sentences: list[str]
) -> None:
    oracle = Retriever.create(tmp_path / "x", tiny_encoder, config=FLAT)
    oracle.add(sentences)
    expected = {hit.id: hit.score for hit in oracle.search("honey and ants", 100)}
    hits = retriever.rerank("honey and ants", sentences)
    assert {hit.id: hit.score for hit in hits} == pytest.approx(expected, abs=1e-5)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.text for hit in hits] == [sentences[int(hit.id)] for hit in hits]
    assert retriever.rerank("honey and ants", iter(sentences), 2) == hits[:2]
    assert hits[0].explain().score == pytest.approx(hits[0].score, abs=1e-5)
    assert "**" in hits[0].highlight()
    assert len(retriever) == len(sentences) + 3


def test_texts_of_an_exact_model_score_as_in_an_index(
    tmp_path: Path, tiny_encoder: Encoder, sentences: list[str]
) -> None:
    from sentence_transformers import MultiVectorEncoder

    exact = Encoder(MultiVectorEncoder(modules=[*list(tiny_encoder.model)[:-1], ScoreMix(0.5, exact_match=True)]))
    retriever = Retriever.create(tmp_path / "x", exact, config=FLAT)
    retriever.add(sentences)
    expected = {hit.id: hit.score for hit in retriever.search("honey and ants", 100)}
    assert {hit.id: hit.score for hit in retriever.rerank("honey and ants", sentences)} == pytest.approx(
        expected, abs=1e-5
    )


def test_texts_of_every_kind_are_reranked(retriever: Retriever) -> None:
    seen: list[tuple[int, int | None]] = []
    hits = retriever.rerank(
        "bees", ["bees", ("p", "bees"), {"id": 9, "text": "bees", "n": 1}, Document("o", "ants")],
        show_progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert [hit.id for hit in hits][:3] == ["0", "p", "9"]  # equal ones as they were given
    assert hits[2].attributes == {"n": 1}
    assert seen[-1] == (4, 4)
    assert retriever.rerank("bees", []) == []
    for arguments, problem in (
        (("bees", "ants"), "expected a list of them"),
        ((["bees"], ["ants"]), r"the query is \['bees'\]; expected a string"),
        (("bees", ["ants"], 0), "k is 0"),
        (("bees", ["ants", ("0", "x")]), "document id '0' is given twice"),
        (("bees", [3]), "document 0 is int"),
    ):
        with pytest.raises(InputError, match=problem):
            retriever.rerank(*arguments)


def test_a_search_does_not_block_the_event_loop(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    search, started, may_end = retriever.searcher.search, threading.Event(), threading.Event()

    def slow(*args: Any, **options: Any) -> Any:
        started.set()
        assert may_end.wait(20)
        return search(*args, **options)

    monkeypatch.setattr(retriever.searcher, "search", slow)

    async def both() -> Any:
        searching = asyncio.create_task(retriever.asearch("bees", k=2))
        while not started.is_set():
            await asyncio.sleep(0.01)
        may_end.set()  # only a loop that goes on comes here
        return await searching

    assert asyncio.run(both()) == search("bees", k=2)
    assert asyncio.run(retriever.asearch(["bees"], k=1)) == [search("bees", k=1)]
    with pytest.raises(InputError, match="k is 0"):
        asyncio.run(retriever.asearch("bees", k=0))
