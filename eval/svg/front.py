"""The Pareto front: what no cheaper one equals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def front(items: Sequence[T], cost: Callable[[T], float], gain: Callable[[T], float]) -> list[T]:
    """The items whose gain no other reaches at the same or a lower cost, cheapest first."""
    best: list[T] = []
    for item in sorted(items, key=lambda item: (cost(item), -gain(item))):
        if not best or gain(item) > gain(best[-1]):
            best.append(item)
    return best
