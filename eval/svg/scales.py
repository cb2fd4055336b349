"""From values to positions on a chart, and the round numbers to print beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["linear", "log", "logit"]
_FEW_SHARES = (0.02, 0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)
_MANY_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)


@dataclass(frozen=True)
class Scale:
    """An axis: low … high lie at start … end.

    Attributes:
        kind: "linear"; "log" for values above 0; "logit" for shares between 0 and 1. Shares close to 1 differ most in
            what they miss: a logit axis shows .98, .99 and .999 apart.
    """

    low: float
    high: float
    start: float
    end: float
    kind: Kind = "linear"

    @classmethod
    def around(cls, values: Sequence[float], start: float, end: float, kind: Kind = "linear") -> Scale:
        """An axis with room on both sides of the values."""
        low, high = min(values), max(values)
        if kind == "log":
            room = max((high / low) ** 0.12, 1.3)
            return cls(low / room, high * room, start, end, kind)
        if kind == "logit":
            room = 0.08 * (_logit(high) - _logit(low)) or 0.5
            return cls(_logistic(_logit(low) - room), _logistic(_logit(high) + room), start, end, kind)
        room = 0.12 * (high - low) or max(abs(high) * 0.1, 0.05)
        return cls(low - room, high + room, start, end)

    def __call__(self, value: float) -> float:
        """Where a value lies."""
        low, high, value = map(self._transformed, (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round numbers on the axis, about so many."""
        by_kind = {"linear": self._linear_ticks, "log": self._log_ticks, "logit": self._logit_ticks}
        return by_kind[self.kind](about)

    def _transformed(self, value: float) -> float:
        if self.kind == "linear":
            return value
        return math.log(value) if self.kind == "log" else _logit(value)

    def _linear_ticks(self, about: int) -> list[float]:
        rough = (self.high - self.low) / about
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * 0.999)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(number * step, 10) for number in range(first, last + 1)]

    def _log_ticks(self, about: int) -> list[float]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for mantissas in ((1, 2, 5), (1, 3), (1,)):
            ticks = [10.0**power * m for power in powers for m in mantissas]
            ticks = [tick for tick in ticks if self.low <= tick <= self.high]
            if len(ticks) <= about:
                break
        every = math.ceil(len(ticks) / (about + 1))
        return ticks[::every] if len(ticks) > 1 else self._linear_ticks(3)

    def _logit_ticks(self, about: int) -> list[float]:
        for shares in (_MANY_SHARES, _FEW_SHARES):
            ticks = [share for share in shares if self.low <= share <= self.high]
            if len(ticks) <= about + 3:
                break
        return ticks if len(ticks) > 1 else self._linear_ticks(3)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
