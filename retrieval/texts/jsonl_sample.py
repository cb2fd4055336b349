"""A random sample of one field of a JSON lines file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from wordhive.index import InputError

from .lines import read_objects


def sample_field(path: Path, field: str, n: int, seed: int) -> list[str]:
    """Up to n values of `field`, drawn without replacement; the same seed draws the same ones.

    Raises:
        InputError: A line is no JSON object or lacks the field, with file and line.
    """
    total = sum(1 for _ in _values(path, field))
    if not total:
        raise InputError(f"{path} is empty; give a file with text to fit on")
    places = random.Random(seed).sample(range(total), min(n, total))
    wanted = set(places)
    drawn = {place: value for place, value in enumerate(_values(path, field)) if place in wanted}
    return [drawn[place] for place in places]


def _values(path: Path, field: str) -> Iterator[str]:
    for place, fields in read_objects(path, f"a field {field!r}, or name another with --field"):
        value = fields.get(field)
        if not isinstance(value, str):
            raise InputError(
                f"{place}the field {field!r} is {'not there' if value is None else type(value).__name__}; expected a "
                f"string, or name another field with --field (fields: {', '.join(fields) or 'none'})"
            )
        yield value
