"""MUVERA's encodings in torch, on any device that it knows; the compiled kernels on the CPU say what is right.

Parameters go to the device once, then the words of one batch after the other, and only encodings come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..config import MuveraConfig
from ..torch_device import put, torch_device
from ..word_vectors import WordVectors
from .batches import text_numbers


def muvera_encodings(
    config: MuveraConfig,
    arrays: Mapping[str, NDArray[Any]],
    batches: Iterable[WordVectors],
    device: str,
    *,
    is_query: bool,
) -> Iterator[NDArray[np.float32]]:
    """The encodings of each batch, float32 `[n_texts, dim]`.

    Args:
        arrays: The parameters of the encoding by name, as `MuveraEncoding.tensors` gives them.
    """
    target = torch_device(device)
    parameters = {name: put(array, target) for name, array in arrays.items()}
    repetitions, bits, _ = parameters["hyperplanes"].shape
    hyperplanes, mean = parameters["hyperplanes"].flatten(0, 1), parameters["mean"]
    projections, sketch = parameters.get("projections"), parameters.get("sketch")
    final = parameters.get("final")
    if final is not None:
        final = final.T / len(final) ** 0.5
    weights = 2 ** torch.arange(bits, dtype=torch.int32, device=target)
    if config.google:
        weights = weights.flip(0)
    numbers = torch.arange(2**bits, device=target)
    for texts in batches:
        words = put(texts.vectors, target)
        centred = words - mean if config.centre else words
        # Full float32, as torch has it by default: where a program allows TF32, words near a hyperplane change sides.
        signs = (centred @ hyperplanes.T > 0).view(len(words), repetitions, bits)
        buckets = (signs * weights).sum(2)
        projected = words if is_query else centred
        if projections is None:
            projected = projected[:, None].expand(-1, repetitions, -1)
        else:
            projected = (projected @ projections.flatten(0, 1).T).view(len(words), *projections.shape[:2])
        fill, owners = config.fill and not is_query, put(text_numbers(texts), target)
        blocks = add_to_buckets(projected, buckets, owners, len(texts), 2**bits, not is_query, fill)
        if config.google:
            blocks = blocks[:, :, numbers ^ (numbers >> 1)]
        full = blocks.flatten(1)
        if final is not None:
            full = full @ final
        elif sketch is not None:
            assert config.final_dim is not None
            full = full.new_zeros(len(texts), config.final_dim).index_add_(1, sketch[0], full * sketch[1])
        yield full.cpu().numpy()


def add_to_buckets(
    projected: Tensor, buckets: Tensor, texts: Tensor, n_texts: int, n_buckets: int, average: bool, fill: bool
) -> Tensor:
    """The sum or average of each text's words in every bucket, float32 `[n_texts, repetitions, n_buckets, dim]`.

    Args:
        projected: float32 `[n_words, repetitions, dim]`.
        buckets: int64 `[n_words, repetitions]`.
        texts: int64 `[n_words]`, each word's text.
        fill: Give an empty bucket the word whose own bucket differs from it in the fewest bits, of several the
            first.
    """
    n_words, repetitions, dim = projected.shape
    numbers = torch.arange(repetitions, device=texts.device)
    slots = ((texts[:, None] * repetitions + numbers) * n_buckets + buckets).flatten()
    blocks = projected.new_zeros(n_texts * repetitions * n_buckets, dim)
    blocks.index_add_(0, slots, projected.reshape(-1, dim))
    counts = torch.bincount(slots, minlength=len(blocks))
    if average:
        blocks /= counts.clamp(min=1)[:, None]
    if fill:
        nearest = _nearest_words(slots, len(blocks), n_words, n_buckets)
        empty = torch.nonzero((counts == 0) & (nearest < n_words)).flatten()
        blocks[empty] = projected[nearest[empty], empty // n_buckets % repetitions]
    return blocks.view(n_texts, repetitions, n_buckets, dim)


def _nearest_words(slots: Tensor, n_slots: int, n_words: int, n_buckets: int) -> Tensor:
    """The word nearest to every slot, int64 `[n_slots]`; `n_words` where the slot's text has none.

    That with the least key, differing bits · n_words + word. Buckets are the corners of a cube, so that one exchange
    along each of its axes brings the least key of all to every corner: words are never compared with buckets.
    """
    bits = n_buckets.bit_length() - 1
    none = (bits + 1) * n_words
    words = torch.arange(n_words, dtype=torch.int32, device=slots.device)
    # In 32 bits, which are enough: older versions of torch scatter no minimum of 64 on MPS.
    keys = torch.full((n_slots,), none, dtype=torch.int32, device=slots.device)
    keys.scatter_reduce_(0, slots, words.repeat_interleave(len(slots) // max(n_words, 1)), "amin")
    for bit in range(bits):
        corners = keys.view(-1, 2, 2**bit)
        keys = torch.minimum(corners, corners.flip(1) + n_words).flatten()
    return torch.where(keys < none, keys % max(n_words, 1), n_words).long()
