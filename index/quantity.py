"""Numbers of things, as people write them: 1 segment, 4 segments, 1,204 queries."""

from __future__ import annotations

_ENDINGS = (("query", "queries"), ("try", "tries"))


def quantity(n: int, one: str, rest: str = "") -> str:
    """A number and its noun: "1 segment", "4 segments".

    Args:
        rest: Words that follow the noun, e.g. "of a file".
    """
    return f"{n:,} {one if n == 1 else plural(one)}{rest and ' '}{rest}"


def plural(one: str) -> str:
    """The plural of a noun: documents, judged queries."""
    for single, many in _ENDINGS:
        if one.endswith(single):
            return one.removesuffix(single) + many
    return f"{one}s"
