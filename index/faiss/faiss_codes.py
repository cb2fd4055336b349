"""FAISS classes that hold vectors as codes, as they lie in a file: flat, scalar, product, additive and sign codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .faiss_bytes import Header, Source, Stored, need

_MOST_BITS = 24
# By FAISS's number of a scalar quantiser: bits a dim, numbers that are trained for each dim, and in all.
_SCALARS = {
    0: (8, 2, 0), 1: (4, 2, 0), 2: (8, 0, 2), 3: (4, 0, 2), 4: (16, 0, 0), 5: (8, 0, 0), 6: (6, 2, 0), 7: (16, 0, 0),
    8: (8, 0, 0),
}  # fmt: skip
# Search types of additive quantisers that need no table of norms.
_PLAIN_SEARCHES = range(6)


def _flat(source: Source, kind: str, header: Header) -> Stored:
    need((kind == "IxFI") == (header.metric == 0), "its metric is another than its class says")
    source.sized("<f4", header.n * header.dim, "vectors")
    return header.stored(kind)


def scalar_quantiser(source: Source, header: Header) -> tuple[tuple[Any, ...], int]:
    kind, _, _, dim, code_size = source.take("iifQQ")
    need(kind in _SCALARS, f"the scalar quantiser number {kind} is none that wordhive opens")
    bits, each, all_dims = _SCALARS[kind]
    need(dim == header.dim and code_size == (dim * bits + 7) // 8, "a scalar quantiser of another size")
    source.trained("<f4", each * dim + all_dims, "a scalar quantiser", header.trained)
    return (kind,), code_size


def _scalar(source: Source, kind: str, header: Header) -> Stored:
    facts, code_size = scalar_quantiser(source, header)
    source.sized("u1", header.n * code_size, "codes")
    return header.stored(kind, *facts)


def product_quantiser(source: Source, dim: int) -> tuple[tuple[Any, ...], int]:
    own_dim, parts, bits = source.take("QQQ")
    need(own_dim == dim and 0 < parts <= dim and dim % parts == 0, "a product quantiser of another size")
    need(0 < bits <= _MOST_BITS, f"product codes of {bits} bits")
    source.finite(dim << bits, "codebooks")
    return (parts, bits), (parts * bits + 7) // 8


def _product(source: Source, kind: str, header: Header) -> Stored:
    facts, code_size = product_quantiser(source, header.dim)
    source.sized("u1", header.n * code_size, "codes")
    search, signs, hamming = source.take("iBi")
    return header.stored(kind, *facts, search, signs, hamming)


def _packed_product(source: Source, kind: str, header: Header) -> Stored:
    facts, _ = product_quantiser(source, header.dim)
    how, block, at_once, n_packed, parts = source.take("iiiQQ")
    need(block == 32 and n_packed == -(-header.n // block) * block, "a number of packed documents")
    need(facts[1] == 4 and parts == facts[0] + facts[0] % 2, "packed codes of another size")
    source.sized("u1", n_packed * parts // 2, "codes")
    return header.stored(kind, *facts, how, at_once)


def _additive_quantiser(source: Source, dim: int, trained: bool) -> tuple[tuple[Any, ...], int]:
    own_dim, parts = source.take("QQ")
    bits = source.array("<u8")
    need(own_dim == dim and len(bits) == parts <= 4096 and bool((bits <= 16).all()), "an additive quantiser's size")
    ready = source.one("B")
    need(bool(ready) or not trained, "an additive quantiser that is not trained")
    source.trained("<f4", int((1 << bits.astype(np.int64)).sum()) * dim, "codebooks", bool(ready))
    search, *_ = source.take("iff")
    need(search in _PLAIN_SEARCHES, f"the search number {search} of an additive quantiser")
    norm_bits = {3: 32, 4: 8, 5: 4}.get(search, 0)
    return (tuple(bits.tolist()), search), (int(bits.sum()) + norm_bits + 7) // 8


def _residuals(source: Source, kind: str, header: Header) -> Stored:
    facts, code_size = _additive_quantiser(source, header.dim, header.trained)
    how, beam = source.take("ii")
    return header.stored(kind, *facts, how, beam, *_additive_codes(source, header, code_size))


def _local_searches(source: Source, kind: str, header: Header) -> Stored:
    facts, code_size = _additive_quantiser(source, header.dim, header.trained)
    settings = source.take("QQQQQffQiQB")
    return header.stored(kind, *facts, settings, *_additive_codes(source, header, code_size))


def _additive_codes(source: Source, header: Header, code_size: int) -> tuple[Any, ...]:
    need(source.one("Q") == code_size, "additive codes of another size")
    source.sized("u1", header.n * code_size, "codes")
    return (code_size,)


def sign_quantiser(source: Source, kind: str, dim: int) -> tuple[tuple[Any, ...], int]:
    own_dim, code_size, metric = source.take("QQi")
    bits = source.one("Q") if kind[-1] == "r" else 1
    # A vector's signs with two or three numbers, further bits with two more.
    signs = (dim + 7) // 8
    allowed = {signs + 8} if bits == 1 else {signs + 12 + (dim * (bits - 1) + 7) // 8 + 8}
    need(own_dim == dim and 0 < bits <= 9 and metric in (0, 1), "a sign quantiser's size")
    need(code_size in allowed, "sign codes of another size")
    return (metric, bits, code_size), code_size


def _signs(source: Source, kind: str, header: Header) -> Stored:
    facts, code_size = sign_quantiser(source, kind, header.dim)
    source.sized("u1", header.n * code_size, "codes")
    source.trained("<f4", header.dim, "a centre", header.trained)
    return header.stored(kind, *facts, source.one("B"))


CODES = {
    "IxFI": _flat, "IxF2": _flat, "IxSQ": _scalar, "IxPq": _product, "IPfs": _packed_product, "IxRq": _residuals,
    "IxLS": _local_searches, "Ixrq": _signs, "Ixrr": _signs,
}  # fmt: skip
