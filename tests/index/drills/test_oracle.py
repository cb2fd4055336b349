"""Whatever became of an index, a search finds what brute force finds: over all presets and many first stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from wordhive.index.encodings import fused
from wordhive.index.storage import training

from . import oracle

N_CONFIGURATIONS = len(oracle.configurations())


@pytest.fixture(autouse=True)
def _small_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "_LEAST_DOCUMENTS", oracle.LEAST)
    monkeypatch.setattr(training, "_LEAST_FOR_CODEBOOKS", oracle.LEAST)


@pytest.mark.parametrize("seed", [0, 2, 4, 9, 10, 15, 16, 19, 21, 28, 31, 36])
def test_a_short_life_is_as_brute_force_says(tmp_path: Path, seed: int) -> None:
    assert oracle.live(seed, tmp_path, steps=4).searches > 0


def test_the_oracle_sees_a_document_that_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = oracle.Searcher.search_vectors
    monkeypatch.setattr(
        oracle.Searcher, "search_vectors", lambda *given, **named: [hits[1:] for hits in real(*given, **named)]
    )
    with pytest.raises(AssertionError, match=r"seed 0, default, step 0: .* hits of"):
        oracle.live(0, tmp_path)


@pytest.mark.slow
def test_a_thousand_lives_are_as_brute_force_says(tmp_path: Path) -> None:
    searches = sum(oracle.live(seed, tmp_path).searches for seed in range(27 * N_CONFIGURATIONS))
    assert searches > 300_000
