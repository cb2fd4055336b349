"""Warming up: afterwards nothing is left that only a first search does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.candidates.fast_scan import FastScan
from wordhive.index.config import FittedConfig
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.searcher import Searcher

CONFIG = IndexConfig(encoding=FittedConfig(centroids=8, sample_words=64), candidates="PQ{dims}x4")


def documents(n: int, seed: int) -> WordVectors:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((n * 3, 8)).astype(np.float32)
    return WordVectors(vectors, np.arange(0, n * 3 + 1, 3), random.integers(1, 99, n * 3).astype(np.uint32))


def packings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The documents of first stages that are packed from now on."""
    packed: list[int] = []
    pack = FastScan.__init__

    def spied(self: FastScan, index: object, rows: object = None) -> None:
        packed.append(index.ntotal)  # type: ignore[attr-defined]
        pack(self, index, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(FastScan, "__init__", spied)
    return packed


def test_all_segments_are_packed_before_the_first_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index.create(tmp_path / "x", CONFIG)
    index.add([f"d{n}" for n in range(1200)], documents(1200, 1))
    index.add([f"e{n}" for n in range(1100)], documents(1100, 2))
    packed = packings(monkeypatch)
    searcher = Searcher(Index.open(tmp_path / "x"))
    searcher.warm_up()
    assert packed == [1200, 1100]
    searcher.search_vectors(documents(1, 3))
    assert packed == [1200, 1100]
    index.add([f"f{n}" for n in range(1050)], documents(1050, 4))
    searcher.index.reload()
    searcher.warm_up()
    assert packed == [1200, 1100, 1050]


def test_the_transformer_has_run(tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    retriever = Retriever.create(tmp_path / "x", tiny_encoder)
    retriever.add(["Bees dance.", "Ants follow scent."])
    asked: list[list[str]] = []
    encode = Encoder.encode_queries
    monkeypatch.setattr(Encoder, "encode_queries", lambda self, texts: asked.append(texts) or encode(self, texts))
    retriever.warm_up()
    assert len(asked) == 1
    assert retriever.search("bees", k=1)[0].id == "0"


@pytest.mark.parametrize("n", [0, 1])
def test_an_index_of_few_documents_is_warm_at_once(tmp_path: Path, tiny_encoder: Encoder, n: int) -> None:
    index = Index.create(tmp_path / "x", CONFIG)
    index.add([f"d{i}" for i in range(n)], documents(n, 1))
    Searcher(index).warm_up()
    retriever = Retriever.create(tmp_path / "y", tiny_encoder)
    retriever.add(["Bees dance."] * n)
    retriever.warm_up()
    exact = Index.create(tmp_path / "z", "exact")
    exact.add([f"d{i}" for i in range(n)], documents(n, 1))
    Searcher(exact).warm_up()
