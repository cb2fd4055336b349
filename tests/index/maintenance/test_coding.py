"""By what an index codes its documents, and from when on by what it was asked to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.config import FittedConfig, ReductionConfig, SummaryConfig

Draw = Callable[..., WordVectors]
LEARNED = IndexConfig(
    codec="Ternary16",
    summary_codec="Ternary16",
    encoding=FittedConfig(centroids=8, sample_words=64),
    reduction=ReductionConfig(dims=4, queries=64),
)


def test_an_empty_index_uses_nothing_yet(tmp_path: Path) -> None:
    coding = Index.create(tmp_path / "x", LEARNED).coding()
    assert (coding.used, coding.n_unencoded, coding.first_stage_from, coding.codecs_from) == (None, 0, 1024, 1024)


def test_few_documents_are_coded_by_less_than_was_asked_for(tmp_path: Path, draw: Draw) -> None:
    index = Index.create(tmp_path / "x", LEARNED, summary_weight=0.5)
    index.add([f"a{n}" for n in range(40)], draw(1, [2] * 40, summary_dim=4))
    index.delete(["a1"])
    few = index.coding()
    assert few.used is not None
    assert (few.used.codec, few.used.summary_codec, few.used.encoding) == ("SQ8", "SQ8", None)
    assert few.n_unencoded == 39
    index.add([f"b{n}" for n in range(1000)], draw(2, [2] * 1000, summary_dim=4))
    enough = index.coding()
    assert enough.used == LEARNED
    assert enough.n_unencoded == 39
    index.compact()
    assert index.coding().n_unencoded == 0


@pytest.mark.parametrize(
    ("config", "first_stage", "codecs"),
    [
        (IndexConfig(encoding=None), 1, 1),
        (IndexConfig(encoding=None, codec="Ternary16"), 1, 1024),
        (IndexConfig(encoding=SummaryConfig(), summary_codec="PQ4x8"), 1, 1024),
        (IndexConfig(encoding=SummaryConfig()), 1, 1),
        (IndexConfig(encoding=FittedConfig(), reduction=ReductionConfig(dims=2000)), 2000, 1),
    ],
)
def test_from_when_on_it_is_as_configured(tmp_path: Path, config: IndexConfig, first_stage: int, codecs: int) -> None:
    coding = Index.create(tmp_path / "x", config).coding()
    assert (coding.first_stage_from, coding.codecs_from) == (first_stage, codecs)
