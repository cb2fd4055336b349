"""The default model as users run it: queries by float16 weights, documents in bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import WordVectors
from wordhive.retrieval.bert import packed_layers
from wordhive.retrieval.bert.fast_transformer import FastTransformer, multiplies_bytes
from wordhive.retrieval.compiled.compiled_model import CompiledModel
from wordhive.retrieval.encoder import Encoder

from ..conftest import TEXTS

LONG = " ".join(f"{text} Sentence {n} is here." for n, text in enumerate(TEXTS[:3] * 12))


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> Encoder:
    # Other tests compute exactly; see conftest.py.
    monkeypatch.setattr("wordhive.retrieval.compiled.compiled_model.transformers", packed_layers.transformers)
    encoder = Encoder.load("wordhive-minilm-32", backend="compiled")
    assert isinstance(encoder.encoding_model, CompiledModel)
    assert all(isinstance(each, FastTransformer) for each in encoder.encoding_model.transformers.values())
    return encoder


@pytest.fixture(scope="module")
def exact() -> Encoder:
    return Encoder.load("wordhive-minilm-32", backend="torch", device="cpu", precision="float32")


def _cosines(one: WordVectors, two: WordVectors) -> tuple[float, float]:
    """The mean and the least cosine of the words that both keep, of the same text."""
    found = []
    for row in range(len(one)):
        mine, theirs = one[row : row + 1], two[row : row + 1]
        _, left, right = np.intersect1d(mine.word_ids, theirs.word_ids, return_indices=True)
        assert len(left) >= 0.95 * max(len(mine.word_ids), len(theirs.word_ids))
        a, b = mine.vectors[left], theirs.vectors[right]
        found += ((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).tolist()
    return float(np.mean(found)), min(found)


def test_queries_are_torchs(fast: Encoder, exact: Encoder) -> None:
    one, two = fast.encode_queries([*TEXTS, LONG]), exact.encode_queries([*TEXTS, LONG])
    np.testing.assert_array_equal(one.word_ids, two.word_ids)
    np.testing.assert_allclose(one.vectors, two.vectors, atol=3e-4)
    assert one.summary is not None
    assert two.summary is not None
    np.testing.assert_allclose(one.summary, two.summary, atol=3e-4)


@pytest.mark.skipif(not multiplies_bytes(), reason="the processor has no AVX-512 VNNI")
def test_documents_in_bytes_are_nearly_torchs(fast: Encoder, exact: Encoder) -> None:
    one, two = fast.encode_documents([*TEXTS, LONG]), exact.encode_documents([*TEXTS, LONG])
    mean, least = _cosines(one, two)
    assert mean > 0.998
    assert least > 0.97
    assert one.summary is not None
    assert two.summary is not None
    np.testing.assert_allclose(one.summary, two.summary, atol=0.03)


ENCODE = """
import sys
import numpy as np
from wordhive.retrieval.bert.packed_layers import PROCESSOR
from wordhive.retrieval.encoder import Encoder
encoder = Encoder.load("wordhive-minilm-32", backend="compiled")
np.savez(sys.argv[1], query=encoder.encode_queries(["bees dance"]).vectors,
         document=encoder.encode_documents(["Bees dance to tell where flowers are."]).vectors)
print(PROCESSOR)
"""
_NARROW = "+avx,+avx2,+fma,+sse4.2,+popcnt,+bmi,+bmi2"


@pytest.mark.parametrize(("features", "kind"), [(f"{_NARROW},+f16c", "8h"), (_NARROW, "8")])
def test_other_processors_give_the_same_vectors(features: str, kind: str, tmp_path: Path, exact: Encoder) -> None:
    narrow = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", ENCODE, str(tmp_path / "found.npz")]
    done = subprocess.run(command, env={**os.environ, **narrow}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == kind
    found = np.load(tmp_path / "found.npz")
    np.testing.assert_allclose(found["query"], exact.encode_queries(["bees dance"]).vectors, atol=3e-4)
    document = exact.encode_documents(["Bees dance to tell where flowers are."])
    np.testing.assert_allclose(found["document"], document.vectors, atol=1e-3)
