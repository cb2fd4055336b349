"""Which configurations keep a lexical part for which models."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from wordhive.index import IndexConfig
from wordhive.index.errors import WordhiveWarning
from wordhive.retrieval.search.lexical_weight import with_fitting_weight

WORDS = SimpleNamespace(pooling=object(), exact_match=False, name="words")
TOKENS = SimpleNamespace(pooling=None, exact_match=False, name="tokens")
IDENTICAL = SimpleNamespace(pooling=object(), exact_match=True, name="identical")


@pytest.mark.parametrize(("encoder", "weight"), [(WORDS, 0.1), (TOKENS, 0.0), (IDENTICAL, 0.0)])
def test_a_preset_has_the_part_where_the_model_allows_it(encoder: Any, weight: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert with_fitting_weight(IndexConfig.load("hybrid"), encoder).lexical_weight == weight


@pytest.mark.parametrize(("encoder", "said"), [(TOKENS, "one vector a token"), (IDENTICAL, "identical words only")])
def test_who_asks_for_the_part_in_vain_is_told(encoder: Any, said: str) -> None:
    with pytest.warns(WordhiveWarning, match=f"lexical_weight 0.3 is left out: .*{said}"):
        assert with_fitting_weight(IndexConfig(lexical_weight=0.3), encoder).lexical_weight == 0
