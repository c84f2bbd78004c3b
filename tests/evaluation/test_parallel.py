"""Parallel work: longest first, results in order, and the same results on any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import polars.testing
import pytest

from lydite import pipeline
from lydite.attribution import bootstrap
from lydite.engine import DuckDBEngine
from lydite.evaluation.comparison import TABLES
from lydite.evaluation.parallel import estimated_effort, map_longest_first
from lydite.models import TouchVolume, make_model, make_models
from lydite.settings import make_settings
from lydite.simulation import simulate


def test_the_longest_item_starts_first_and_results_keep_their_order():
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        return item * 10

    with ThreadPoolExecutor(1) as pool:
        found = map_longest_first(pool, work, [3, 9, 1, 9], effort=lambda item: item)
    assert begun == [9, 9, 3, 1]
    assert found == [30, 90, 10, 90]


def test_errors_are_raised():
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError):
        map_longest_first(pool, lambda item: 1 // item, [1, 0], effort=abs)


def test_time_dependent_models_with_candidates_have_the_largest_effort():
    models = [TouchVolume(), *map(make_model, ["linear", "time_decay", "time_decay_fitted"])]
    effort = [estimated_effort(model) for model in models]
    assert effort == sorted(set(effort))


# --- a whole comparison on threads ----------------------------------------------------------------

WORLD = simulate("markov_2", users=1200, seed=41, weeks=16)
MODELS = [
    "linear", "last_touch", "time_decay_fitted", "markov_2", "shapley", "bagged_logistic",
    "decision_tree",
]  # fmt: skip
CREDIT = ("channel_credit", "credit_daily", "removal_effects", "top_paths")
FEW = 4  # replicates are enough to compare intervals

#: User ids without leading zeros, which can be numbers or text.
SOURCES = {
    name: getattr(WORLD, name).with_columns(pl.col("user_id").str.strip_chars_start("u0"))
    for name in ("touchpoints", "conversions", "users")
}


def run(sources: dict[str, pl.DataFrame], threads: int, seed: int = 0) -> dict[str, pl.DataFrame]:
    """Run all steps, and return the sorted tables."""
    settings = make_settings(lookback="7d", seed=seed)
    with DuckDBEngine(threads=threads) as engine, pytest.MonkeyPatch.context() as patch:
        draw = bootstrap.draw_buckets
        patch.setattr("lydite.attribution.credit.draw_buckets", lambda n, s: draw(n, s, FEW))
        pipeline.run(engine, sources, settings, rivals=make_models(MODELS))
        assert engine.threads == threads
        tables = {
            name: engine.frame(f"from {schema}.{name}")
            for schema, names in (("mart", (*TABLES, *CREDIT)), ("ledger", ("scores", "forecasts")))
            for name in names
        }
    keys = {name: [own for own, kind in frame.schema.items() if not kind.is_float()]
            for name, frame in tables.items()}  # fmt: skip
    return {name: frame.sort(keys[name]) for name, frame in tables.items()}


@pytest.fixture(scope="module")
def one_thread() -> dict[str, pl.DataFrame]:
    return run(SOURCES, 1)


def same(one: dict[str, pl.DataFrame], two: dict[str, pl.DataFrame], **tolerances: Any) -> None:
    assert one.keys() == two.keys()
    for name, frame in one.items():
        assert len(frame) > 0 or name == "warnings"
        pl.testing.assert_frame_equal(frame, two[name], **tolerances)


def test_the_comparison_has_verdicts_on_every_large_segment(one_thread):
    table = one_thread["model_comparison"]
    assert table["segment"].n_unique() == 1 + 2
    assert one_thread["scores"]["segment"].n_unique() == 1 + 2 + 4
    [small] = one_thread["warnings"].filter(pl.col("kind") == "small_segments")["text"]
    assert small.count("region = ") == 4
    assert set(table["verdict"].drop_nulls()) >= {"best", "refuted", "too_early"}
    assert table.filter(pl.col("model") == "ceiling")["landmarks"].min() > 0


def test_the_same_seed_gives_exactly_the_same_results(one_thread):
    same(one_thread, run(SOURCES, 1), check_exact=True)


def test_the_number_of_threads_does_not_matter(one_thread):
    same(one_thread, run(SOURCES, 4), rel_tol=1e-9, abs_tol=1e-9)


def test_the_order_of_rows_and_the_type_of_ids_do_not_matter(one_thread):
    user, other = pl.col("user_id"), {}
    for name, kind in (("touchpoints", pl.Int64), ("conversions", pl.Float64), ("users", pl.Int32)):
        shuffled = SOURCES[name].sample(fraction=1.0, shuffle=True, seed=5)
        other[name] = shuffled.with_columns(user.cast(kind))
    same(one_thread, run(other, 4), rel_tol=1e-9, abs_tol=1e-9)


def test_another_seed_gives_other_intervals_and_the_same_credit(one_thread):
    """So the seed is used, and the tests above compare random results."""
    other = run(SOURCES, 1, seed=1)
    mine, theirs = one_thread["channel_credit"], other["channel_credit"]
    pl.testing.assert_series_equal(mine["conversions"], theirs["conversions"])
    assert (mine["conversions_low"] - theirs["conversions_low"]).abs().max() > 0.1
    ceiling = pl.col("model") == "ceiling"
    losses = [run_["evidence"].filter(ceiling)["log_loss_bits"] for run_ in (one_thread, other)]
    assert (losses[0] - losses[1]).abs().max() > 1e-6
