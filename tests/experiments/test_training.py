"""Which users models are fitted on."""

from __future__ import annotations

import numpy as np

from lydite.experiments import training
from lydite.experiments.training import Training


def test_the_other_users_train_where_they_have_half_of_the_conversions():
    others = np.array([True, True, False, False])
    found = training._choose(others, np.array([True, False, True, False]))
    assert (found.fitted_on, found.rows.tolist()) == ("other users", others.tolist())
    [(fits, used)] = found.parts
    assert fits.all()
    assert used.all()


def test_else_each_half_of_the_buckets_trains_for_the_other():
    others = np.array([True, False, False, False])
    found = training._choose(others, np.array([False, True, True, True]))
    assert found.fitted_on == "halves"
    assert found.rows.all()


def test_no_bucket_is_used_for_itself_and_every_bucket_is_used_for_once():
    parts = Training("halves", np.ones(1, dtype=bool)).parts
    assert not any((fits & used).any() for fits, used in parts)
    assert (sum(used.astype(int) for _, used in parts) == 1).all()
