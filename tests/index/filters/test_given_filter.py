"""A filter as a dict, as an expression, and as JSON: all mean the same."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.filters.given_filter import given_filter
from wordhive.index.filters.plain_values import plain_value

Draw = Callable[..., WordVectors]


@pytest.fixture
def index(draw: Draw, tmp_path: Path, small_config: IndexConfig) -> Index:
    made = Index.create(tmp_path / "x", small_config)
    made.add(["a", "b", "c"], draw(0, [2, 2, 2]), None, [{"year": 1990}, {"year": 2000, "lang": "en"}, None])
    return made


@pytest.mark.parametrize(
    "where", [{"year": {"$gte": 1995}}, "year >= 1995", ' {"year": {"$gte": 1995}}', np.str_("year >= 1995")]
)
def test_all_forms_mean_the_same(index: Index, where: Any) -> None:
    assert index.snapshot().matching(where).tolist() == [1]
    assert index.snapshot().matching(where).tolist() == [1]  # from the cache
    assert index.delete(where=where) == 1
    assert set(index.snapshot().ids().values()) == {"a", "c"}


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ('{"year": ', "begins as JSON and is none"),
        ("{'year': 1}", "names and strings are in double quotes"),
        ('{"year": 1, "year": 2}', "the key 'year' twice; join both conditions with \\$and"),
        ('{"year": {"$more": 1}}', r"has '\$more'; expected"),
        ('{"year": NaN}', "not finite"),
        ("{" * 100_000, "begins as JSON"),
        ('{"$not":' * 100_000, "too many levels|more than 10 levels"),
        ("year >=", "the filter expression"),
        ("", "the filter expression is empty"),
    ],
)
def test_what_is_no_filter_is_refused_in_one_line(index: Index, where: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as raised:
        index.snapshot().matching(where)
    assert len(str(raised.value)) < 400
    assert given_filter({"year": 1}) == {"year": 1}


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.int8(3), 3),
        (np.bool_(True), True),
        (datetime.date(2020, 1, 31), "2020-01-31"),
        (datetime.datetime(2020, 1, 31, 12), "2020-01-31T12:00:00"),
        (
            datetime.datetime(2020, 1, 31, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
            "2020-01-30T23:00:00+00:00",
        ),
        (np.datetime64("2020-01"), "2020-01-01"),
        (np.datetime64("2020-01-31T12:00:00.000000000"), "2020-01-31T12:00:00"),
        (np.array(7), 7),
    ],
)
def test_values_become_those_of_json(index: Index, draw: Draw, value: Any, plain: Any) -> None:
    assert plain_value(value) == plain
    assert type(plain_value(value)) is type(plain)
    index.add(["d"], draw(1, [2]), None, [{"x": value, "y": [value], "z": np.array([value])}])
    assert index.snapshot().documents([3])[3].attributes == {"x": plain, "y": [plain], "z": [plain]}
    assert index.snapshot().matching({"x": value}).tolist() == [3]


def test_dates_are_in_the_order_of_time(index: Index, draw: Draw) -> None:
    utc = datetime.timezone.utc
    times = [datetime.datetime(2020, 1, 1, 10, 0, second, micro, utc) for second in (0, 1) for micro in (0, 1, 500_000)]
    ids = [f"t{n}" for n in range(len(times))]
    index.add(ids, draw(1, [1] * len(ids)), None, [{"when": time} for time in times])
    for place, time in enumerate(times):
        assert len(index.snapshot().matching({"when": {"$gte": time}})) == len(times) - place
    assert len(index.snapshot().matching({"when": {"$gte": datetime.date(2020, 1, 1)}})) == len(times)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (
            float("nan"),
            "the attribute 'x' of document 'd' is nan, which JSON does not have; leave it out, or give None",
        ),
        ({"y": [np.float32("inf")]}, "the attribute 'x.y' of document 'd' is inf, .*; give a finite number"),
        (np.datetime64("NaT"), "a missing date; leave it out"),
        (__import__("decimal").Decimal("1.5"), r"give float\(value\), or str\(value\)"),
        (datetime.timedelta(1), r"give value.total_seconds\(\)"),
        ({1, 2}, r"give a list: sorted\(value\)"),
        (b"x", "decode it to a string"),
        (np.array([1.0, np.nan]), "the attribute 'x' of document 'd' is nan"),
        (Path("x"), r"str\(value\) may do"),
    ],
)
def test_other_values_are_refused_with_what_to_do(index: Index, draw: Draw, value: Any, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as raised:
        index.add(["d"], draw(1, [1]), None, [{"fine": 1, "x": value}])
    assert "\n" not in str(raised.value)
    assert len(index) == 3


def test_missing_times_of_pandas_are_refused(index: Index, draw: Draw) -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InputError, match="a missing date"):
        index.add(["d"], draw(1, [1]), None, [{"x": pandas.NaT}])
    index.add(["d"], draw(1, [1]), None, [{"x": pandas.Timestamp("2020-01-31")}])
    assert index.snapshot().documents([3])[3].attributes == {"x": "2020-01-31T00:00:00"}
