"""Numbers of things, as people write them: 1 segment, 4 segments, 1,204 queries."""

from __future__ import annotations

_ENDINGS = (("query", "queries"), ("try", "tries"))


def quantity(n: int, one: str, rest: str = "") -> str:
    """A number and what it counts, in the plural but for 1.

    Args:
        rest: What follows, such as "of a file".
    """
    return f"{n:,} {one if n == 1 else plural(one)}{rest and ' '}{rest}"


def plural(one: str) -> str:
    """More of what one is called: documents, judged queries."""
    for single, many in _ENDINGS:
        if one.endswith(single):
            return one.removesuffix(single) + many
    return f"{one}s"
