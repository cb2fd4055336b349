from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import MultiVectorEncoder

from wordhive.index import InputError
from wordhive.retrieval.encoder import Encoder

TEXTS = ["Bees dance to tell where flowers are.", "", "Ants follow the scent of other ants. " * 40, "honey"]


@pytest.fixture(scope="module")
def compiled(encoder: Encoder) -> Encoder:
    return encoder.with_backend("openvino")


@pytest.mark.parametrize("side", ["encode_documents", "encode_queries"])
def test_vectors_are_those_of_torch(encoder: Encoder, compiled: Encoder, side: str) -> None:
    expected, found = (getattr(one, side)(TEXTS) for one in (encoder, compiled))
    assert found.offsets.tolist() == expected.offsets.tolist()
    assert found.word_ids.tolist() == expected.word_ids.tolist()
    np.testing.assert_allclose(found.vectors, expected.vectors, atol=1e-4)
    np.testing.assert_allclose(found.summary, expected.summary, atol=1e-4)


def test_a_single_query_is_as_in_a_batch(compiled: Encoder) -> None:
    alone, together = compiled.encode_queries(TEXTS[:1]), compiled.encode_queries(TEXTS)
    np.testing.assert_allclose(alone.vectors, together[:1].vectors, atol=1e-4)


def test_it_is_the_same_model_and_torch_still_runs_it(encoder: Encoder, compiled: Encoder) -> None:
    assert compiled.fingerprint == encoder.fingerprint
    compiled.encode_queries(["bees"])
    assert "forward" not in vars(encoder.model[0].model)


def test_models_of_others_run_too(foreign: MultiVectorEncoder) -> None:
    expected = Encoder(foreign, precision="float32").encode_documents(TEXTS)
    found = Encoder(foreign, precision="float32", backend="openvino").encode_documents(TEXTS)
    np.testing.assert_allclose(found.vectors, expected.vectors, atol=1e-4)


def test_other_modules_keep_the_backend(compiled: Encoder) -> None:
    assert compiled.with_dim(16).backend == "openvino"


def test_threads_encode_alike(compiled: Encoder) -> None:
    alone = [compiled.encode_queries([text]).vectors for text in TEXTS]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: compiled.encode_queries([TEXTS[number % 4]]).vectors, range(16)))
    for number, vectors in enumerate(together):
        np.testing.assert_array_equal(vectors, alone[number % 4])


def test_a_model_that_it_runs_wrongly_is_refused(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Any, **given: Any) -> dict[str, torch.Tensor]:
        return {"last_hidden_state": torch.ones(*given["input_ids"].shape, 384)}

    monkeypatch.setattr("wordhive.retrieval.runtimes.openvino.OpenVino._infer", wrong)
    with pytest.raises(InputError, match="OpenVINO runs this model wrongly"):
        encoder.with_backend("openvino")


def test_without_the_package_one_line_says_what_to_install(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(InputError, match=r"pip install 'wordhive\[openvino\]'"):
        encoder.with_backend("openvino")


def test_it_tells_its_maker_nothing(compiled: Encoder) -> None:
    assert sys.modules["openvino_telemetry"] is None


def test_another_backend_is_refused(encoder: Encoder) -> None:
    with pytest.raises(InputError, match="backend is 'onnx'; choose auto, compiled, torch or openvino"):
        encoder.with_backend("onnx")  # type: ignore[arg-type]
