"""Batches of as many tokens each, whatever the lengths of texts, with hardly any padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def token_batches(mask: Tensor, budget: int) -> Iterator[NDArray[np.int64]]:
    """The rows of an attention mask `[n_texts, n_tokens]`, longest first, in batches; int64 each.

    Args:
        budget: Tokens of a batch, padding too. A text that is longer than that is a batch of its own.
    """
    lengths = mask.sum(dim=1).numpy()
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


def part(tokens: Any, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Some texts of tokenised ones, without the columns that pad all of them. Not for queries that padding expands."""
    mask = tokens["attention_mask"]
    used = mask[rows].any(dim=0).nonzero().ravel()
    columns = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
    return {
        name: (value[rows, columns] if value.shape[:2] == mask.shape else value[rows])
        if isinstance(value, Tensor) and value.shape[:1] == mask.shape[:1]
        else value
        for name, value in tokens.items()
    }
