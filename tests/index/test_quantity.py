from __future__ import annotations

import pytest

from wordhive.index.quantity import quantity


@pytest.mark.parametrize(
    ("n", "one", "text"),
    [
        (0, "segment", "0 segments"),
        (1, "segment", "1 segment"),
        (4, "segment", "4 segments"),
        (1204, "judged query", "1,204 judged queries"),
        (1, "judged query", "1 judged query"),
    ],
)
def test_only_one_is_in_the_singular(n: int, one: str, text: str) -> None:
    assert quantity(n, one) == text
