"""Updates beside a fresh index: the plan, and a run on documents that are encoded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wordhive.eval.bench import updates
from wordhive.eval.bench.updates import bench, overlap
from wordhive.eval.measuring.memory import peak_memory, reset_peak
from wordhive.index import Index, InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.searcher import Hit
from wordhive.retrieval.shards import write_shards
from wordhive.retrieval.texts.documents import Document

WORDS = ["bee", "ant", "silk", "rain", "hive", "song", "river", "stone", "cloud", "wolf", "honey", "winter", "garden"]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    random = np.random.default_rng(0)
    return [Document(f"d{n}", " ".join(random.choice(WORDS, 6))) for n in range(60)]


@pytest.fixture(scope="module")
def shards(documents: list[Document], encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "shards"
    write_shards(iter(documents), folder, encoder)
    return folder


def test_an_updated_index_is_a_fresh_one(
    shards: Path, documents: list[Document], encoder: Encoder, tmp_path: Path
) -> None:
    notes: list[str] = []
    found = bench("tiny", ["bee honey", "wolf"], shards, encoder, tmp_path, config="exact", on_note=notes.append)
    assert [(step.change, step.n_documents) for step in found.steps] == [
        ("index", 54), ("delete", 18), ("add", 6), ("upsert", 6), ("compact", 42), ("index afresh", 42)
    ]  # fmt: skip
    assert (found.n_documents, len(notes)) == (42, 6)
    assert found.overlap == found.overlap_all > 0.9
    assert found.overlap_compacted == 1.0
    assert found.bytes_compacted == pytest.approx(found.bytes_fresh, rel=0.05)
    updated, fresh = (Index.open(tmp_path / f"{kind}.hive") for kind in ("updated", "fresh"))
    snapshots = [index.snapshot() for index in (updated, fresh)]
    held = [{one.id: one.text for one in each.documents(sorted(each.ids())).values()} for each in snapshots]
    assert held[0] == held[1]
    texts = {document.id: document.text for document in documents}
    assert sum(texts[id] != text for id, text in held[0].items()) == 6


def test_an_index_that_lost_a_change_is_told(
    shards: Path, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Index, "delete", lambda self, ids: 0)
    found = bench("tiny", WORDS, shards, encoder, tmp_path, config="exact")
    assert found.overlap_all < 0.9


def test_shards_that_are_not_there_are_told(encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no shards at .*nowhere; make them with: wordhive encode INPUT --to"):
        bench("tiny", ["bee"], tmp_path / "nowhere", encoder, tmp_path)


def test_too_few_documents_are_refused(encoder: Encoder, tmp_path: Path) -> None:
    write_shards(iter([Document("a", "bee"), Document("b", "ant")]), tmp_path / "shards", encoder)
    with pytest.raises(InputError, match="holds 2 documents; expected 10 at least"):
        bench("tiny", ["bee"], tmp_path / "shards", encoder, tmp_path)


def test_overlap_is_the_share_of_the_wanted() -> None:
    def hits(*ids: str) -> list[Hit]:
        return [Hit(id, 1.0, 1.0, 0.0) for id in ids]

    assert overlap([hits("a", "b"), hits("c")], [hits("b", "c"), hits("c")]) == 0.75


def test_a_plan_replaces_what_is_left_by_what_was_deleted() -> None:
    plan = updates._Plan.draw(1000)
    assert (len(plan.late), len(plan.deleted), len(plan.replaced)) == (100, 300, 100)
    assert not plan.late & plan.deleted
    assert set(plan.replaced.values()) <= plan.deleted
    assert not set(plan.replaced) & (plan.deleted | plan.late)


def test_memory_counts_what_was_taken() -> None:
    reset_peak()
    before = peak_memory()
    taken = np.ones(25_000_000)
    assert peak_memory() - before > 150e6
    del taken
