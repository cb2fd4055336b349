"""What an index gives back of a document: its vectors, as its codes say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.storage.word_id_lists import by_word_id

Draw = Callable[..., WordVectors]
IDS = [f"d{number}" for number in range(6)]


@pytest.mark.parametrize("summary_dim", [0, 4])
def test_the_vectors_of_chosen_rows_are_those_that_were_stored(
    tmp_path: Path, small_config: IndexConfig, draw: Draw, summary_dim: int
) -> None:
    documents = draw(1, [4, 0, 7, 1, 9, 3], summary_dim=summary_dim)
    index = Index.create(tmp_path / "x", small_config.model_copy(update={"codec": "SQfp16"}))
    for start, stop in ((0, 2), (2, 5), (5, 6)):
        index.add(IDS[start:stop], documents[start:stop])
    rows = index.snapshot().rows(["d5", "d0", "nobody", "d4", "d1"])
    assert rows == {"d0": 0, "d1": 1, "d4": 4, "d5": 5}
    found, expected = (
        index.snapshot().vectors(np.array([*rows.values(), 5, 99])),
        by_word_id(documents.take(np.array([0, 1, 4, 5]))),
    )
    np.testing.assert_allclose(found.vectors, expected.vectors, atol=1e-3)
    assert found.offsets.tolist() == expected.offsets.tolist()
    assert found.word_ids.tolist() == expected.word_ids.tolist()
    assert found.summary_dim == summary_dim
    if summary_dim:
        np.testing.assert_allclose(found.summary, expected.summary, atol=0.02)


def test_vectors_of_no_row_are_none(tmp_path: Path, small_config: IndexConfig, draw: Draw) -> None:
    index = Index.create(tmp_path / "x", small_config)
    assert len(index.snapshot().vectors(np.array([0]))) == 0
    index.add(IDS, draw(1, [2] * 6))
    assert len(index.snapshot().vectors(np.zeros(0, np.int64))) == 0
    assert index.snapshot().vectors(np.array([7])).dim == 8


def test_documents_of_another_process_are_there_after_a_reload(
    tmp_path: Path, small_config: IndexConfig, draw: Draw
) -> None:
    index, documents = Index.create(tmp_path / "x", small_config), draw(1, [2] * 6)
    index.add(IDS[:3], documents[:3])
    Index.open(index.path).add(IDS[3:], documents[3:])
    assert len(index.snapshot().vectors(np.array([4]))) == 0
    index.reload()
    assert index.snapshot().vectors(np.array([4])).word_ids.tolist() == documents[4:5].word_ids.tolist()
