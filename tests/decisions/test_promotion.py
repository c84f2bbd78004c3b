"""A person promotes a model: what is written, and what is refused."""

from __future__ import annotations

import polars as pl
import pytest

from lydite.decisions import promote, read_log
from lydite.decisions.log import log_table
from lydite.errors import InputError
from lydite.experiments.agreement import VERDICT_COLUMNS
from tests.helpers.made_comparisons import BEST, CONTENDERS, make_comparison
from tests.helpers.made_experiments import VERDICT


@pytest.fixture
def marts():
    made = make_comparison(("purchase", BEST), ("lead", CONTENDERS))
    left_out = pl.DataFrame({"model": ["shapley"], "reason": ["21 channels are too many"]})
    return {
        **made.marts, "outcomes": pl.DataFrame(made.outcomes), "models_left_out": left_out
    }  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "decisions.jsonl"


def test_a_decision_keeps_who_when_from_to_verdicts_and_reason(path, marts):
    decision = promote(path, marts, "linear", "purchase", reason=" it leads ", by=" ann ")
    assert [decision] == read_log(path)
    assert (decision.from_model, decision.to_model) == ("last_touch", "linear")
    assert (decision.reason, decision.decided_by, decision.despite) == ("it leads", "ann", "")
    assert decision.verdicts == {row[0]: row[1] for row in BEST}
    other = promote(path, marts, "linear", "lead", reason="as well", by="bob")
    assert (other.number, other.from_model) == (2, "last_touch")


def test_a_refuted_model_needs_a_word_more(path, marts):
    with pytest.raises(InputError, match=r"time_decay is refuted for purchase by linear, in the"
                       r" period from 2025-05-05.*\(linear\).*--despite-refuted"):  # fmt: skip
        promote(path, marts, "time_decay", "purchase", reason="I like it", by="ann")
    assert not path.exists()
    decision = promote(
        path, marts, "time_decay", "purchase", reason="I like it", by="ann", despite_refuted=True
    )
    assert decision.despite == "linear, in the period from 2025-05-05"
    assert decision.verdicts["time_decay"] == "refuted"


def test_a_model_that_stands_is_not_promoted_despite_anything(path, marts):
    decision = promote(
        path, marts, "linear", "purchase", reason="x", by="ann", despite_refuted=True
    )
    assert decision.despite == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "purchas"}, r"no outcome 'purchas'\. Did you mean 'purchase'\? .*lead"),
        ({"model": "liner"}, r"did not compare a model 'liner' for purchase\. Did you mean 'lin"),
        ({"model": "shapley"}, "shapley was left out of the last run: 21 channels are too many"),
        ({"model": "touch_volume"}, "touch_volume is a reference"),
        ({"reason": " \n"}, "give a reason"),
        ({"reason": "\udcff"}, "is not text"),
        ({"by": ""}, "say who decides"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(path, marts, change, words):
    given = {"model": "linear", "outcome": "purchase", "reason": "x", "by": "ann", **change}
    with pytest.raises(InputError, match=words):
        promote(path, marts, given.pop("model"), given.pop("outcome"), **given)
    assert not path.exists()


def test_the_champion_is_not_promoted_twice(path, marts):
    promote(path, marts, "linear", "purchase", reason="x", by="ann")
    with pytest.raises(InputError, match="linear is the champion of purchase already, since .*ann"):
        promote(path, marts, "linear", "purchase", reason="y", by="bob")
    assert len(read_log(path)) == 1


def test_a_champion_that_was_refuted_since_can_be_kept_once(path, marts):
    stood = make_comparison(("purchase", CONTENDERS)).marts
    promote(path, {**marts, **stood}, "last_touch", "purchase", reason="x", by="ann")
    kept = promote(path, marts, "last_touch", "purchase", reason="until May", by="ann",
                   despite_refuted=True)  # fmt: skip
    assert (kept.from_model, kept.to_model) == ("last_touch", "last_touch")
    with pytest.raises(InputError, match="already"):
        promote(path, marts, "last_touch", "purchase", reason="z", by="ann", despite_refuted=True)


def test_a_log_that_lost_what_was_published_is_refused(path, marts):
    decision = promote(path, marts, "linear", "purchase", reason="x", by="ann")
    path.unlink()
    published = {**marts, "decisions": log_table([decision])}
    with pytest.raises(InputError, match="no longer holds decision 1"):
        promote(path, published, "linear", "lead", reason="x", by="ann")
    assert not path.exists()


def test_models_that_an_experiment_contradicts_are_not_among_those_that_stand(path, marts):
    names = [row[0] for row in CONTENDERS]
    contradicted = pl.DataFrame(
        [VERDICT | {"outcome": "lead", "model": name} for name in names[:1]],
        schema=VERDICT_COLUMNS,
    )
    marts["experiment_verdicts"] = contradicted
    with pytest.raises(InputError, match=r"by the experiment brand_holdout.*\(last_touch, markov_1"
                       r"\), or add --despite-refuted"):  # fmt: skip
        promote(path, marts, "linear", "lead", reason="it leads", by="ann")
    every = [VERDICT | {"outcome": "lead", "model": name} for name in names]
    marts["experiment_verdicts"] = pl.DataFrame(every, schema=VERDICT_COLUMNS)
    with pytest.raises(InputError, match=r"Promote a model that stands \(none does\)"):
        promote(path, marts, "linear", "lead", reason="it leads", by="ann")
