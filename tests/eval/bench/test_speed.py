"""Where the time goes, on a few documents: that every stage is there, and counted once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wordhive.eval.bench.speed import SpeedBench, bench
from wordhive.eval.collections.collection import Collection
from wordhive.eval.measuring.machine_peak import machine_peak
from wordhive.eval.measuring.transformer_time import transformer_time
from wordhive.index.encodings import fused
from wordhive.index.storage import training
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.texts.documents import Document

WORDS = ["bee", "ant", "silk", "rain", "hive", "song", "river", "stone", "cloud", "wolf", "honey", "winter", "garden"]
TWO_STAGES = """
codec: SQ8
encoding: {family: fitted, centroids: 8, sample_words: 64}
reduction: {dims: 8, queries: 64}
candidates: PQ{dims}x4
"""


@pytest.fixture(autouse=True)
def _few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "_LEAST_DOCUMENTS", 250)
    monkeypatch.setattr(training, "_LEAST_FOR_CODEBOOKS", 250)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


@pytest.fixture(scope="module")
def collection() -> Collection:
    random = np.random.default_rng(0)
    documents = [Document(f"d{n}", " ".join(random.choice(WORDS, 5))) for n in range(275)]
    queries = {"q1": "bee honey", "q2": "wolf in winter"}
    return Collection("tiny", "test", lambda: iter(documents), queries, {"q1": {"d1": 1}, "q2": {"d2": 1}})


def test_the_transformers_own_time_is_counted(encoder: Encoder) -> None:
    encoder = encoder.with_backend("torch")
    hooks = len(encoder.model[0]._forward_hooks)
    with transformer_time(encoder) as counted:
        encoder.encode_documents(["bee", "a bee makes honey"])
    assert counted.seconds > 0
    assert counted.tokens == 3 + 6  # with both special tokens
    assert counted.padded == 2 * 6
    width, inner, layers, length = 384, 1536, 6, 6
    assert counted.operations == layers * 12 * (8 * width**2 + 4 * width * inner + 4 * width * length)
    assert len(encoder.model[0]._forward_hooks) == hooks


def test_a_compiled_transformers_own_time_is_counted(encoder: Encoder) -> None:
    assert encoder.backend == "compiled"
    with transformer_time(encoder) as counted:
        encoder.encode_documents(["bee", "a bee makes honey"])
    assert counted.seconds > 0
    assert counted.tokens == counted.padded == 3 + 6
    width, inner, layers = 384, 1536, 6
    assert counted.operations == layers * (9 * (8 * width**2 + 4 * width * inner) + 4 * width * (9 + 36))
    encoder.encode_documents(["bee"])
    assert counted.tokens == 3 + 6


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])  # the latter as a GPU is measured
def test_peaks_are_of_this_machine(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.eval.measuring.machine_peak._GPU_SIDE", 1024)
    monkeypatch.setattr("wordhive.eval.measuring.machine_peak._GPU_COPIED", 1 << 24)
    peak = machine_peak(device)
    assert peak.device == device
    assert peak.sgemm > 1e9
    assert peak.bfloat16 > 1e7
    assert peak.copy > 1e8


def test_all_stages_of_two_stage_search(collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(TWO_STAGES)
    found = bench(collection, encoder, config=tmp_path / "two.yaml", candidates=50)
    assert [cost.stage for cost in found.indexing] == [
        "read", "encode", "… tokenise, by itself", "… transformer", "commit", "… word codes", "… summary codes",
        "… first-stage vectors", "… FAISS",
    ]  # fmt: skip
    assert all(cost.seconds > 0 for cost in found.indexing)
    assert (found.n_documents, found.n_queries) == (275, 2)
    assert list(found.searching) == [
        "encode", "candidates", "rerank", "fetch", "total", "… transformer", "… first-stage vector"
    ]  # fmt: skip
    assert 0.3 < found.top <= 1
    assert found.building >= found.fitting >= 0
    assert 0 <= found.padding < 1
    check_ratios(found)


@pytest.mark.gpu
def test_all_stages_run_on_a_gpu(collection: Collection, tmp_path: Path) -> None:
    torch, faiss = pytest.importorskip("torch"), pytest.importorskip("faiss")
    if not torch.cuda.is_available() or not hasattr(faiss, "StandardGpuResources"):
        pytest.skip("torch or FAISS finds no GPU")
    (tmp_path / "two.yaml").write_text(TWO_STAGES)
    found = bench(collection, Encoder.load(device="cuda"), config=tmp_path / "two.yaml", candidates=50, device="cuda")
    assert found.peak.device == torch.cuda.get_device_name()
    assert 0.3 < found.top <= 1
    check_ratios(found)


def test_all_stages_of_exact_search(collection: Collection, encoder: Encoder) -> None:
    found = bench(collection, encoder, config="exact", documents=100, queries=1)
    assert (found.n_documents, found.n_queries, found.top) == (100, 1, 1.0)
    assert list(found.searching) == ["encode", "rerank", "fetch", "total", "… transformer"]
    assert found.scanned == 0
    assert found.decoded == pytest.approx(found.n_words * 32, rel=0.02)
    check_ratios(found)


def check_ratios(found: SpeedBench) -> None:
    seconds = {cost.stage: cost.seconds for cost in found.indexing}
    whole = seconds["read"] + seconds["encode"] + seconds["commit"]
    assert found.text_ratio == pytest.approx(whole / seconds["… transformer"])
    assert found.text_ratio > 1
    assert found.query_ratio == found.searching["total"]["p50"] / found.searching["… transformer"]["p50"]
    assert found.query_ratio > 1


def test_too_few_documents_to_fit_to_are_added_until_they_are_enough(
    encoder: Encoder, collection: Collection, tmp_path: Path
) -> None:
    (tmp_path / "two.yaml").write_text(TWO_STAGES)
    found = bench(collection, encoder, config=tmp_path / "two.yaml", documents=150, queries=1)
    seconds = {cost.stage: cost.seconds for cost in found.indexing}
    assert "… first-stage vectors" in seconds
    assert found.fitting > seconds["commit"]
    assert found.building == pytest.approx(found.fitting + seconds["commit"])
