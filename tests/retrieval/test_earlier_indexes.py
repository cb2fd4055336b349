"""Indexes of every preset that an earlier version made: they open, find the same, change, and pass their check.

`earlier_indexes/` holds one archive a preset, the queries, and what the version that made them found.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, WordVectors
from wordhive.index.config import preset_names
from wordhive.index.maintenance.check import check
from wordhive.retrieval.searcher import Hit, Searcher

FOLDER = Path(__file__).with_name("earlier_indexes")
FOUND = json.loads((FOLDER / "found.json").read_text(encoding="utf-8"))
SEARCHES: dict[str, dict[str, Any]] = {
    "exact": {"candidates": "all"},
    "two stages": {"candidates": 5},
    "filtered": {"where": {"year": {"$gte": 2003}}},
}


@pytest.fixture(scope="module")
def queries() -> WordVectors:
    with np.load(FOLDER / "queries.npz") as arrays:
        return WordVectors(arrays["vectors"], arrays["offsets"], arrays["word_ids"], arrays["summary"])


def unpacked(preset: str, folder: Path) -> Path:
    with tarfile.open(FOLDER / f"{preset}.tar.xz") as archive:
        archive.extractall(folder)
    return folder / f"{preset}.hive"


def check_hits(hits: list[list[Hit]], expected: list[list[tuple[str, float]]]) -> None:
    assert [[hit.id for hit in one] for one in hits] == [[id for id, _ in one] for one in expected]
    scores = [score for one in expected for _, score in one]
    assert [hit.score for one in hits for hit in one] == pytest.approx(scores, abs=2e-6)


def test_every_preset_has_an_earlier_index() -> None:
    assert {path.name.removesuffix(".tar.xz") for path in FOLDER.glob("*.tar.xz")} == set(FOUND)
    assert set(FOUND) == set(preset_names()) - {"hybrid"}  # which came later


@pytest.mark.parametrize("preset", FOUND)
def test_an_earlier_index_finds_the_same_and_can_be_changed(preset: str, queries: WordVectors, tmp_path: Path) -> None:
    path = unpacked(preset, tmp_path)
    index = Index.open(path)
    searcher = Searcher(index)
    for name, options in SEARCHES.items():
        if index.settings.config.encoding is not None or name != "two stages":
            check_hits(searcher.search_vectors(queries, 20, **options), FOUND[preset][name])
    best = FOUND[preset]["exact"][0][0][0]
    index.add(["new"], queries[:1], ["a new document"])
    index.delete([best])
    index.compact()
    ids = [hit.id for hit in searcher.search_vectors(queries, 20, candidates="all")[0]]
    assert ids[0] == "new"
    assert sorted(ids[1:]) == sorted(id for id, _ in FOUND[preset]["exact"][0] if id != best)
    index.close()
    assert check(path, untrusted=True) == []
    assert len(Index.open(path)) == 18
