"""A random sample of one field of a JSON lines file."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from wordhive.index import InputError

from .documents import read_lines


def sample_field(path: Path, field: str, n: int, seed: int) -> list[str]:
    """Up to n values of `field`, drawn without replacement; the same seed draws the same ones.

    Raises InputError, with file and line, where a line is no JSON object or lacks the field.
    """
    total = sum(1 for _ in _values(path, field))
    if not total:
        raise InputError(f"{path} is empty; give a file with text to fit on")
    places = random.Random(seed).sample(range(total), min(n, total))
    wanted = set(places)
    drawn = {place: value for place, value in enumerate(_values(path, field)) if place in wanted}
    return [drawn[place] for place in places]


def _values(path: Path, field: str) -> Iterator[str]:
    for number, line in read_lines(path):
        try:
            value = json.loads(line)[field]
        except (ValueError, RecursionError, KeyError, TypeError, IndexError) as error:
            raise InputError(
                f"{path}:{number}: no JSON object with a field {field!r}; name the field with --field"
            ) from error
        if not isinstance(value, str):
            raise InputError(f"{path}:{number}: the field {field!r} is {type(value).__name__}; expected a string")
        yield value
