"""What `wordhive info` says of stages: what is used, and what will be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, WordVectors

from .conftest import Run

CONFIG = {
    "codec": "PQ{dims/2}x4",
    "encoding": {"family": "fitted", "centroids": 8, "sample_words": 64},
    "reduction": {"dims": 4, "queries": 64},
    "candidates": "PQ{dims}x4",
}
LATER = "           from 1,024 documents on: fitted encoding reduced to 4 dims, PQ4x4; words PQ4x4"
SCANNED = "stages     none yet: every search scores all documents; words SQ8"


def add(index: Index, n: int) -> None:
    random, start = np.random.default_rng(n), len(index)
    vectors = random.standard_normal((n, 8)).astype(np.float32)
    ids = np.arange(1, n + 1, dtype=np.uint32)
    index.add([f"d{start + number}" for number in range(n)], WordVectors(vectors, np.arange(n + 1), ids))


def stages(printed: str) -> list[str]:
    lines = printed.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("stages"))
    return [line for line in lines[first:] if line.startswith(("stages", "   ")) and line.strip()][:2]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index.create(tmp_path / "x.hive", IndexConfig(**CONFIG))  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [1, 1023])
def test_few_documents_have_other_codecs(run: Run, index: Index, n: int) -> None:
    add(index, n)
    found = run("info", index.path)
    assert stages(found.out) == [SCANNED, LATER]
    assert f"documents  {n:,} in 1 segment\n" in found.out
    coding = run("info", index.path, "--json").json()["coding"]
    assert (coding["used"]["codec"], coding["used"]["encoding"], coding["n_unencoded"]) == ("SQ8", None, n)
    assert coding["first_stage_from"] == coding["codecs_from"] == 1024


def test_enough_documents_have_all_that_was_asked_for(run: Run, index: Index) -> None:
    add(index, 1024)
    out = run("info", index.path).out
    assert "stages     fitted encoding reduced to 4 dims, PQ4x4; words PQ4x4\n" in out
    assert "1,024 documents on" not in out


def test_documents_before_the_first_stage_are_told(run: Run, index: Index) -> None:
    add(index, 1)
    add(index, 1100)
    told = f"           1 document came before it, scored by every search; wordhive compact {index.path}"
    assert told in run("info", index.path).out
    index.compact()
    assert "came before it" not in run("info", index.path).out


def test_a_number_of_candidates_waits_for_a_first_stage(run: Run, index: Index) -> None:
    add(index, 3)
    index.set_candidates(562)
    assert "candidates all, while there is no first stage; then 562 a search" in run("info", index.path).out


def test_there_is_nothing_to_tune(run: Run, index: Index) -> None:
    add(index, 20)
    found = run("tune", index.path)
    assert (found.code, found.out) == (2, "")
    assert "nothing to tune" in found.err
    assert Index.open(index.path).settings.candidates is None


def test_what_a_folder_says_controls_no_terminal(run: Run, tmp_path: Path) -> None:
    from wordhive.index.storage.settings import EncoderStamp

    index = Index.create(tmp_path / "x", IndexConfig(encoding=None), encoder=EncoderStamp("a\x1b[31mb\x9b", "0" * 64))
    assert "\x1b" not in run("info", index.path).out
    assert "\x9b" not in run("info", index.path, "--json").out
