from __future__ import annotations

import numpy as np
import pytest

from wordhive.index.small_products import inner_products, row_products


@pytest.mark.parametrize("n_rows", [0, 1, 4])
def test_rows_times_a_matrix_leave_out_zeros_only(n_rows: int) -> None:
    random = np.random.default_rng(0)
    rows, matrix = (random.standard_normal(shape).astype(np.float32) for shape in ((n_rows, 70), (70, 9)))
    rows[:, ::3] = 0
    np.testing.assert_allclose(row_products(rows, matrix), rows @ matrix, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_rows", [0, 1, 4])
def test_inner_products_are_those_of_a_matrix_library(n_rows: int) -> None:
    random = np.random.default_rng(0)
    rows, others = (random.standard_normal(shape).astype(np.float32) for shape in ((n_rows, 33), (9, 33)))
    np.testing.assert_allclose(inner_products(rows, others), rows @ others.T, rtol=1e-5, atol=1e-5)
