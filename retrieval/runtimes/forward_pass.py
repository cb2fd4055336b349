"""One forward pass of a model: tokens in, word vectors out."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import MultiVectorEncoder
from torch import Tensor

from wordhive.index import WordVectors, threads

from .bfloat16 import Bfloat16
from .openvino import OpenVino

# One forward pass at a time: hooks and torch's number of threads belong to the process, not to a thread of it.
MODEL_LOCK = threading.RLock()


def forward(model: MultiVectorEncoder, runtime: Bfloat16 | OpenVino | None, tokens: Any, task: str) -> WordVectors:
    """The word vectors of tokenised texts, in their order.

    Args:
        model: The model, on its device.
        runtime: What runs its transformer. None: torch, in float32.
        tokens: As the model's `preprocess` gives them.
        task: "query" or "document".
    """
    with MODEL_LOCK, torch.inference_mode(), runtime.running() if runtime else nullcontext():
        features = {k: v.to(model.device) if isinstance(v, Tensor) else v for k, v in tokens.items()}
        features = model(features, task=task)
    mask = features["attention_mask"].bool().cpu().numpy()
    vectors = _numpy(features["token_embeddings"])[mask]
    ids = features.get("word_ids")
    word_ids = np.zeros(len(vectors), np.uint32) if ids is None else ids.cpu().numpy()[mask].astype(np.uint32)
    summary = features.get("sentence_embedding")
    offsets = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64)
    return WordVectors(vectors, offsets, word_ids, None if summary is None else _numpy(summary))


def one_thread() -> AbstractContextManager[None]:
    """torch computes in one thread. For a dozen tokens, waking the others costs more than they do."""
    return threads.one_thread(torch.get_num_threads, torch.set_num_threads)


def _numpy(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.float().cpu().numpy()
    return array
