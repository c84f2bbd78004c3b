"""The bootstrap: sums of draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from lydite.models.base import drawn_sums


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("once", [True, False])
def test_drawn_sums_are_products_with_the_weights(once, kind):
    rng = np.random.default_rng(1)
    matrix = sparse.random_array((50, 20), density=0.2, rng=rng, format="csr")
    if once:  # every row is of one unit
        matrix = sparse.coo_array(
            (rng.random(50), (np.arange(50), rng.integers(0, 20, 50))), shape=(50, 20)
        ).tocsr()
    weights = rng.poisson(1.0, (33, 20)).astype(kind)
    found = np.array(list(drawn_sums(matrix, weights)))
    np.testing.assert_allclose(found, weights @ matrix.toarray().T, rtol=1e-12)
    assert found.dtype == np.float64
