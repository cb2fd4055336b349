from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.config import ReductionConfig, SummaryConfig
from wordhive.index.encodings import FusedEncoding, least_documents
from wordhive.index.storage.config_checks import check_fits_queries

Draw = Callable[..., WordVectors]

FLAT = IndexConfig(codec="Flat", summary_codec="Flat", encoding=SummaryConfig(), candidates="Flat")


def numbered(n: int) -> list[str]:
    return [str(number) for number in range(n)]


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_text_is_encoded_as_its_summary(draw: Draw, weight: float) -> None:
    documents, queries = draw(1, [3, 0, 5], summary_dim=6), draw(2, [2, 1], summary_dim=6)
    encoding = FusedEncoding.fit(SummaryConfig(), documents, weight)
    np.testing.assert_array_equal(encoding.encode_documents(documents), documents.summary)
    np.testing.assert_array_equal(encoding.encode_queries(queries), queries.summary)


def test_it_is_the_same_read_back(draw: Draw) -> None:
    documents = draw(1, [3, 0, 5], summary_dim=6)
    encoding = FusedEncoding.fit(SummaryConfig(), documents, 0.3)
    again = FusedEncoding.from_tensors(SummaryConfig(), encoding.tensors())
    np.testing.assert_array_equal(again.encode_documents(documents), documents.summary)


def test_texts_without_a_summary_are_refused(draw: Draw) -> None:
    with pytest.raises(InputError, match=r"first stage of this index is the summary, and the documents have none"):
        FusedEncoding.fit(SummaryConfig(), draw(1, [3, 2]), 0.0)


def test_an_index_refuses_documents_without_a_summary(tmp_path: Path, draw: Draw) -> None:
    index = Index.create(tmp_path / "x.hive", "summary")
    with pytest.raises(InputError, match="take preset exact, or a model with a summary"):
        index.add(["a", "b"], draw(1, [3, 2]))
    assert len(index) == 0


def test_one_document_is_enough() -> None:
    assert least_documents(SummaryConfig(), None) == 1


@pytest.mark.parametrize("exact_match", [False, True])
@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_candidates_are_the_nearest_summaries(tmp_path: Path, draw: Draw, exact_match: bool, weight: float) -> None:
    documents, queries = draw(1, [3] * 40, summary_dim=6), draw(2, [2] * 5, summary_dim=6)
    index = Index.create(tmp_path / "x.hive", FLAT, summary_weight=weight, exact_match=exact_match)
    index.add(numbered(25), documents[0:25])
    index.add([str(number) for number in range(25, 40)], documents[25:40])
    assert queries.summary is not None
    assert documents.summary is not None
    products = queries.summary @ documents.summary.T
    expected = np.argsort(-products, axis=1)[:, :7]
    np.testing.assert_array_equal(index.snapshot().find_candidates(queries, 7), expected)


def test_the_preset_finds_nearly_the_same(tmp_path: Path, draw: Draw) -> None:
    documents, queries = draw(1, [2] * 300, summary_dim=16), draw(2, [2] * 20, summary_dim=16)
    found = []
    for name, config in {"flat": FLAT, "preset": IndexConfig.load("summary")}.items():
        index = Index.create(tmp_path / f"{name}.hive", config, summary_weight=0.5)
        index.add(numbered(300), documents)
        found.append(index.snapshot().find_candidates(queries, 20))
    shares = [len(np.intersect1d(a, b)) / 20 for a, b in zip(*found, strict=True)]
    assert np.mean(shares) > 0.9


def test_it_can_be_reduced(tmp_path: Path, draw: Draw) -> None:
    # All summaries lie in a plane: two dims hold all of them.
    plane = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 2)))[0].astype(np.float32)

    def flat(texts: WordVectors) -> WordVectors:
        assert texts.summary is not None
        return WordVectors(texts.vectors, texts.offsets, texts.word_ids, texts.summary @ plane @ plane.T)

    documents, queries = flat(draw(1, [2] * 1100, summary_dim=6)), flat(draw(2, [2] * 4, summary_dim=6))
    config = FLAT.model_copy(update={"reduction": ReductionConfig(dims=2)})
    index = Index.create(tmp_path / "x.hive", config, summary_weight=0.5)
    index.add(numbered(1100), documents)
    assert queries.summary is not None
    assert documents.summary is not None
    expected = np.argsort(-(queries.summary @ documents.summary.T), axis=1)[:, 0]
    np.testing.assert_array_equal([rows[0] for rows in index.snapshot().find_candidates(queries, 5)], expected)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(InputError, match=r"encoding: unknown key 'dims'; known are family"):
        IndexConfig.parse("encoding: {family: summary, dims: 3}", "mine")


def test_queries_are_of_no_use_to_it() -> None:
    with pytest.raises(InputError, match=r"fits nothing to queries; leave them out$"):
        check_fits_queries(IndexConfig.load("summary"))
