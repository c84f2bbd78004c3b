"""Comparison of models on a path table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import lydite

TABLE = pl.DataFrame(
    {
        "path": ["a > b > c", "a", "b > b", "c > a", "b > c > a > a"],
        "conversions": [30, 5, 12, 3, 8],
        "value": [300.0, 5.0, 60.0, 3.0, 80.0],
        "nulls": [70, 200, 40, 90, 10],
    }
)


def test_the_true_model_comes_first():
    rng = np.random.default_rng(3)
    rate = {"a": 0.02, "b": 0.3, "c": 0.1}
    paths, hits = [], []
    for _ in range(6000):
        path = [str(rng.choice(["a", "b", "c"]))]
        while (hit := rng.random() < rate[path[-1]]) is False and rng.random() < 0.6:
            path.append(str(rng.choice(["a", "b", "c"])))
        paths.append(" > ".join(path))
        hits.append(int(hit))
    table = pl.DataFrame({"path": paths, "conversions": hits, "nulls": [1 - h for h in hits]})
    result = lydite.compare(paths=table, models=["first_touch", "last_touch", "linear"])
    assert result.table["model"][0] == "last_touch"
    assert result.table["verdict"][0] == "best"
    assert "not forward in time" in result.verdict()
    # Only the true model stands, so the range over models that stand is its credit.
    credit = result.credit.filter(pl.col("channel") == "b")
    [own] = credit.filter(pl.col("model") == "last_touch")["conversions"]
    assert set(credit["standing_low"]) == set(credit["standing_high"]) == {own}


def test_with_too_few_conversions_every_model_has_credit_and_is_too_early(tmp_path):
    result = lydite.compare(paths=TABLE, models=["last_touch", "linear", "markov_1"])
    record = result.to_dict()["outcomes"]["conversion"]
    assert "58 conversions are too few" in record["note"]
    assert {row["verdict"] for row in record["models"]} == {"too_early"}
    assert {row["model"] for row in record["credit"]} == {"last_touch", "linear", "markov_1"}
    for name in ("last_touch", "linear", "markov_1"):
        total = sum(row["conversions"] for row in record["credit"] if row["model"] == name)
        assert total == pytest.approx(58)
    assert result.verdict().startswith("Too few conversions to judge conversion.")
    result.to_html(tmp_path / "report.html")
    assert "58 conversions are too few" in (tmp_path / "report.html").read_text()


def test_wrong_arguments_are_errors():
    with pytest.raises(lydite.InputError, match="cannot be combined"):
        lydite.compare(TABLE, paths=TABLE)
    with pytest.raises(lydite.InputError, match="touchpoints and conversions, or paths"):
        lydite.compare()


RIVALS = ["first_touch", "last_touch", "linear", "shapley", "markov_2"]
COUNTED = pl.DataFrame(
    {
        "path": ["a", "b", "a > b", "b > a"],
        "conversion": [300, 300, 200, 100],
        "path_count": [400, 3000, 300, 2000],
    }
)


def test_a_count_of_all_journeys_is_as_good_as_nulls():
    nulls = COUNTED.select("path", "conversion", nulls=pl.col("path_count") - pl.col("conversion"))
    result = lydite.compare(paths=COUNTED, models=RIVALS)
    assert result.to_dict() == lydite.compare(paths=nulls, models=RIVALS).to_dict()
    verdicts = dict(result.table.select("model", "verdict").rows())
    assert verdicts["markov_2"] == verdicts["first_touch"] == "contender"
    assert verdicts["shapley"] == "refuted"


@pytest.mark.parametrize("column", [None, "nulls", "total"])
def test_nothing_is_learned_where_every_journey_converts(column):
    table = COUNTED.drop("path_count")
    if column is not None:
        counts = {"nulls": pl.lit(0), "total": pl.col("conversion")}
        table = table.with_columns(counts[column].alias(column))
    result = lydite.compare(paths=table, models=["linear", "last_touch"])
    record = result.to_dict()["outcomes"]["conversion"]
    assert "every journey in the table converts" in record["note"]
    assert "`nulls`" in record["note"]
    assert record["models"] == []
    assert result.verdict().startswith("No verdict on conversion. Every journey in the table")
    credit = result.credit.filter(pl.col("model") == "linear")
    assert dict(credit.select("channel", "conversions").rows()) == {"a": 450.0, "b": 450.0}
    assert result.pairs.is_empty()
    assert result.evidence.is_empty()
    assert "No verdict" in result._repr_html_()


def test_one_journey_without_a_conversion_is_enough_to_compare():
    table = COUNTED.with_columns(path_count=pl.Series([301, 300, 200, 100]))
    result = lydite.compare(paths=table, models=["linear", "last_touch"])
    assert result.outcomes[0]["note"] == ""
    assert set(result.table["verdict"]) <= {None, "too_early", "no_better_than_volume", "refuted"}


def test_warnings_say_how_the_table_was_read(tmp_path):
    table = pl.DataFrame(
        {
            "path": ["google, (direct) / (none)", "Direct Entry, google"],
            "conversions": [80, 70],
            "nulls": [50, 90],
            "region": ["de", "fr"],
        }
    )
    result = lydite.compare(paths=table, models=["last_non_direct", "linear"])
    found = dict(result.warnings.select("kind", "text").rows())
    assert found["unused_column"] == "the column 'region' is not used"
    assert "', '" in found["separator"]
    assert "'(direct) / (none)', 'Direct Entry'" in found["direct"]
    credit = lydite.credit(table, models=["last_non_direct"], intervals=False)
    assert credit.to_dict()["warnings"] == credit.warnings.to_dicts()
    assert set(credit.warnings["kind"]) == {"unused_column", "separator", "direct"}
    assert credit.table["conversions"].to_list() == [150.0, 0.0, 0.0]
    # No model that was asked for depends on what is direct.
    assert "direct" not in set(lydite.credit(table, models=["linear"]).warnings["kind"])
    result.to_html(tmp_path / "report.html")
    assert "is not used" in (tmp_path / "report.html").read_text()


def test_a_separator_for_the_paths_of_a_comparison():
    table = COUNTED.with_columns(pl.col("path").str.replace(" > ", "/", literal=True))
    with pytest.raises(lydite.InputError, match="set the option separator|Set the option"):
        lydite.compare(paths=table, models=["linear"])
    result = lydite.compare(paths=table, models=["linear", "last_touch"], separator="/")
    assert set(result.credit["channel"]) == {"a", "b"}
    with pytest.raises(lydite.InputError, match="separator is for paths"):
        lydite.compare(table, table, separator="/")


def test_grouped_lists_of_pandas_are_paths():
    touches = pd.DataFrame({"user": [1, 1, 2], "channel": ["a", "b", "b"]})
    paths = touches.groupby("user").channel.agg(list).value_counts()
    frame = paths.rename_axis("path").reset_index(name="conversions")
    table = lydite.credit(frame, models=["linear"], intervals=False).table
    assert dict(zip(table["channel"], table["conversions"], strict=True)) == {"a": 0.5, "b": 1.5}


def test_too_many_channels_are_refused_before_any_model_runs():
    texts = [f"/page/{i}" for i in range(2_000)]
    table = pl.DataFrame({"path": texts, "conversions": [1] * 2_000})
    for run in (lydite.credit, lambda paths: lydite.compare(paths=paths)):
        with pytest.raises(lydite.InputError, match="2,000 distinct channels"):
            run(table)
