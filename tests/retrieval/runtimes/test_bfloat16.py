from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Transformer
from torch import Tensor, nn

from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.runtimes.bfloat16 import Bfloat16

TEXTS = ["Bees dance to tell where flowers are.", "", "Ants follow the scent of other ants."]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load("wordhive-minilm-128", device="cpu", backend="torch")


@pytest.fixture
def transformer(encoder: Encoder) -> Transformer:
    first = encoder.model[0]
    assert isinstance(first, Transformer)
    return first


def _tokens(encoder: Encoder) -> dict[str, Any]:
    return dict(encoder.preprocess(TEXTS, "document"))


@torch.inference_mode()
def _by_autocast(encoder: Encoder, transformer: Transformer) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        vectors: Tensor = transformer(_tokens(encoder))["token_embeddings"]
    return vectors.float()


@torch.inference_mode()
def _by_rounded(encoder: Encoder, transformer: Transformer, bfloat16: Bfloat16) -> Tensor:
    with bfloat16.running():
        vectors: Tensor = transformer(_tokens(encoder))["token_embeddings"]
    return vectors


def test_weights_rounded_once_give_what_autocast_gives(encoder: Encoder, transformer: Transformer) -> None:
    expected = _by_autocast(encoder, transformer)
    bfloat16 = Bfloat16(encoder.model)
    for _ in range(2):
        found = _by_rounded(encoder, transformer, bfloat16)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_the_model_keeps_its_exact_weights(encoder: Encoder, transformer: Transformer) -> None:
    before = {name: weight.clone() for name, weight in encoder.model.state_dict().items()}
    parameters = [id(weight) for weight in encoder.model.parameters()]
    _by_rounded(encoder, transformer, Bfloat16(encoder.model))
    assert [id(weight) for weight in encoder.model.parameters()] == parameters
    for name, weight in encoder.model.state_dict().items():
        torch.testing.assert_close(weight, before[name], rtol=0, atol=0)


def test_the_exact_weights_come_back_after_a_failed_pass(encoder: Encoder, transformer: Transformer) -> None:
    with pytest.raises(KeyError), Bfloat16(encoder.model).running():
        transformer({"modality": "smell"})
    assert all(weight.dtype == torch.float32 for weight in encoder.model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in encoder.model.modules())


def test_trained_weights_are_rounded_anew(tiny_encoder: Encoder) -> None:
    encoder = Encoder(tiny_encoder.model, precision="bfloat16")
    linear = next(module for module in encoder.model[0].modules() if isinstance(module, nn.Linear))
    before = encoder.encode_documents(TEXTS).vectors
    with torch.no_grad():
        linear.weight.mul_(-1)
    try:
        changed = encoder.encode_documents(TEXTS).vectors
        assert abs(changed - before).max() > 1e-3
        np.testing.assert_array_equal(
            changed, Encoder(encoder.model, precision="bfloat16").encode_documents(TEXTS).vectors
        )
    finally:
        with torch.no_grad():
            linear.weight.mul_(-1)
    np.testing.assert_array_equal(encoder.encode_documents(TEXTS).vectors, before)


def test_weights_that_are_no_float32_are_left_alone(tiny_encoder: Encoder) -> None:
    linear = next(module for module in tiny_encoder.model[0].modules() if isinstance(module, nn.Linear))
    whole = len(Bfloat16(tiny_encoder.model)._places)
    linear.to(torch.bfloat16)
    try:
        assert len(Bfloat16(tiny_encoder.model)._places) == whole - 2
    finally:
        linear.to(torch.float32)
