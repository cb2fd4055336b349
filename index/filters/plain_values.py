"""Attributes' values as JSON has them: NumPy's numbers as Python's, dates and times as ISO 8601, arrays as lists."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np

from ..arguments import shown

_EXPECTED = "expected a string, a number, True, False, None, a date, a list or a dict"


def plain_value(value: Any) -> Any:
    """A value as JSON has it; anything else, such as a missing date, as it is.

    Strings in the order of their characters are dates and times in the order of time: an aware time is in UTC.
    """
    if isinstance(value, np.datetime64):
        return value if np.isnat(value) else plain_value(_date_or_time(value))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return list(value) if value.ndim else plain_value(value[()])
    if isinstance(value, date) and value == value:  # pandas' missing time equals nothing
        is_aware = isinstance(value, datetime) and value.tzinfo is not None
        return (value.astimezone(timezone.utc) if is_aware else value).isoformat()  # type: ignore[attr-defined]
    return value


def _date_or_time(value: np.datetime64) -> date | datetime:
    is_date = np.datetime_data(value.dtype)[0] in ("Y", "M", "W", "D")
    found: date | datetime = value.astype("datetime64[D]" if is_date else "datetime64[us]").item()
    return found


def value_fault(value: Any) -> str | None:
    """Why JSON can't hold a value, and what to do; None for what it can hold, lists and dicts among that."""
    value = plain_value(value)
    if isinstance(value, float):
        return None if math.isfinite(value) else _number_fault(value)
    if value is None or isinstance(value, (str, int, list, tuple, dict)):
        return None
    if value != value:
        return "a missing date; leave it out, or give None"
    return f"{shown(value)}; {_advice(value)}"


def _number_fault(value: float) -> str:
    advice = "leave it out, or give None" if math.isnan(value) else "give a finite number"
    return f"{value!r}, which JSON does not have; {advice}"


def _advice(value: Any) -> str:
    if isinstance(value, Decimal):
        return "give float(value), or str(value) to keep every digit"
    if isinstance(value, timedelta):
        return "give value.total_seconds()"
    if isinstance(value, (set, frozenset)):
        return "give a list: sorted(value)"
    if isinstance(value, (bytes, bytearray)):
        return "decode it to a string"
    return f"{_EXPECTED}; str(value) may do"
