from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from wordhive.retrieval.runtimes.token_batches import token_batches
from wordhive.retrieval.runtimes.torch_tokens import part


def _mask(lengths: list[int], width: int, left: bool = False) -> Tensor:
    mask = torch.zeros(len(lengths), width, dtype=torch.int64)
    for row, length in enumerate(lengths):
        mask[row, width - length if left else 0 : width if left else length] = 1
    return mask


def test_batches_hold_every_text_once_and_no_more_tokens_than_they_may() -> None:
    lengths = np.random.default_rng(1).integers(0, 60, 200)
    batches = list(token_batches(lengths, 256))
    assert sorted(np.concatenate(batches).tolist()) == list(range(200))
    assert all(len(rows) * lengths[rows].max() <= 256 for rows in batches if lengths[rows].max())
    assert sum(lengths) / sum(len(rows) * lengths[rows].max() for rows in batches) > 0.9


def test_a_text_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert [rows.tolist() for rows in token_batches(np.array([3, 9, 8]), 5)] == [[1], [2], [0]]


def test_texts_without_a_token_are_in_a_batch() -> None:
    assert [rows.tolist() for rows in token_batches(np.array([0, 0]), 5)] == [[0, 1]]


@pytest.mark.parametrize("left", [False, True])
def test_a_part_has_its_texts_and_no_column_of_padding(left: bool) -> None:
    mask = _mask([2, 5, 3], 6, left)
    ids = torch.arange(18).view(3, 6)
    tokens = {"attention_mask": mask, "input_ids": ids, "modality": "text", "count": torch.tensor([7, 8, 9])}
    found = part(tokens, np.array([2, 0]))
    columns = slice(3, 6) if left else slice(0, 3)
    assert found["input_ids"].tolist() == ids[[2, 0]][:, columns].tolist()
    assert found["attention_mask"].tolist() == mask[[2, 0]][:, columns].tolist()
    assert found["count"].tolist() == [9, 7]
    assert found["modality"] == "text"


def test_a_part_of_empty_texts_keeps_a_column() -> None:
    assert part({"attention_mask": _mask([0, 2], 3)}, np.array([0]))["attention_mask"].tolist() == [[0]]
