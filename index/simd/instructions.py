"""Rows of numbers in LLVM's instructions, of which functions for compiled code are built.

Numba calls such a function's `generate` with `b`, an LLVM IR builder. What the functions here return are values of the
compiled code: `splat(b, x)` appends the instructions that make a row, it computes nothing now. index/simd/tiles.py
tells how such functions are read.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils, config


def processor_has(feature: str) -> bool:
    """Whether the processor that numba compiles for has a feature, by LLVM's name, such as "avx512f"."""
    features: str | None = getattr(config, "CPU_FEATURES", None)  # the user's choice, in NUMBA_CPU_FEATURES
    if features is not None:
        return f"+{feature}" in features.split(",")
    return bool(llvmlite.binding.get_host_cpu_features().get(feature))


WIDE = processor_has("avx512f")  # 32 registers of 16 float32, instead of 16 registers of 8
LANES = 16 if WIDE else 8  # numbers in a row

FLOAT, BYTE, INT32, INT64 = ir.FloatType(), ir.IntType(8), ir.IntType(32), ir.IntType(64)
ROW, INT_ROW = ir.VectorType(FLOAT, LANES), ir.VectorType(INT32, LANES)
ROW_BYTES = 4 * LANES
FUSED = ("contract",)  # a product and a sum may become one instruction, rounded once


def integer(number: int) -> Any:
    """A number of 64 bits, such as an address."""
    return ir.Constant(INT64, number)


def constant_row(number: float) -> Any:
    """A row of one number that is known now."""
    return ir.Constant(ROW, [number] * LANES)


def splat(b: Any, number: Any, kind: Any = ROW) -> Any:
    """A row of one number in all lanes; of integers, where `kind` says so."""
    first = b.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(INT32, 0))
    return b.shuffle_vector(first, first, ir.Constant(INT_ROW, [0] * LANES))


def variable(b: Any, start: Any) -> Any:
    """A variable with a first value; LLVM keeps it in a register."""
    place = cgutils.alloca_once(b, start.type)  # type: ignore[no-untyped-call]
    b.store(start, place)
    return place


def row_at(b: Any, address: Any) -> Any:
    """The row at an address."""
    return load(b, address, ROW)


def load(b: Any, address: Any, kind: Any) -> Any:
    """The value at an address, which may be any: floats are aligned to 4 bytes, codes to nothing."""
    loaded = b.load(b.inttoptr(address, kind.as_pointer()))
    loaded.align = 4 if kind is FLOAT or getattr(kind, "element", None) is FLOAT else 1
    return loaded


def store(b: Any, value: Any, address: Any, kind: Any, align: int = 4) -> None:
    """Write a value to an address."""
    b.store(value, b.inttoptr(address, kind.as_pointer())).align = align


def clamped_numbers(b: Any, number: Any, last: Any, n: int) -> list[Any]:
    """The n numbers from one on; beyond `last`, that one again."""
    numbers = [b.add(number, integer(i)) for i in range(n)]
    return [b.select(b.icmp_signed("<", each, last), each, last) for each in numbers]


def call(b: Any, name: str, kind: Any, *args: Any) -> Any:
    """What a function of LLVM's own gives, of that type."""
    function = cgutils.get_or_insert_function(b.module, ir.FunctionType(kind, [arg.type for arg in args]), name)  # type: ignore[no-untyped-call]
    return b.call(function, args)
