"""Shares of a mixture, and what is drawn for them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordhive.index import InputError
from wordhive.retrieval.training.examples import SourceConfig
from wordhive.retrieval.training.mixture import mixture, shares


def _source(folder: Path, name: str, size: int, weight: float = 1.0, **options: object) -> SourceConfig:
    path = folder / f"{name}.jsonl"
    rows = [{"query": f"{name} {i}", "positive": f"text {name} {i}", "number": i} for i in range(size)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return SourceConfig(path=path, weight=weight, **options)  # type: ignore[arg-type]


def test_shares_follow_the_weights() -> None:
    assert shares([1000, 1000, 1000], [1, 2, 5], 80, 4) == [10, 20, 50]


def test_what_a_small_source_cannot_give_the_others_do() -> None:
    assert shares([5, 1000, 1000], [2, 1, 1], 100, 4) == [20, 40, 40]
    assert shares([5, 1000, 1000], [2, 3, 1], 100, 1) == [5, 71, 24]


def test_there_are_fewer_where_all_sources_are_too_small() -> None:
    assert shares([5, 10], [1, 1], 1000, 4) == [20, 40]


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(0.1, 10)), min_size=1, max_size=6),
    st.integers(1, 400),
    st.integers(1, 5),
)
def test_shares_are_proportional_below_the_caps(parts: list[tuple[int, float]], n: int, max_repeats: int) -> None:
    sizes, weights = [size for size, _ in parts], [weight for _, weight in parts]
    caps = [size * max_repeats for size in sizes]
    found = shares(sizes, weights, n, max_repeats)
    assert sum(found) == min(n, sum(caps))
    assert all(0 <= one <= cap for one, cap in zip(found, caps, strict=True))
    # The slow oracle: the water level at which capped shares have the sum, by bisection.
    low, high = 0.0, 1e6
    for _ in range(200):
        level = (low + high) / 2
        poured = sum(min(level * weight, cap) for weight, cap in zip(weights, caps, strict=True))
        low, high = (level, high) if poured < sum(found) else (low, level)
    assert all(
        abs(one - min(high * weight, cap)) < 1 + 1e-6 for one, weight, cap in zip(found, weights, caps, strict=True)
    )


def test_a_mixture_has_its_shares_of_different_examples(tmp_path: Path) -> None:
    sources = [_source(tmp_path, "small", 5), _source(tmp_path, "large", 200, weight=3), _source(tmp_path, "mid", 60)]
    found = mixture(sources, 100, seed=1, max_repeats=2)
    assert {name: len(examples) for name, examples in found.items()} == {"small": 10, "large": 68, "mid": 22}
    assert set(Counter(one.query for one in found["small"]).values()) == {2}
    assert len(set(found["large"])) == 68
    assert all(one.query.startswith("large ") for one in found["large"])


def test_repeats_differ_by_one_at_most(tmp_path: Path) -> None:
    found = mixture([_source(tmp_path, "a", 10)], 34, seed=0)["a"]
    assert sorted(Counter(found).values()) == [3] * 6 + [4] * 4


def test_the_same_seed_draws_the_same_examples(tmp_path: Path) -> None:
    sources = [_source(tmp_path, "a", 100), _source(tmp_path, "b", 100)]
    assert mixture(sources, 50, seed=1) == mixture(sources, 50, seed=1)
    assert mixture(sources, 50, seed=1) != mixture(sources, 50, seed=2)
    order = [int(one.query.split()[1]) for one in mixture(sources, 50, seed=1)["a"]]
    assert order != sorted(order)


def test_held_out_examples_are_not_mixed_in(tmp_path: Path) -> None:
    source = _source(tmp_path, "a", 40, hold_out={"field": "number", "modulus": 2})
    numbers = {int(one.query.split()[1]) for one in mixture([source], 1000, seed=0)["a"]}
    assert source.hold_out is not None
    assert numbers == {i for i in range(40) if not source.hold_out.holds(i)}


def test_a_source_is_resampled_before_it_is_mixed(tmp_path: Path) -> None:
    (tmp_path / "target.jsonl").write_text('{"id": "t", "text": "text a 7 text a 8"}\n', encoding="utf-8")
    source = _source(tmp_path, "a", 40, resample={"target": tmp_path / "target.jsonl", "keep": 6})
    assert len(set(mixture([source], 12, seed=0)["a"])) == 6


def test_names_that_repeat_and_empty_sources_are_refused(tmp_path: Path) -> None:
    source = _source(tmp_path, "a", 3)
    with pytest.raises(InputError, match="2 sources have the name 'a'"):
        mixture([source, source], 5, seed=0)
    with pytest.raises(InputError, match="source empty has no examples"):
        mixture([source, _source(tmp_path, "empty", 0)], 5, seed=0)
