"""Codes on a device of torch's, and how they are unpacked there by the codec's `Layout`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding

from ..codecs import ByteSteps, Codec, CodeParts, Floats, Layout
from ..torch_device import has_room, put
from ..vectors.ragged import span_rows
from .coded_documents import CodedDocuments

# Codes, uint8 `[n, code_size]` → float32 `[n, n_numbers]`, both on the device.
Unpack: TypeAlias = Callable[[Tensor], Tensor]
# Spans of a segment's codes: the first of each and how many, int64 `[n_spans]`; they ascend.
Spans: TypeAlias = tuple[CodedDocuments, NDArray[np.int64], NDArray[np.int64]]


class PlacedCodes:
    """The codes of segments on a device: copied at first use, kept while the segment is open.

    Codes for which the device has no room are copied for each use.

    Args:
        device: The device.
        codes: The function that gives a segment's codes, uint8 `[n, code_size]`.
    """

    def __init__(self, device: torch.device, codes: Callable[[CodedDocuments], NDArray[np.uint8]]) -> None:
        self._device, self._codes = device, codes
        self._placed: WeakKeyDictionary[CodedDocuments, Tensor | None] = WeakKeyDictionary()
        self._unpackings: WeakKeyDictionary[Codec, Unpack | None] = WeakKeyDictionary()

    def numbers(self, codec: Codec, spans: Sequence[Spans]) -> Tensor:
        """The numbers of spans of codes, one after the other, float32 `[n_codes, n_numbers]`; see `rotated_queries`."""
        if codec not in self._unpackings:
            self._unpackings[codec] = unpacking(codec.layout, self._device)
        unpack = self._unpackings[codec]
        if unpack is not None:
            return unpack(torch.cat([self._gathered(*span) for span in spans]))
        decoded = [codec.decode(self._codes(coded)[span_rows(starts, counts)]) for coded, starts, counts in spans]
        return put(np.concatenate(decoded), self._device)

    def _gathered(self, coded: CodedDocuments, starts: NDArray[np.int64], counts: NDArray[np.int64]) -> Tensor:
        if coded not in self._placed:
            codes = self._codes(coded)
            self._placed[coded] = put(codes, self._device) if has_room(codes.nbytes, self._device) else None
        placed, total = self._placed[coded], int(counts.sum())
        if placed is None:
            return put(self._codes(coded)[span_rows(starts, counts)], self._device)
        if int(starts[-1] + counts[-1] - starts[0]) == total:
            return placed[int(starts[0]) : int(starts[0]) + total]
        shifts = put(starts - (np.cumsum(counts) - counts), self._device)
        rows = torch.arange(total, device=self._device)
        return placed[rows + shifts.repeat_interleave(put(counts, self._device), output_size=total)]


def rotated_queries(layout: Layout, queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Queries `[n, dim]` whose inner products with the numbers are those with the vectors: `[n, n_numbers]`."""
    return layout.rotate_queries(queries) if isinstance(layout, CodeParts) else queries


def unpacking(layout: Layout, device: torch.device) -> Unpack | None:
    """A function from codes to numbers on a device; the numbers are vectors, but for a rotation.

    Its tables stay on the device as long as the function exists. None: the codec has to decode.
    """
    if isinstance(layout, Floats):
        return lambda codes: codes.view(torch.float32)
    if isinstance(layout, ByteSteps):
        start, step = put(layout.start, device), put(layout.step, device)
        return lambda codes: torch.addcmul(start, step, codes.float())
    return None if layout is None else _unpacking_parts(layout, device)


def _unpacking_parts(layout: CodeParts, device: torch.device) -> Unpack:
    n_parts, n_values, width = layout.rows.shape
    rows, fields = put(layout.rows.reshape(-1, width), device), _fields(layout, device)
    firsts = put(np.arange(n_parts, dtype=np.int32) * n_values, device)
    if layout.centroids is None:
        return lambda codes: embedding(firsts + fields(codes), rows).flatten(1)
    centroids, header, number_bytes = put(layout.centroids, device), layout.header, layout.centroid_bytes

    def unpack(codes: Tensor) -> Tensor:
        number = codes[:, 0].int()
        if number_bytes == 2:
            number += codes[:, 1].int() * 256
        scale = codes[:, header - 1 : header].float()
        return torch.addcmul(embedding(number, centroids), scale, embedding(firsts + fields(codes), rows).flatten(1))

    return unpack


def _fields(layout: CodeParts, device: torch.device) -> Unpack:
    """A function from codes to the values of their fields, int32 `[n, n_parts]`."""
    header, bits, n_parts = layout.header, layout.bits, len(layout.rows)
    if bits == 8:
        return lambda codes: codes[:, header : header + n_parts].int()
    starts = np.arange(n_parts, dtype=np.int64) * bits
    places = header + starts // 8
    # A field that ends with its byte needs none behind it, and there may be none.
    following = places + (starts % 8 + bits > 8)
    these, those = put(places, device), put(following, device)
    shifts = put((starts % 8).astype(np.int32), device)

    def fields(codes: Tensor) -> Tensor:
        pairs = codes[:, these].int() + codes[:, those].int() * 256
        return (pairs >> shifts) & ((1 << bits) - 1)

    return fields
