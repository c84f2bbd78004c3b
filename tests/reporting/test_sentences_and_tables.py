"""No sentence of the report contradicts a row of the tables.

Credit and spend are drawn at random, for every kind of verdict. Each sentence is read with a
pattern, and its claims are computed again from the tables.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from lydite.reporting.channel_money import model_to_show
from lydite.reporting.decision import decide
from lydite.reporting.display_names import channel_label, model_label, model_word
from lydite.reporting.moves import move, next_tests, other_model
from lydite.reporting.narrative import reasons
from lydite.reporting.tiles import tiles
from tests.helpers.made_comparisons import CHANNELS, EVERY_KIND, MANY, make_comparison

if TYPE_CHECKING:
    from lydite.results import Comparison

KINDS = {**EVERY_KIND, "many": MANY}
LABELS = {channel_label(channel): channel for channel in CHANNELS}
_NUMBER = r"([\d,]+(?:\.\d+)?)"
_BETWEEN = rf"{_NUMBER}(?: to {_NUMBER}| (or more))?"


def made(kind: str, seed: int, missing: str = "") -> Comparison:
    """Return a comparison with random credit, spend and value; without value or cost if asked."""
    full = make_comparison(("purchase", KINDS[kind]))
    rng = np.random.default_rng(seed)
    spend = dict(zip(CHANNELS, np.round(rng.lognormal(6, 1.5, len(CHANNELS)), 2), strict=True))
    if seed % 3 == 0:  # channels that cost nothing, and ties
        spend |= dict.fromkeys(CHANNELS[:2], None) | dict.fromkeys(CHANNELS[2:5], 100.0)
    rows = []
    for model in full.marts["channel_credit"]["model"].unique(maintain_order=True):
        shares = rng.dirichlet(np.full(len(CHANNELS), 0.5))
        shares[rng.integers(len(CHANNELS))] = 0.0
        shares /= shares.sum()
        for channel, share in zip(CHANNELS, shares, strict=True):
            conversions, cost = 2_100 * share, spend[channel]
            rows.append(
                {
                    "outcome": "purchase", "model": model, "channel": channel,
                    "conversions": conversions, "value": 60 * conversions, "share": share,
                    "share_low": 0.9 * share, "share_high": 1.1 * share, "cost": cost,
                }
            )  # fmt: skip
        rows.append({"outcome": "purchase", "model": model, "channel": "(unattributed)",
                     "conversions": 211.0, "value": 12_660.0})  # fmt: skip
    credit = pl.DataFrame(rows, schema=full.marts["channel_credit"].schema)
    if missing:
        credit = credit.with_columns(pl.lit(None, dtype=pl.Float64).alias(missing))
    return replace(full, marts={**full.marts, "channel_credit": credit})


def standing(comparison: Comparison) -> set[str]:
    rows = comparison.marts["model_comparison"].filter(pl.col("verdict") != "refuted")
    return set(rows["model"])


def by_channel(comparison: Comparison) -> pl.DataFrame:
    """Return spend and the ranges over all models that stand, computed from the tables."""
    credit = comparison.marts["channel_credit"].filter(pl.col("channel") != "(unattributed)")
    own = credit.filter(pl.col("model").is_in(standing(comparison)))
    figures = {
        "share": pl.col("share"),
        "conversions": pl.col("conversions"),
        "return": pl.col("value") / pl.col("cost"),
        "each": pl.col("cost") / pl.col("conversions"),
    }
    ends = [
        end(figure).alias(f"{name}_{label}")
        for name, figure in figures.items()
        for label, end in (("low", pl.Expr.min), ("high", pl.Expr.max))
    ]
    found = own.group_by("channel").agg(pl.col("cost").first(), *ends)
    return found.with_columns(spend_share=pl.col("cost") / pl.col("cost").sum())


def number(text: str) -> float:
    return float(text.replace(",", ""))


def rounds_to(value: float, text: str) -> bool:
    """Return whether a number as text is a value, rounded to its decimals."""
    decimals = len(text.partition(".")[2])
    return abs(number(text) - value) <= 0.5 * 10.0**-decimals + 1e-9


def same(
    row: dict[str, float], name: str, low: str, high: str | None, more: str | None = None
) -> bool:
    if more or row[f"{name}_high"] == np.inf:
        return bool(more) and row[f"{name}_high"] == np.inf and rounds_to(row[f"{name}_low"], low)
    return rounds_to(row[f"{name}_low"], low) and rounds_to(row[f"{name}_high"], high or low)


CASES = [
    (kind, seed, missing)
    for kind in KINDS
    for seed in range(6)
    for missing in (("", "value", "cost") if seed < 3 else ("",))
]


@pytest.mark.parametrize(("kind", "seed", "missing"), CASES)
def test_the_sentence_that_decides_agrees_with_the_tables(kind, seed, missing):
    comparison = made(kind, seed, missing)
    decision = decide(comparison, "purchase")
    text = f"{decision.text} {decision.detail}"
    rows = {row["channel"]: row for row in by_channel(comparison).to_dicts()}
    paid = {name: row for name, row in rows.items() if (row["spend_share"] or 0) >= 0.01}
    returned = re.search(rf"(?:^|\. )([A-Z][\w ]+) returned {_BETWEEN} per 1 spent", text)
    cost = re.search(rf"(?:^|\. )([A-Z][\w ]+) cost {_BETWEEN} per purchase", text)
    earned = re.search(r"(?:^|\. )([A-Z][\w ]+) earned (\d+)%(?: to (\d+)%)? of the credit", text)
    assert bool(returned) == (bool(rows) and not missing)
    assert not (cost and missing == "cost")
    if returned:
        best = paid[LABELS[returned[1]]]
        assert same(best, "return", *returned.groups()[1:])
        assert best["return_low"] == max(row["return_low"] for row in paid.values())
    if cost:
        best = paid[LABELS[cost[1]]]
        assert same(best, "each", *cost.groups()[1:])
        assert best["each_high"] == min(row["each_high"] for row in paid.values())
    if earned:
        best = rows[LABELS[earned[1]]]
        assert same({k: 100 * v for k, v in best.items() if k.startswith("share")}, "share",
                    earned[2], earned[3])  # fmt: skip
        assert best["share_low"] == max(row["share_low"] for row in rows.values())
    assert ("under every model still standing" in text) == (
        len(standing(comparison)) > 1 and bool(returned or cost or earned)
    )
    largest = re.search(rf"([A-Z][\w ]+), ([\w ]+%?) of spend, (returned|cost) {_BETWEEN}\.", text)
    if largest:
        row = paid[LABELS[largest[1]]]
        others = [own for own in paid.values() if own is not best]
        assert row["cost"] == max(own["cost"] for own in others)
        figure = "return" if largest[3] == "returned" else "each"
        assert same(row, figure, *largest.groups()[3:])
        fraction = {"half": 0.5, "a third": 1 / 3, "a quarter": 0.25}.get(largest[2])
        share = row["spend_share"]
        said = fraction is not None and abs(share - fraction) < 0.03
        assert said or largest[2] == f"{100 * share:.0f}%"


@pytest.mark.parametrize("kind", KINDS)
def test_how_sure_it_is_agrees_with_the_verdicts(kind):
    comparison = made(kind, 1)
    decision = decide(comparison, "purchase")
    table = comparison.marts["model_comparison"].filter(pl.col("verdict").is_not_null())
    out = table.filter(verdict="refuted")["model"].to_list()
    counted = re.search(r"(\d+) of (\d+) still stand(?:, (.+?) (?:is|are) ruled out)?\.",
                        decision.detail)  # fmt: skip
    if counted:
        assert (int(counted[1]), int(counted[2])) == (len(table) - len(out), len(table))
        if counted[3] and not counted[3].endswith(" models"):
            assert set(re.split(r", | and ", counted[3])) == set(map(model_word, out))
    budget = re.match(r"Budget purchases by ([^.]+)\.", decision.text)
    if budget:
        [model] = [name for name in table["model"] if model_label(name) == budget[1]]
        rivals = table.filter(pl.col("primary"), pl.col("model") != model)
        same_forecast = set(table.filter(model=model)["same_forecast_as"].item().split(", "))
        assert model not in out
        assert set(rivals["verdict"]) <= {"refuted"} or set(rivals["model"]) <= same_forecast
    state = decision.chips[0].state
    assert (state == "decided") == bool(budget)


@pytest.mark.parametrize("kind", KINDS)
def test_the_reasons_name_every_model_as_its_row_does(kind):
    comparison = made(kind, 2)
    table = comparison.marts["model_comparison"].filter(verdict="refuted")
    text = reasons(comparison, "purchase")
    found = re.search(r"Refuted: (.+?)\.(?: |$)", text)
    assert bool(found) == bool(len(table))
    if found:
        said = {
            (loser, by)
            for part in found[1].split("; ")
            for losers, by in [part.rsplit(" by ", 1)]
            for loser in re.split(r", | and ", losers)
        }
        rows = table.select("model", "refuted_by").rows()
        assert said == {(model_word(loser), model_word(by)) for loser, by in rows}


@pytest.mark.parametrize("missing", ["", "value", "cost"])
@pytest.mark.parametrize("seed", range(4))
def test_what_moves_is_the_difference_of_two_rows(seed, missing):
    comparison = made("contenders", seed, missing)
    model = model_to_show(comparison, "purchase")
    other = other_model(comparison, "purchase", model)
    found = move(comparison, "purchase", model, other)
    credit = {
        name: dict(rows.select("channel", "conversions").rows())
        for (name,), rows in comparison.marts["channel_credit"].group_by("model")
    }
    changes = {name: credit[model][name] - credit[other][name] for name in CHANNELS}
    assert found.conversions == pytest.approx(sum(max(n, 0) for n in changes.values()))
    assert (found.value is None) == (missing == "value")
    sides = {-1: found.losing, 1: found.gaining}
    for sign, text in sides.items():
        named = re.findall(rf"([\w ]+?) \({_NUMBER} to {_NUMBER}\)", text.replace(" and ", " "))
        ordered = sorted(CHANNELS, key=lambda name: -sign * changes[name])
        for (word, before, after), channel in zip(named, ordered, strict=False):
            assert channel_label(channel).lower() == word.strip().lower()
            assert rounds_to(credit[other][channel], before)
            assert rounds_to(credit[model][channel], after)
            assert sign * changes[channel] > 0
        assert named


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["contenders", "too_early", "many"])
def test_what_to_test_next_has_the_ranges_of_the_tables(kind, seed):
    comparison = made(kind, seed)
    rows = {row["channel"]: row for row in by_channel(comparison).to_dicts()}
    tests = next_tests(comparison, "purchase", model_to_show(comparison, "purchase"))
    widths = []
    for test in tests:
        row = rows[LABELS[test.channel]]
        [(spent, low, high)] = re.findall(
            rf"^{_NUMBER} spent, credited with {_NUMBER} to {_NUMBER} purchases", test.why
        )
        assert rounds_to(row["cost"], spent)
        assert same(row, "conversions", low, high)
        widths.append(row["conversions_high"] - row["conversions_low"])
    paid = [row for row in rows.values() if row["cost"]]
    most = sorted((row["conversions_high"] - row["conversions_low"] for row in paid), reverse=True)
    assert widths == pytest.approx(most[: len(widths)])


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_at_the_top_are_sums_of_the_table(seed):
    comparison = made("contenders", seed)
    credit = comparison.marts["channel_credit"].filter(model="linear")
    shown = {tile.label: number(tile.value) for tile in tiles(comparison, "purchase", "linear")}
    assert shown["Purchases"] == comparison.outcomes[0]["conversions"]
    assert shown["Value"] == pytest.approx(credit["value"].sum(), abs=0.51)
    assert shown["Ad spend"] == pytest.approx(credit["cost"].sum(), abs=0.51)
    ratio = credit["value"].sum() / credit["cost"].sum()
    assert shown["Value per 1 spent"] == pytest.approx(ratio, abs=0.051)
