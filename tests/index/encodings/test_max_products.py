"""The best products of documents with words, against numpy's one document at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wordhive.index import WordVectors
from wordhive.index.encodings import max_products as module
from wordhive.index.encodings.max_products import best_products

Draw = Callable[..., WordVectors]

# bfloat16 has 8 bits: two factors and their product are rounded, each by up to 2⁻⁹ of itself.
TOLERANCE = {False: 1e-6, True: 3 * 2**-9}


def slow(documents: WordVectors, words: np.ndarray) -> np.ndarray:
    best = np.zeros((len(documents), len(words)), np.float32)
    for text in range(len(documents)):
        held = documents.vectors[documents.offsets[text] : documents.offsets[text + 1]]
        if len(held):
            best[text] = (held.astype(np.float64) @ words.T.astype(np.float64)).max(axis=0)
    return best


@pytest.mark.parametrize("bfloat16", [False, True])
@pytest.mark.parametrize("at_once", [1, 300, 4_000_000])
def test_the_best_product_of_every_document(
    draw: Draw, monkeypatch: pytest.MonkeyPatch, bfloat16: bool, at_once: int
) -> None:
    monkeypatch.setattr(module, "_BATCH_PRODUCTS", at_once)
    documents, words = draw(1, [3, 0, 40, 1, 7, 0]), draw(2, [33]).vectors
    found = best_products(documents, words, bfloat16=bfloat16)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow(documents, words), atol=TOLERANCE[bfloat16])


@pytest.mark.parametrize("bfloat16", [False, True])
def test_the_best_of_negative_products_is_the_one_nearest_to_0(bfloat16: bool) -> None:
    documents = WordVectors.from_list([np.array([[-1, 0], [-0.25, 0], [-0.5, 0]], np.float32)])
    words = np.array([[1, 0], [-1, 0], [0, 1]], np.float32)
    assert best_products(documents, words, bfloat16=bfloat16).tolist() == [[-0.25, 1, 0]]


@pytest.mark.parametrize("bfloat16", [False, True])
def test_nothing_gives_nothing(draw: Draw, bfloat16: bool) -> None:
    documents, words = draw(1, [2, 5]), draw(2, [4]).vectors
    assert best_products(documents[0:0], words, bfloat16=bfloat16).shape == (0, 4)
    assert best_products(documents, words[:0], bfloat16=bfloat16).shape == (2, 0)
    assert not best_products(draw(3, [0, 0]), words, bfloat16=bfloat16).any()


def test_the_processor_decides(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    documents, words = draw(1, [30, 20]), draw(2, [50]).vectors
    for has in (False, True):
        monkeypatch.setattr(module, "multiplies_bfloat16", lambda has=has: has)
        np.testing.assert_array_equal(best_products(documents, words), best_products(documents, words, bfloat16=has))
    assert (best_products(documents, words, bfloat16=True) != best_products(documents, words, bfloat16=False)).any()
