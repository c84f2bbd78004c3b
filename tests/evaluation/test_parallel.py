"""Side by side: begun by effort, returned in order, and what fails is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lydite.evaluation.parallel import estimated_effort, map_longest_first
from lydite.models import TouchVolume, make_model


def test_the_longest_is_begun_first_and_results_keep_their_order():
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        return item * 10

    with ThreadPoolExecutor(1) as pool:
        found = map_longest_first(pool, work, [3, 9, 1, 9], effort=lambda item: item)
    assert begun == [9, 9, 3, 1]
    assert found == [30, 90, 10, 90]


def test_what_fails_is_told():
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError):
        map_longest_first(pool, lambda item: 1 // item, [1, 0], effort=abs)


def test_what_tries_candidates_and_looks_at_times_takes_longest():
    models = [TouchVolume(), *map(make_model, ["linear", "time_decay", "time_decay_fitted"])]
    effort = [estimated_effort(model) for model in models]
    assert effort == sorted(set(effort))
