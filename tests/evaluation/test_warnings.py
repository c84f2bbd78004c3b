"""Warnings are given exactly where they should be."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.evaluation.warnings import DataSize, warnings_table
from tests.helpers.made_scores import loses
from tests.helpers.made_verdicts import judge_made
from tests.helpers.random_landmarks import weekly

if TYPE_CHECKING:
    from lydite.evaluation.verdicts import SegmentVerdicts

WEEKS = 24
CALENDAR = weekly(4, WEEKS)
NULL = loses(0.4, periods=WEEKS)
SIZE = DataSize(users=3_000, landmarks=60_000, immature=5_000)
KINDS = [
    "short_history", "immature", "replaced", "restated", "drift", "ceiling", "volume", "model",
]  # fmt: skip


def judged(scores: dict[str, Scores], null: Scores = NULL) -> SegmentVerdicts:
    return judge_made(scores, null)


CLEAR = judged({"a": loses(0.35, 0.02, 1, WEEKS), "b": loses(0.37, 0.02, 2, WEEKS)})


def compared(**columns: list) -> pl.DataFrame:
    """Return rows of a comparison: two models and a reference, and one of a segment."""
    own = {
        "segment": [ALL, ALL, ALL, "region = x"],
        "model": ["a", "b", "ceiling", "a"],
        "verdict": ["best", "refuted", None, "no_better_than_volume"],
        "restated_verdict": [None, None, None, None],
        "share_of_ceiling": [0.8, 0.4, None, 0.1],
        "warning": ["", "", "", "its forecasts are badly calibrated"],
    } | columns
    text = ("segment", "model", "verdict", "restated_verdict", "warning")
    return pl.DataFrame(own, schema_overrides=dict.fromkeys(text, pl.String))


def warned(
    comparison=None, own=CLEAR, calendar=CALENDAR, size=SIZE, first=NULL, restated=None
) -> dict[str, str]:
    """Return the text of each kind of warning."""
    comparison = compared() if comparison is None else comparison
    table = warnings_table("lead", comparison, own, calendar, size, first, restated)
    assert set(table.select("outcome", "segment").rows()) <= {("lead", ALL)}
    assert table["kind"].n_unique() == len(table)
    assert set(table["kind"]) <= set(KINDS)
    return dict(table.select("kind", "text").rows())


def test_without_a_reason_there_are_no_warnings():
    assert warned() == {}
    empty = warnings_table("lead", compared(), CLEAR, CALENDAR, SIZE, NULL, None)
    assert empty.columns == ["outcome", "segment", "model", "kind", "text"]


# --- history --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("weeks", "warns"), [(2, True), (7, True), (8, False)])
def test_fewer_than_eight_periods_are_a_short_history(weeks, warns):
    found = warned(calendar=weekly(4, weeks))
    assert set(found) == ({"short_history"} if warns else set())
    if warns:
        assert found["short_history"].startswith(
            f"only {weeks} weeks could be forecast; with 8 or more"
        )


def test_folds_have_no_history_warning():
    assert warned(calendar=None, size=None) == {}


@pytest.mark.parametrize(("immature", "warns"), [(20_000, False), (20_001, True), (60_000, True)])
def test_more_than_a_third_of_immature_landmarks_has_a_warning(immature, warns):
    found = warned(size=DataSize(3_000, 60_000, immature))
    assert set(found) == ({"immature"} if warns else set())
    if warns:
        assert f"{immature / 60_000:.0%} of the touches" in found["immature"]


def test_without_landmarks_there_is_no_immature_warning():
    assert warned(size=DataSize(0, 0, 0)) == {}


# --- restatement ----------------------------------------------------------------------------------


def restated(landmarks: float = 0, conversions: float = 0) -> Scores:
    """Return scores of touch volume with so many more in the last period, over all buckets."""
    result = Scores.empty(WEEKS)
    result.landmarks[:] = NULL.landmarks
    result.landmarks[-1] += landmarks / 256
    result.conversions[:] = NULL.conversions
    result.conversions[-1] += conversions / 256
    result.log_loss[:] = NULL.log_loss
    return result


def test_late_conversions_are_counted():
    same = compared(restated_verdict=["best", "refuted", None, "best"])
    found = warned(same, restated=restated(conversions=2560))
    assert set(found) == {"restated"}
    assert found["restated"].startswith("+2,560 conversions came in")
    assert found["restated"].endswith("shown next to them")


def test_models_whose_verdict_would_change_are_named():
    other = compared(restated_verdict=["contender", "contender", None, "best"])
    found = warned(other, restated=restated(conversions=-256))
    assert found["restated"].startswith("-256 conversions came in")
    assert found["restated"].endswith("; the verdict on a, b would change")
    one = compared(restated_verdict=["best", "contender", None, "best"])
    assert warned(one, restated=restated())["restated"].endswith("; the verdict on b would change")


@pytest.mark.parametrize(("share", "warns"), [(0.49, False), (0.51, True)])
def test_replaced_data_has_another_warning_than_late_data(share, warns):
    more = share * NULL.landmarks.sum()
    found = warned(restated=restated(landmarks=more))
    assert ("replaced" in found) == warns
    fewer = restated()
    fewer.landmarks *= 1 - share
    assert ("replaced" in warned(restated=fewer)) == warns
    assert "replaced" not in warned(restated=restated(conversions=1e9))


# --- drift ----------------------------------------------------------------------------------------

HALF = WEEKS // 2
NOW = np.where(np.arange(WEEKS) < HALF, 0, 0.03)
TURNED = {
    "a": loses(0.35 + NOW, 0.02, 1, WEEKS),
    "b": loses(0.38 - NOW, 0.02, 2, WEEKS),
}


def drifts(own: SegmentVerdicts, calendar=CALENDAR) -> dict[str, str]:
    table = warnings_table("lead", compared(), own, calendar, SIZE, NULL, None)
    return dict(table.filter(pl.col("kind") == "drift").select("model", "text").rows())


def day_of(text: str) -> date:
    return date.fromisoformat(text.split("week of ")[1][:10])


def test_a_turned_lead_has_a_warning_for_both_models_with_day_and_verdicts():
    own = judged(TURNED)
    found = drifts(own)
    assert set(found) == {"a", "b"}
    assert "a was best before and is refuted now" in found["a"]
    assert "b was refuted before and is best now" in found["b"]
    turn = own.verdicts["a"].moved_in
    starts = CALENDAR.starts.astype("datetime64[D]")
    for text in found.values():
        assert text.startswith(f"a lead turned in the week of {starts[turn]}")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("after", [8, HALF])
def test_each_of_three_models_has_the_turn_that_changed_its_verdict(seed, after):
    """The third model is always behind: first behind a, then behind b."""
    now = np.where(np.arange(WEEKS) < after, 0, 0.03)
    own = judged(
        {
            "a": loses(0.35 + now, 0.04, 3 * seed, WEEKS),
            "b": loses(0.38 - now, 0.04, 3 * seed + 1, WEEKS),
            "c": loses(0.365, 0.04, 3 * seed + 2, WEEKS),
        }
    )
    found = drifts(own)
    assert {"a", "b"} <= set(found)
    for model, text in found.items():
        before, now_ = text.split(f"{model} was ")[1].split(";")[0].split(" before and is ")
        assert before != now_.removesuffix(" now")
        history = own.verdicts[model].history
        turn = int(np.flatnonzero(CALENDAR.starts == np.datetime64(day_of(text)))[0])
        ahead = [verdict in {"best", "contender"} for verdict in history]
        assert ahead[turn] != ahead[turn - 1] or ahead[turn] != ahead[turn - 2]
        assert turn >= after
    assert "before and is refuted now" in found["a"]
    assert "b was refuted before" in found["b"]


def test_models_with_the_same_forecast_have_the_same_warning():
    found = drifts(judged({**TURNED, "twin": TURNED["a"]}))
    assert found["twin"] == found["a"].replace("a was best", "twin was best")


def test_without_a_turn_or_periods_there_is_no_drift():
    assert drifts(CLEAR) == {}
    assert drifts(judged(TURNED), calendar=None) == {}
    fades = np.where(np.arange(WEEKS) < HALF, 0.35, 0.4)
    own = judged({"a": loses(fades, 0.05, 1, WEEKS), "b": loses(0.395, 0.05, 2, WEEKS)})
    assert own.verdicts["a"].moved_in is None
    assert drifts(own) == {}


def test_a_turn_between_models_behind_touch_volume_is_no_drift():
    behind = {
        "a": loses(0.45 + NOW, 0.02, 1, WEEKS),
        "b": loses(0.48 - NOW, 0.02, 2, WEEKS),
    }
    own = judged(behind)
    assert own.verdicts["a"].moved_in is not None
    assert drifts(own) == {}


# --- fit ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "warns"), [((0.49, 0.2), "49%"), ((-0.3, -0.5), "0%"), ((0.5, 0.1), "")]
)
def test_a_best_model_below_half_of_the_ceiling_has_a_warning(shares, warns):
    found = warned(compared(share_of_ceiling=[*shares, None, 0.1]))
    assert set(found) == ({"ceiling"} if warns else set())
    if warns:
        assert found["ceiling"].startswith(f"no model achieves more than {warns} of the")


@pytest.mark.parametrize("verdict", ["no_better_than_volume", "too_early", "refuted"])
def test_without_a_model_ahead_there_is_no_ceiling_warning(verdict):
    """The lead of the ceiling may be chance there."""
    low = compared(verdict=[verdict, "refuted", None, "best"], share_of_ceiling=[0.1, 0, None, 0.9])
    assert "ceiling" not in warned(low)


def test_without_a_ceiling_there_is_no_ceiling_warning():
    unknown = pl.Series([None] * 4, dtype=pl.Float64)
    assert warned(compared().with_columns(share_of_ceiling=unknown)) == {}


@pytest.mark.parametrize(
    ("verdicts", "warns"),
    [
        (("no_better_than_volume", "no_better_than_volume"), True),
        (("no_better_than_volume", "refuted"), True),
        (("no_better_than_volume", "too_early"), False),
        (("contender", "contender"), False),
        (("best", "no_better_than_volume"), False),
    ],
)
def test_no_model_better_than_touch_volume_has_a_warning(verdicts, warns):
    found = warned(compared(verdict=[*verdicts, None, "best"]))
    assert set(found) == ({"volume"} if warns else set())


def test_without_models_there_is_no_volume_warning():
    assert warned(compared().filter(pl.col("model") == "ceiling"), judged({})) == {}


def test_warnings_of_models_are_included_with_their_name():
    comparison = compared(
        warning=["", "its forecasts are badly calibrated", "it explains no more", ""]
    )
    table = warnings_table("lead", comparison, CLEAR, CALENDAR, SIZE, NULL, None)
    assert table.rows() == [
        ("lead", ALL, "b", "model", "its forecasts are badly calibrated"),
        ("lead", ALL, "ceiling", "model", "it explains no more"),
    ]


@pytest.mark.parametrize(
    ("channels", "named"),
    [(["tv"], "'tv'"), (["a", "b"], "'a', 'b'"), (list("abcdefgh"), "'e', 3 more channels")],
)
def test_channels_without_a_way_to_a_conversion_are_named_in_one_warning(channels, named):
    table = warnings_table("lead", compared(), CLEAR, CALENDAR, SIZE, NULL, None, channels)
    assert table["kind"].to_list() == ["unreachable_channel"]
    assert f"{named}, directly or after other channels" in table["text"][0]


@pytest.mark.parametrize(
    ("verdict", "last"), [("contender", "ceiling"), ("no_better_than_volume", "volume")]
)
def test_all_kinds_at_once(verdict, last):
    """Kinds are in order, and all placeholders are filled in."""
    comparison = compared(
        verdict=[verdict, "refuted", None, None],
        restated_verdict=["best", "refuted", None, None],
        share_of_ceiling=[0.1, 0.0, None, None],
        warning=["", "so", "", ""],
    )
    few = weekly(4, 7)
    turned = judged({name: own.first(7) for name, own in early_turn().items()}, NULL.first(7))
    later = restated(landmarks=NULL.landmarks.sum())
    table = warnings_table(
        "lead", comparison, turned, few, DataSize(10, 100, 90), NULL.first(7), later.first(7)
    )
    first = later.first(7)
    assert first.landmarks.sum() == NULL.first(7).landmarks.sum()  # the change is in later periods
    kinds = list(dict.fromkeys(table["kind"]))
    assert kinds == ["short_history", "immature", "restated", "drift", last, "model"]
    assert not table["text"].str.contains(r"[{}]").any()


def early_turn() -> dict[str, Scores]:
    now = np.where(np.arange(WEEKS) < 4, 0, 0.05)
    return {"a": loses(0.3 + now, 0.005, 1, WEEKS), "b": loses(0.35 - now, 0.005, 2, WEEKS)}
