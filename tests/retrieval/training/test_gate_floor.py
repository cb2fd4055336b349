from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from wordhive.index import InputError
from wordhive.retrieval.architecture import Architecture, build, take_heads
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.modules import StopWordGate
from wordhive.retrieval.training.gate_floor import remove_words

TEXTS = ["The bees dance, and the ants carry scent.", "Honey is sweet.", "Who sees the flower?", "Ants eat, bees find."]


def model_of(base: Path) -> Encoder:
    encoder = Encoder(build(Architecture(base=str(base), word_dim=8, summary_dim=6)), precision="float32")
    encoder.model.eval()
    gate = next(module for module in encoder.model if isinstance(module, StopWordGate))
    with torch.no_grad():
        gate.linear.weight.normal_(std=0.05, generator=torch.Generator().manual_seed(1))
    return encoder


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
def test_the_smallest_gates_go(tiny_base: Path, share: float) -> None:
    encoder = model_of(tiny_base)
    before = encoder.encode_documents(TEXTS)
    n_words = int(encoder.count_words(TEXTS).sum())
    assert len(before.vectors) == n_words
    remove_words(encoder, TEXTS, share)
    after = encoder.encode_documents(TEXTS)
    assert n_words - len(after.vectors) == int(np.ceil(share * n_words))
    gates = np.linalg.norm(before.vectors, axis=1)
    kept = gates >= np.sort(gates)[n_words - len(after.vectors)] - 1e-6
    np.testing.assert_allclose(after.vectors, before.vectors[kept], atol=1e-6)


def test_the_floor_is_saved_and_taken_over(tiny_base: Path, tmp_path: Path) -> None:
    encoder = model_of(tiny_base)
    remove_words(encoder, TEXTS, 0.4)
    assert encoder.fingerprint != model_of(tiny_base).fingerprint
    encoder.save(tmp_path / "model")
    again = Encoder.load(str(tmp_path / "model"), precision="float32", backend="torch")
    assert again.fingerprint == encoder.fingerprint
    np.testing.assert_array_equal(again.encode_documents(TEXTS).vectors, encoder.encode_documents(TEXTS).vectors)
    other = build(Architecture(base=str(tiny_base), word_dim=4, summary_dim=6))
    take_heads(other, encoder.model)
    floors = [m.floor for model in (other, encoder.model) for m in model if isinstance(m, StopWordGate)]
    assert floors[0] == floors[1] > 0


def test_a_model_without_a_gate_is_refused(tiny_base: Path) -> None:
    architecture = Architecture(base=str(tiny_base), word_dim=8, summary_dim=6, stop_word_gate=False)
    with pytest.raises(InputError, match="no stop-word gate"):
        remove_words(Encoder(build(architecture), precision="float32"), TEXTS, 0.3)
