"""Batches of as many tokens each, whatever the lengths of texts, with hardly any padding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def token_batches(lengths: NDArray[np.int64], budget: int) -> Iterator[NDArray[np.int64]]:
    """The numbers of texts, longest first, in batches; int64 each.

    Args:
        lengths: Tokens of each text.
        budget: Tokens of a batch, padding too. A text that is longer than that is a batch of its own.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size
