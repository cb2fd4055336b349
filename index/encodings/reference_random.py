"""The random numbers of MUVERA's C++ reference: libstdc++'s distributions over a Mersenne Twister.

The C++ standard fixes the engine, but not the distributions: these are those of GCC 12's library. NumPy provides the
engine's raw words, whose sequence is fixed. Its distributions are not used, because they may change.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class MersenneTwister:
    """A 32-bit Mersenne Twister with the classic seeding by one integer, as std::mt19937."""

    def __init__(self, seed: int) -> None:
        key = [seed & 0xFFFFFFFF]
        for position in range(1, 624):
            key.append((1812433253 * (key[-1] ^ (key[-1] >> 30)) + position) & 0xFFFFFFFF)
        self._bits = np.random.MT19937()
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": np.array(key, np.uint32), "pos": 624}}
        self._second: float | None = None

    def word(self) -> int:
        """The next 32 bits."""
        return int(self._bits.random_raw())

    def normal(self) -> float:
        """std::normal_distribution<float>: Marsaglia's polar method, the second number of a pair first."""
        if self._second is not None:
            number, self._second = self._second, None
            return number
        while True:
            x, y = (np.float32(2) * self._uniform() - np.float32(1) for _ in range(2))
            square = x * x + y * y
            if 0 < square <= 1:
                break
        stretch = np.float32(np.sqrt(np.float32(-2) * np.log(square) / square))
        self._second = float(x * stretch)
        return float(y * stretch)

    def below(self, n: int) -> int:
        """std::uniform_int_distribution over 0 … n − 1, by Lemire's multiplication."""
        product = self.word() * n
        if product & 0xFFFFFFFF < n:
            least = (2**32 - n) % n
            while product & 0xFFFFFFFF < least:
                product = self.word() * n
        return product >> 32

    def sign(self) -> int:
        """std::bernoulli_distribution of ½ as +1 or −1."""
        low, high = self.word(), self.word()
        return 1 if (low + high * 2.0**32) / 2.0**64 < 0.5 else -1

    def _uniform(self) -> Any:
        value = np.float32(np.float32(self.word()) / np.float32(2**32))
        return value if value < 1 else np.float32(np.nextafter(np.float32(1), np.float32(0)))


def hyperplanes(seed: int, bits: int, dim: int) -> NDArray[np.float32]:
    """The normals of one repetition's partition, float32 `[bits, dim]`, one hyperplane after the other."""
    stream = MersenneTwister(seed)
    normals = np.array([stream.normal() for _ in range(bits * dim)], np.float32)
    return normals.reshape(bits, dim)


def count_sketch(seed: int, n: int, dim: int) -> NDArray[np.int64]:
    """A count-sketch from n coordinates to `dim`: int64 `[2, n]`, each coordinate's target and sign."""
    stream = MersenneTwister(seed)
    drawn = np.array([(stream.below(dim), stream.sign()) for _ in range(n)], np.int64)
    return np.ascontiguousarray(drawn.reshape(n, 2).T)
