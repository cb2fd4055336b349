"""A mixture of sources: how many examples of each go into so many."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError

from .examples import Example, SourceConfig, count_examples, read_examples
from .resampling import resampled_places


def mixture(sources: Sequence[SourceConfig], n: int, seed: int, *, max_repeats: int = 4) -> dict[str, list[Example]]:
    """n examples of several sources, each source's part by its weight; name → its examples in random order.

    Args:
        max_repeats: How often an example may be there. What a source is too small for goes to the others, by their
            weights; where all are too small, there are fewer than n. Held-out examples are left out, and a source
            with `resample` is resampled first. The same sources, n and seed give the same examples; files are read
            twice (four times to be resampled), so that no more than the n examples are held in memory.

    Raises:
        InputError: Two sources of one name, and for a source without examples.
    """
    names = [source.name for source in sources]
    for name, times in Counter(names).items():
        if times > 1:
            raise InputError(f"{times} sources have the name {name!r}; give each a name of its own")
    seeds = {name: [seed, zlib.crc32(name.encode())] for name in names}
    places = {source.name: _places(source, seed) for source in sources}
    parts = shares([len(places[name]) for name in names], [source.weight for source in sources], n, max_repeats)
    return {
        source.name: _drawn(source, places[source.name], part, np.random.default_rng(seeds[source.name]))
        for source, part in zip(sources, parts, strict=True)
    }


def shares(sizes: Sequence[int], weights: Sequence[float], n: int, max_repeats: int) -> list[int]:
    """How many of n examples each source gives: in proportion to its weight, but at most max_repeats × its size.

    What a source can't give the others do, in proportion to their weights. The sum is n, or all that the sources can.
    """
    caps = [size * max_repeats for size in sizes]
    given: dict[int, int] = {}
    while len(given) < len(sizes):
        left = n - sum(given.values())
        free = [i for i in range(len(sizes)) if i not in given]
        total = sum(weights[i] for i in free)
        full = [i for i in free if left * weights[i] / total >= caps[i]]
        if not full:
            given |= _rounded({i: left * weights[i] / total for i in free}, left)
        for i in full:
            given[i] = caps[i]
    return [given[i] for i in range(len(sizes))]


def _rounded(parts: dict[int, float], total: int) -> dict[int, int]:
    # The largest remainders are rounded up; a part is below its cap, a whole number, so it does not pass it.
    whole = {i: int(part) for i, part in parts.items()}
    up = sorted(parts, key=lambda i: (whole[i] - parts[i], i))[: total - sum(whole.values())]
    return {i: value + (i in up) for i, value in whole.items()}


def _places(source: SourceConfig, seed: int) -> NDArray[np.int64]:
    places = resampled_places(source, seed) if source.resample else range(count_examples(source))
    if not len(places):
        raise InputError(f"source {source.name} has no examples; check its file, its limit and its hold_out")
    return np.asarray(places, np.int64)


def _drawn(source: SourceConfig, places: NDArray[np.int64], n: int, random: np.random.Generator) -> list[Example]:
    whole = np.tile(places, n // len(places))
    chosen = random.permutation(np.concatenate([whole, random.choice(places, n % len(places), replace=False)]))
    # An example that is there several times is held once.
    wanted = set(chosen.tolist())
    found = dict(zip(sorted(wanted), read_examples(source, places=wanted), strict=True))
    return [found[place] for place in chosen.tolist()]
