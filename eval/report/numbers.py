"""Numbers as a report prints them: .7034; 1,964 B; 2.3 ms; – for an unknown one."""

from __future__ import annotations

import math
from collections.abc import Callable

MISSING = "–"


def quality(value: float | None) -> str:
    """A measure, without the zero before its point."""
    return _known(value, lambda number: _bare(f"{number:.4f}"))


def difference(value: float | None) -> str:
    """A difference of a measure, always with its sign."""
    return _known(value, lambda number: _bare(f"{number:+.4f}"))


def probability(p: float | None) -> str:
    """A p-value; < .0001 for a tiny one."""
    return _known(p, lambda number: "< .0001" if number < 0.0001 else _bare(f"{number:.4f}"))


def share(value: float | None) -> str:
    """A share as percent."""
    return _known(value, lambda number: f"{100 * number:.1f} %")


def count(value: float | None) -> str:
    """A whole number."""
    return _known(value, lambda number: f"{number:,.0f}")


def size(n_bytes: float | None) -> str:
    """Bytes of a document."""
    return _known(n_bytes, lambda number: f"{number:,.0f} B")


def memory(n_bytes: float | None) -> str:
    """Bytes of a process."""
    return _known(n_bytes, lambda number: f"{number / 1e9:,.2f} GB" if number >= 1e9 else f"{number / 1e6:,.0f} MB")


def milliseconds(value: float | None) -> str:
    """A latency."""
    return _known(value, lambda number: f"{_three_digits(number)} ms")


def rate(value: float | None) -> str:
    """Queries per second."""
    return _known(value, _three_digits)


def duration(seconds: float | None) -> str:
    """The time of indexing."""
    return _known(seconds, _duration)


def _duration(seconds: float) -> str:
    if seconds < 59.95:
        return f"{_three_digits(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def _known(value: float | None, shown: Callable[[float], str]) -> str:
    return MISSING if value is None or not math.isfinite(value) else shown(value)


def _bare(number: str) -> str:
    """A number without the 0 before its point, with a real minus, and without the sign of a zero."""
    sign, digits = (number[0], number[1:]) if number[0] in "+-" else ("", number)
    if not digits.strip("0."):
        sign = ""
    digits = digits[1:] if digits.startswith("0.") else digits
    return sign.replace("-", "−") + digits


def _three_digits(value: float) -> str:
    places = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 0.95 else 2
    return _bare(f"{value:,.{places}f}") if value < 0.95 else f"{value:,.{places}f}"
