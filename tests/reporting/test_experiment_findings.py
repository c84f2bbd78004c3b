"""What experiments say, in sentences that agree with the tables."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from lydite.pipeline.next_experiments import SCHEMA
from lydite.reporting.experiment_findings import (
    experiment_findings,
    judged_model,
    next_test_in_words,
)
from tests.helpers.made_comparisons import BEST, CONTENDERS, make_comparison
from tests.helpers.made_decisions import DECISION
from tests.helpers.made_experiments import (
    AGREEMENT,
    CALIBRATED_ROW,
    READOUT,
    VERDICT,
    compare_with_experiments,
    random_tables,
)
from tests.helpers.made_next_experiments import SEARCH, SOCIAL, VIDEO

_NUMBER = r"(−?[\d,]+(?:\.\d+)?)"


def found(**changes) -> list[str]:
    return experiment_findings(compare_with_experiments(**changes), "purchase")


def with_status(status, verdict, **changes):
    """Return the sentences for one experiment with a status, and the verdict of the model."""
    verdicts = [VERDICT | {"verdict": verdict, "experiment": None}] if verdict else []
    return found(agreement=[AGREEMENT | {"status": status} | changes], verdicts=verdicts)


def test_a_contradicted_credit_is_said_with_both_numbers_and_who_wins():
    assert found() == [
        (
            "Fit and experiment disagree on branded search. Last touch credits it"
            " with 182 purchases in the experiment brand holdout; holding it out cost 20 (95%"
            " interval −52 to 93). The experiment wins."
        ),
        (
            "Calibrated by experiments, branded search caused 61 purchases (95% interval −116 to"
            " 240), instead of the 583 credited; 62% of this estimate comes from experiments on"
            " it."
        ),
    ]


def test_fit_and_experiment_may_both_speak_against_a_model():
    rivals = (*CONTENDERS[:1], ("last_touch", "refuted", 0.001, "linear", ""))
    said = found(rivals=rivals)[0]
    assert said.startswith("Fit and experiment both speak against last touch. Last touch credits")


@pytest.mark.parametrize(
    ("status", "verdict", "ends"),
    [
        ("agrees", "agrees", "(95% interval −52 to 93). Credit and experiment agree."),
        ("overstates", "uninformative", "The credit is too high."),
        ("understates", None, "The credit is too low."),
        ("uninformative", "uninformative", "about 170,000 users to find an error of 25%."),
    ],
)
def test_what_an_experiment_says_of_a_credit_that_is_not_contradicted(status, verdict, ends):
    said = with_status(status, verdict)[0]
    assert said.endswith(ends)
    assert said.startswith("Last touch credits branded search with 182 purchases")
    assert "wins" not in said


def test_several_experiments_may_contradict_together():
    rows = [AGREEMENT | {"status": "uninformative", "experiment": name} for name in ("a", "b")]
    said = found(agreement=rows, verdicts=[VERDICT | {"experiment": "b", "experiments": 2}])[0]
    assert "in the experiment b;" in said
    assert said.endswith("Together, 2 experiments contradict the credit. They win.")


def test_a_loss_below_zero_is_no_loss():
    said = with_status("overstates", "contradicted", measured=-38.9)[0]
    assert "holding it out cost none (−39, 95% interval −111 to 34)." in said
    row = CALIBRATED_ROW | {"conversions": -33.3, "conversions_low": -217, "conversions_high": 150}
    assert (
        "branded search caused no purchases (−33, 95% interval −217 to 150), instead"
        in (found(calibrated=[row])[1])
    )


def test_without_credit_in_the_window_no_number_of_users_is_named():
    said = with_status("uninformative", "uninformative", credited=0.0, users_needed=None)[0]
    assert said.endswith("This does not show whether the credit is right.")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ["The experiment brand holdout on branded search can be read on 9 Mar 2026."]),
        (
            {"readable_on": None},
            ["The experiment brand holdout on branded search cannot be read yet."],
        ),
        ({"may_read": "fixed"}, []),
        ({"varies": "message"}, []),
        ({"unit": "region"}, []),
    ],
)  # fmt: skip
def test_experiments_that_cannot_be_read_yet(changes, said):
    readout = [READOUT | {"may_read": "always_valid"} | changes]
    assert found(readout=readout, agreement=[], verdicts=[], calibrated=[]) == said


def test_an_experiment_with_a_failed_check_is_not_announced():
    checks = [{"experiment": "brand_holdout", "check_name": "sample_ratio", "status": "failed"}]
    readout = [READOUT | {"may_read": "none"}]
    assert found(readout=readout, agreement=[], verdicts=[], checks=checks) == [
        "The experiment brand holdout on branded search cannot be read: a check has failed."
    ]


def test_without_experiments_there_is_nothing_to_say():
    assert found(readout=[], agreement=[], verdicts=[], calibrated=[]) == []
    assert experiment_findings(make_comparison(), "purchase") == []


def test_the_model_in_use_is_judged_and_else_the_one_that_is_shown():
    assert judged_model(make_comparison(("purchase", BEST)), "purchase") == "linear"
    assert judged_model(compare_with_experiments(), "purchase") == "last_touch"
    promoted = compare_with_experiments(
        log=[DECISION], agreement=[AGREEMENT, AGREEMENT | {"model": "linear", "credited": 90.0}]
    )
    assert judged_model(promoted, "purchase") == "linear"
    assert experiment_findings(promoted, "purchase") == [
        (
            "Linear credits branded search with 90 purchases in the experiment brand holdout;"
            " holding it out cost 20 (95% interval −52 to 93). The credit is too high."
        )
    ]


# --- the next test --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [VIDEO | {"rank": 1}, SEARCH | {"rank": 2}],
            (
                "Next test: paid search. The result is worth 2,300 in a year. Hold out 10% of the"
                " users for 4 weeks (52,000 users in all)."
            ),
        ),
        (
            [VIDEO | {"weeks": 30}, SOCIAL],
            (
                "Next test: video. The result is worth 2,300 in a year. Hold out 10% of the users"
                " for 30 weeks (52,000 users in all). Ten or more regions may decide sooner."
            ),
        ),
    ],
)
def test_the_next_test_is_the_most_valuable_one_that_is_not_too_long(rows, said):
    table = pl.DataFrame(rows, schema=SCHEMA)
    assert next_test_in_words(compare_with_experiments(next_experiments=table), "purchase") == said


def test_without_proposals_models_disagree_on_a_channel():
    said = next_test_in_words(compare_with_experiments(), "purchase")
    assert re.fullmatch(
        r"Next test: .+\. .+ spent, credited with .+\. Switch .+, and compare\.", said
    )


# --- random tables --------------------------------------------------------------------------------


def close(text: str, value: float) -> bool:
    """Return whether a number as text is a value, rounded to its decimals."""
    decimals = len(text.partition(".")[2])
    given = float(text.replace(",", "").replace("−", "-"))
    return abs(given - value) <= 0.5 * 10.0**-decimals + 1e-9


_CREDIT = re.compile(
    rf"credits (.+) with {_NUMBER} purchases in the experiment (.+); holding it out cost "
    rf"(?:{_NUMBER} \(|none \({_NUMBER}, )95% interval {_NUMBER} to {_NUMBER}\)\. (.+)$"
)
_CALIBRATED = re.compile(
    rf"experiments, (.+) caused (?:{_NUMBER} purchases \(|no purchases \({_NUMBER}, )"
    rf"95% interval {_NUMBER} to {_NUMBER}\), instead of the {_NUMBER} credited;"
    r" (\d+)% of"
)


@pytest.mark.parametrize("seed", range(60))
def test_no_sentence_contradicts_a_table(seed):
    rng = np.random.default_rng(seed)
    models = ["last_touch", "linear"]
    tables = random_tables(rng, models)
    rivals = (
        CONTENDERS if seed % 2 else (*CONTENDERS[:1], ("last_touch", "refuted", 0, "linear", ""))
    )
    comparison = compare_with_experiments(rivals=rivals, **tables)
    credit, calibrated = experiment_findings(comparison, "purchase")
    channel, credited, name, cost, no_cost, low, high, judged = _CREDIT.search(credit).groups()
    [row] = [
        row
        for row in tables["agreement"]
        if row["model"] == "last_touch" and row["experiment"] == name.replace(" ", "_")
    ]
    verdict = next(row for row in tables["verdicts"] if row["model"] == "last_touch")
    full = row["channel"].replace("_", " ")
    assert channel == ("it" if f"disagree on {full}." in credit else full)
    assert close(credited, row["credited"])
    assert close(cost or no_cost, row["measured"])
    assert (cost is None) == (row["measured"] <= 0)
    error = 1.959964 * row["measured_variance"] ** 0.5
    assert close(low, row["measured"] - error)
    assert close(high, row["measured"] + error)
    contradicted = verdict["verdict"] == "contradicted"
    assert ("wins" in judged or "They win" in judged) == contradicted
    assert ("disagree on" in credit) == (contradicted and seed % 2 == 1)
    assert ("both speak against" in credit) == (contradicted and seed % 2 == 0)
    if contradicted:
        assert name.replace(" ", "_") == verdict["experiment"]
    else:
        assert ("agree" in judged) == (row["status"] == "agrees")
        assert ("too high" in judged) == (row["status"] == "overstates")
        assert ("too low" in judged) == (row["status"] == "understates")
    tested, some, none, *bounds, of, share = _CALIBRATED.search(calibrated).groups()
    own = next(row for row in tables["calibrated"] if row["channel"] == tested.replace(" ", "_"))
    assert tested == full
    assert close(some or none, own["conversions"])
    assert close(bounds[0], own["conversions_low"])
    assert close(bounds[1], own["conversions_high"])
    assert close(of, own["credited"])
    assert close(share, 100 * own["share_from_experiments"])


@pytest.mark.parametrize("seed", range(30))
def test_the_next_test_is_a_row_of_the_table(seed):
    rng = np.random.default_rng(seed)
    rows = [
        SEARCH
        | {
            "channel": channel, "rank": rank, "value": float(rng.normal(500, 600)),
            "unit": str(rng.choice(["user", "region"])), "weeks": int(rng.integers(1, 70)),
            "users": int(rng.integers(1_000, 900_000)), "is_feasible": bool(rng.random() < 0.4),
            "holdout_share": float(rng.choice([0.1, 0.2, 0.5])),
        }
        for rank, channel in enumerate(("paid_search", "social", "video"), start=1)
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema=SCHEMA)
    said = next_test_in_words(compare_with_experiments(next_experiments=table), "purchase")
    worth = [row for row in rows if row["value"] > 0 and (row["is_feasible"] or row["weeks"] <= 52)]
    if not worth:
        assert "is worth" not in said
        return
    shortest = min(worth, key=lambda row: row["weeks"])
    row = next((row for row in worth if row["is_feasible"]), shortest)
    assert said.startswith(f"Next test: {row['channel'].replace('_', ' ')}. ")
    assert close(re.search(rf"worth {_NUMBER} in a year", said)[1], row["value"])
    share, weeks = re.search(r"Hold out (\d+)% of the .+ for (\d+) week", said).groups()
    assert (int(share), int(weeks)) == (round(100 * row["holdout_share"]), row["weeks"])
    regions = not row["is_feasible"] and row["unit"] == "user"
    assert ("Ten or more regions may decide sooner" in said) == regions
    assert (f"({row['users']:,} users in all)" in said) == (row["unit"] == "user")
