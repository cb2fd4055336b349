"""Vector functions of a transformer; index/simd/tiles.py tells how they are read.

`byte_tile` multiplies ROWS rows of activations, bytes from 0 to 255, with VECTORS · LANES columns of weights, bytes
from −127 to 127. The instruction VPDPBUSD multiplies four bytes with four and adds the products to a sum of 32 bits, in
every lane: four times the products of a float32 instruction. Weights are packed so that the four bytes of a lane lie
together (`fast_transformer.packed`).

`half_tile` does the same with activations in float32 and weights in float16. `wide_tile` and `narrow_tile` multiply
float32 with float32, for attention. A tile that reaches beyond the last row computes that row again.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

from wordhive.index.simd.instructions import (
    BYTE,
    FLOAT,
    FUSED,
    INT32,
    INT_ROW,
    LANES,
    ROW,
    ROW_BYTES,
    WIDE,
    call,
    clamped_numbers,
    constant_row,
    integer,
    load,
    processor_has,
    row_at,
    splat,
    store,
    variable,
)

intrinsic: Any = extending.intrinsic

MULTIPLIES_BYTES = WIDE and processor_has("avx512vnni")
# Without the instruction, LLVM would call a function that may not be there.
READS_HALVES = processor_has("f16c") or platform.machine().lower() in ("aarch64", "arm64")
# 24 sums, 4 rows of weights and an activation fit into 32 registers; 12, 2 and 1 into 16.
ROWS, VECTORS = 6, 4 if WIDE else 2
PANEL = VECTORS * LANES  # columns of a tile
NARROW = 2 * LANES  # columns of a narrow tile

_BYTES, _HALVES = ir.VectorType(BYTE, 4 * LANES), ir.VectorType(ir.HalfType(), LANES)
# Since LLVM 22 it takes its bytes as bytes; before, as integers of 32 bits.
_OPERAND = _BYTES if llvmlite.binding.llvm_version_info[0] >= 22 else INT_ROW
# Single-precision e^x and the tail of the error function: Cephes' `expf`; Abramowitz and Stegun, 7.1.26.
_LOG2_E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 0.693359375, -2.12194440e-4
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
_ERF = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
_ERF_STEP = 0.3275911
_LEAST_EXPONENT = -87.0


@intrinsic
def byte_tile(_context, a, a_stride, panel, steps, start, row_scales, scales, bias, out, out_stride, row, last):  # type: ignore[no-untyped-def]
    """out = (a · weights + start) · row scale · scale + bias, for ROWS rows and PANEL columns.

    Args, addresses and sizes in bytes:
        a, a_stride: Activations, bytes, and from one row to the next.
        panel, steps: The columns' weights, and groups of four in a column.
        start: Int32 `[PANEL]`, what sums begin with.
        row_scales: Float32 of every row.
        scales, bias: Float32 `[PANEL]`.
        out, out_stride: Float32, and from one row to the next.
        row, last: Numbers of the tile's first row, and of the last that there is.
    """

    def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
        if not MULTIPLIES_BYTES:  # the kernels are compiled with this call in them, and never reach it
            return context.get_dummy_value()
        a, a_stride, panel, steps, start, row_scales, scales, bias, out, out_stride, row, last = args
        rows = clamped_numbers(b, row, last, ROWS)
        addresses = [b.add(a, b.mul(number, a_stride)) for number in rows]
        first = [load(b, b.add(start, integer(v * ROW_BYTES)), INT_ROW) for v in range(VECTORS)]
        sums = [[variable(b, begin) for begin in first] for _ in rows]
        with cgutils.for_range(b, steps) as loop:
            at = b.add(panel, b.mul(loop.index, integer(VECTORS * ROW_BYTES)))
            weights = [load(b, b.add(at, integer(v * ROW_BYTES)), _OPERAND) for v in range(VECTORS)]
            for address, row_sums in zip(addresses, sums, strict=True):
                four = load(b, b.add(address, b.mul(loop.index, integer(4))), INT32)
                given = b.bitcast(splat(b, four, INT_ROW), _OPERAND)
                for weight, total in zip(weights, row_sums, strict=True):
                    found = call(b, "llvm.x86.avx512.vpdpbusd.512", INT_ROW, b.load(total), given, weight)
                    b.store(found, total)
        for number, row_sums in zip(rows, sums, strict=True):
            scale = splat(b, load(b, b.add(row_scales, b.mul(number, integer(4))), FLOAT))
            target = b.add(out, b.mul(number, out_stride))
            for v, total in enumerate(row_sums):
                here = integer(v * ROW_BYTES)
                product = b.fmul(b.sitofp(b.load(total), ROW), b.fmul(scale, row_at(b, b.add(scales, here))))
                store(b, b.fadd(product, row_at(b, b.add(bias, here)), flags=FUSED), b.add(target, here), ROW)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 12), generate


@intrinsic
def half_tile(_context, a, a_stride, panel, steps, bias, out, out_stride, row, last):  # type: ignore[no-untyped-def]
    """out = a · weights + bias, for ROWS rows and PANEL columns.

    Args, addresses and sizes in bytes:
        a, a_stride: Activations, float32, and from one row to the next.
        panel, steps: The columns' weights, float16 `[steps, PANEL]`, and inputs of a column.
        bias: Float32 `[PANEL]`.
        out, out_stride: Float32, and from one row to the next.
        row, last: Numbers of the tile's first row, and of the last that there is.
    """

    def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
        a, a_stride, panel, steps, bias, out, out_stride, row, last = args
        rows = clamped_numbers(b, row, last, ROWS)
        addresses = [b.add(a, b.mul(number, a_stride)) for number in rows]
        first = [row_at(b, b.add(bias, integer(v * ROW_BYTES))) for v in range(VECTORS)]
        sums = [[variable(b, begin) for begin in first] for _ in rows]
        with cgutils.for_range(b, steps) as loop:
            at = b.add(panel, b.mul(loop.index, integer(VECTORS * ROW_BYTES // 2)))
            halves = [load(b, b.add(at, integer(v * ROW_BYTES // 2)), _HALVES) for v in range(VECTORS)]
            weights = [b.fpext(half, ROW) for half in halves]
            _multiply_add(b, addresses, b.mul(loop.index, integer(4)), weights, sums)
        for number, row_sums in zip(rows, sums, strict=True):
            target = b.add(out, b.mul(number, out_stride))
            for v, total in enumerate(row_sums):
                store(b, b.load(total), b.add(target, integer(v * ROW_BYTES)), ROW)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 9), generate


def _float_tile(n_vectors: int) -> Any:
    """A function that sets out = (a · panel) · row scale, for ROWS rows and `n_vectors` · LANES columns, float32.

    Its arguments, addresses and sizes in bytes:
        a, a_stride: The left factor, and from one row to the next.
        panel, panel_stride, steps: The right factor, from one row of it to the next, and their number.
        row_scales: Float32 of every row.
        out, out_stride: And from one row to the next.
        last: Number of the last row; the first is 0.
    """

    @intrinsic
    def tile(_context, a, a_stride, panel, panel_stride, steps, row_scales, out, out_stride, last):  # type: ignore[no-untyped-def]
        def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
            a, a_stride, panel, panel_stride, steps, row_scales, out, out_stride, last = args
            rows = clamped_numbers(b, integer(0), last, ROWS)
            addresses = [b.add(a, b.mul(number, a_stride)) for number in rows]
            sums = [[variable(b, constant_row(0.0)) for _ in range(n_vectors)] for _ in rows]
            with cgutils.for_range(b, steps) as loop:
                at = b.add(panel, b.mul(loop.index, panel_stride))
                factors = [row_at(b, b.add(at, integer(v * ROW_BYTES))) for v in range(n_vectors)]
                _multiply_add(b, addresses, b.mul(loop.index, integer(4)), factors, sums)
            for number, row_sums in zip(rows, sums, strict=True):
                scale = splat(b, load(b, b.add(row_scales, b.mul(number, integer(4))), FLOAT))
                target = b.add(out, b.mul(number, out_stride))
                for v, total in enumerate(row_sums):
                    store(b, b.fmul(b.load(total), scale), b.add(target, integer(v * ROW_BYTES)), ROW)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 9), generate

    return tile


wide_tile, narrow_tile = _float_tile(VECTORS), _float_tile(NARROW // LANES)


@intrinsic
def largest(_context, at, n):  # type: ignore[no-untyped-def]
    """The largest number of n rows at an address."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        at, n = args
        most = variable(b, constant_row(-3e38))
        for _, numbers in _rows(b, at, n):
            _raise(b, most, numbers)
        return _maximum(b, most)

    return types.float32(types.intp, types.intp), generate


@intrinsic
def exponentials(_context, at, n, top):  # type: ignore[no-untyped-def]
    """Replace each x of n rows at an address by e^(x − top), where no x is above top. Returns their sum."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        at, n, top = args
        total, highest = variable(b, constant_row(0.0)), splat(b, top)
        for address, numbers in _rows(b, at, n):
            found = _exp(b, b.fsub(numbers, highest))
            store(b, found, address, ROW)
            b.store(b.fadd(b.load(total), found), total)
        kind = ir.FunctionType(FLOAT, [FLOAT, ROW])
        add_up = cgutils.get_or_insert_function(b.module, kind, f"llvm.vector.reduce.fadd.v{LANES}f32")  # type: ignore[no-untyped-call]
        return b.call(add_up, [ir.Constant(FLOAT, 0.0), b.load(total)], fastmath=("reassoc",))

    return types.float32(types.intp, types.intp, types.float32), generate


@intrinsic
def gelu(_context, at, n):  # type: ignore[no-untyped-def]
    """Replace each x of n rows at an address by x · Φ(x), the Gaussian error linear unit. Returns the largest."""

    def generate(_context, b, _signature, args):  # type: ignore[no-untyped-def]
        at, n = args
        most = variable(b, constant_row(-3e38))
        for address, x in _rows(b, at, n):
            z = call(b, f"llvm.fabs.v{LANES}f32", ROW, b.fmul(x, constant_row(0.5**0.5)))
            t = b.fdiv(constant_row(1.0), _fused(b, z, constant_row(_ERF_STEP), constant_row(1.0)))
            tail = b.fmul(b.fmul(_polynomial(b, t, _ERF), t), _exp(b, b.fneg(b.fmul(z, z))))
            less = b.fmul(b.fmul(x, tail), constant_row(0.5))
            found = b.select(b.fcmp_ordered(">", x, constant_row(0.0)), b.fsub(x, less), less)
            store(b, found, address, ROW)
            _raise(b, most, found)
        return _maximum(b, most)

    return types.float32(types.intp, types.intp), generate


@intrinsic
def to_bytes(_context, source, target, n, factor, shift):  # type: ignore[no-untyped-def]
    """Write the whole part of x · factor + shift, from 0 to 255, of n rows at `source`, as bytes."""

    def generate(context, b, _signature, args):  # type: ignore[no-untyped-def]
        source, target, n, factor, shift = args
        kind = ir.VectorType(BYTE, LANES)
        factors, shifts = splat(b, factor), splat(b, shift)
        with cgutils.for_range(b, n) as loop:
            numbers = row_at(b, b.add(source, b.mul(loop.index, integer(ROW_BYTES))))
            whole = b.trunc(b.fptosi(_fused(b, numbers, factors, shifts), INT_ROW), kind)
            store(b, whole, b.add(target, b.mul(loop.index, integer(LANES))), kind, align=1)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.float32, types.float32), generate


# From here on, `b` is LLVM's IR builder, and what a function returns is a value of the compiled code.


def _rows(b: Any, at: Any, n: Any) -> Iterable[tuple[Any, Any]]:
    """A loop over n rows at an address; what follows in the caller's loop is its body."""
    with cgutils.for_range(b, n) as loop:
        address = b.add(at, b.mul(loop.index, integer(ROW_BYTES)))
        yield address, row_at(b, address)


def _multiply_add(b: Any, addresses: list[Any], place: Any, factors: list[Any], sums: list[list[Any]]) -> None:
    """Add to each row's sums the products of all factors with a number of the row, so many bytes behind its address."""
    for address, row_sums in zip(addresses, sums, strict=True):
        number = splat(b, load(b, b.add(address, place), FLOAT))
        for factor, total in zip(factors, row_sums, strict=True):
            b.store(_fused(b, number, factor, b.load(total)), total)


def _fused(b: Any, x: Any, y: Any, z: Any) -> Any:
    return b.fadd(b.fmul(x, y, flags=FUSED), z, flags=FUSED)


def _polynomial(b: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    first, *others = coefficients
    found = constant_row(first)
    for coefficient in others:
        found = _fused(b, found, x, constant_row(coefficient))
    return found


def _exp(b: Any, x: Any) -> Any:
    """e^x for x up to 0: 2^n e^r, with |r| up to ln 2 / 2."""
    least = constant_row(_LEAST_EXPONENT)
    x = b.select(b.fcmp_ordered(">", x, least), x, least)
    n = call(b, f"llvm.rint.v{LANES}f32", ROW, b.fmul(x, constant_row(_LOG2_E)))
    r = _fused(b, n, constant_row(-_LN2_LOW), _fused(b, n, constant_row(-_LN2_HIGH), x))
    rest = b.fadd(_fused(b, _polynomial(b, r, _EXP), b.fmul(r, r), r), constant_row(1.0))
    exponent = b.add(b.fptosi(n, INT_ROW), ir.Constant(INT_ROW, [127] * LANES))
    return b.fmul(rest, b.bitcast(b.shl(exponent, ir.Constant(INT_ROW, [23] * LANES)), ROW))


def _raise(b: Any, most: Any, numbers: Any) -> None:
    before = b.load(most)
    b.store(b.select(b.fcmp_ordered(">", before, numbers), before, numbers), most)


def _maximum(b: Any, most: Any) -> Any:
    return call(b, f"llvm.vector.reduce.fmax.v{LANES}f32", FLOAT, b.load(most))
