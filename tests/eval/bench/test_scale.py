"""Growth: the documents that are made, and an index measured as it gets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.eval.bench import scale
from wordhive.eval.bench.resampled import Resampled
from wordhive.eval.bench.scale import bench
from wordhive.eval.measuring.memory import own_memory
from wordhive.eval.measuring.own_process import in_own_process
from wordhive.index import Index, InputError, WordVectors
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.shards import read_shards, write_shards
from wordhive.retrieval.texts.documents import Document

WORDS = ["bee", "ant", "silk", "rain", "hive", "song", "river", "stone", "cloud", "wolf", "honey", "winter", "garden"]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.fixture(scope="module")
def shards(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("scale") / "shards"
    write_shards((Document(f"d{n}", " ".join(random.choice(WORDS, 9))) for n in range(30)), folder, encoder)
    return folder


def sources(shards: Path) -> WordVectors:
    return WordVectors.concat([vectors for _, vectors in read_shards(shards)])


def test_the_first_documents_are_the_real_ones(shards: Path) -> None:
    [(ids, documents)] = Resampled(shards).batches(0, 30, 100)
    assert ids[:2] == ["d000000000", "d000000001"]
    np.testing.assert_array_equal(documents.vectors, sources(shards).vectors)
    np.testing.assert_array_equal(documents.offsets, sources(shards).offsets)


def test_mixtures_have_words_of_two_documents_each_once(shards: Path) -> None:
    held = sources(shards)
    owners = {
        row.tobytes(): text for text in range(30) for row in held.vectors[held.offsets[text] :][: held.counts[text]]
    }
    [(_, documents)] = Resampled(shards).batches(30, 230, 1000)
    for text in range(200):
        one = documents[text : text + 1]
        assert len({owners[row.tobytes()] for row in one.vectors}) <= 2
        assert len(np.unique(one.word_ids)) == len(one.word_ids)
        assert one.summary is not None
        assert np.linalg.norm(one.summary) == pytest.approx(1, abs=1e-3)
    assert documents.counts.mean() == pytest.approx(held.counts.mean(), rel=0.15)
    assert len({documents[text : text + 1].vectors.tobytes() for text in range(200)}) > 190


def test_batches_make_no_difference(shards: Path) -> None:
    whole, cut = (list(Resampled(shards).batches(20, 60, size)) for size in (40, 7))
    assert [id for ids, _ in cut for id in ids] == whole[0][0]
    np.testing.assert_array_equal(np.concatenate([part.vectors for _, part in cut]), whole[0][1].vectors)


def in_this_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """In place of `in_own_process`, which imports torch anew."""
    return work(*arguments)


def test_an_index_grows_and_is_measured(
    shards: Path, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = [in_this_process, in_own_process]  # the last size in a process of its own, as all of them usually are
    monkeypatch.setattr(scale, "in_own_process", lambda *given: ways.pop(0)(*given))
    told: list[int] = []
    queries = ["bee honey", "wolf winter river"]
    found = bench(
        queries, shards, encoder, tmp_path, [90, 40], config="exact", on_size=lambda size: told.append(size.n_documents)
    )
    assert [size.n_documents for size in found] == told == [40, 90]
    assert found[1].n_words > found[0].n_words
    assert all(size.overlap == 1.0 for size in found)  # every document is scored
    assert found[1].seconds >= found[0].seconds > 0
    assert found[1].bytes["words"] > found[0].bytes["words"]
    assert set(found[0].latency) == {"rerank", "fetch", "total"}
    assert own_memory() is None or all(size.memory is not None for size in found)
    index = Index.open(tmp_path / "scale.hive")
    assert sorted(index.snapshot().ids().values()) == [f"d{n:09d}" for n in range(90)]
    index.close()
    monkeypatch.setattr(scale, "_measured", lambda *_: pytest.fail("measured again"))
    assert bench(queries, shards, encoder, tmp_path, [40, 90], config="exact") == found


def test_a_stopped_run_goes_on(shards: Path, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "DOCUMENTS_A_SHARD", 8)
    monkeypatch.setattr(scale, "in_own_process", in_this_process)
    added, add = [], Index.add

    def stopped(self: Index, ids: list[str], vectors: WordVectors) -> None:
        if len(added) == 3:
            raise KeyboardInterrupt
        added.append(len(ids))
        add(self, ids, vectors)

    monkeypatch.setattr(Index, "add", stopped)
    with pytest.raises(KeyboardInterrupt):
        bench(["bee"], shards, encoder, tmp_path, [40], config="exact")
    before = json.loads((tmp_path / "seconds.json").read_text())
    monkeypatch.setattr(Index, "add", add)
    [size] = bench(["bee"], shards, encoder, tmp_path, [40], config="exact")
    assert size.n_documents == 40
    assert size.seconds >= round(before, 3)


def test_another_index_in_the_folder_is_refused(
    shards: Path, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "in_own_process", in_this_process)
    bench(["bee"], shards, encoder, tmp_path, [20], config="exact")
    with pytest.raises(InputError, match="made with another configuration or model; choose another --report"):
        bench(["bee"], shards, encoder, tmp_path, [20, 40], config="summary")
    with pytest.raises(InputError, match="has 20 documents already, more than 10; choose another --report"):
        bench(["bee"], shards, encoder, tmp_path, [10], config="exact")
