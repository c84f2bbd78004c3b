"""What every model keeps: credit is whole, names and order decide nothing, chance is no lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from sklearn.naive_bayes import BernoulliNB

import lydite
from lydite import pipeline
from lydite.attribution import bootstrap
from lydite.engine import DuckDBEngine
from lydite.evaluation.backtest import backtest
from lydite.evaluation.error_budget import ErrorBudget
from lydite.evaluation.splits import Split
from lydite.evaluation.verdicts import SegmentScores, judge_models
from lydite.inputs.path_table import read_path_table
from lydite.journeys import find_outcomes
from lydite.models import BaseRate, Classifier, Model, Rule, TouchVolume, make_models
from lydite.models.base import weight_columns
from lydite.paths.path_table_landmarks import journey_landmarks
from lydite.settings import make_settings
from lydite.simulation import simulate

if TYPE_CHECKING:
    from lydite.evaluation.scores import Scores


def every_model() -> list[Model]:
    """Return the default models, and of one's own a classifier and a rule."""
    return [
        *make_models(),
        Classifier(BernoulliNB(), name="bayes"),
        Rule("late", "late touches more than early ones", "position / (1.0 + path_length)"),
    ]


def without_clock() -> list[Model]:
    """Return those that can be tried on a path table."""
    return [model for model in every_model() if not model.needs_clock]


NAMES = [model.name for model in every_model()]
CLOCKLESS = [model.name for model in without_clock()]
each_model = pytest.mark.parametrize("name", NAMES)
each_clockless = pytest.mark.parametrize("name", CLOCKLESS)

SETTINGS = make_settings(lookback="14d")
FEW, ENOUGH = 6, 100  # replicates: where intervals need only be the same, and where they are judged
MANY = 30  # conversions: an interval of so many is not ragged
CREDIT = ["conversions", "value", "share"]
BOUNDS = [f"{figure}_{side}" for figure in CREDIT for side in ("low", "high")]


# --- a world in which channels and instants tie ---------------------------------------------------

MERGED = {"affiliate": "social", "video": "display"}
#: The other way round in the order of names; direct traffic stays direct traffic.
RENAMED = {
    "direct": "(none)", "display": "z", "email": "y", "referral": "x", "search": "w", "social": "v",
}  # fmt: skip
LOST = 3  # conversions of nobody who was touched


@dataclass(frozen=True)
class World:
    """Input of a trial."""

    touchpoints: pl.DataFrame
    conversions: pl.DataFrame

    def with_users(self, touched: pl.Expr, converted: pl.Expr) -> World:
        return World(
            self.touchpoints.with_columns(user_id=touched),
            self.conversions.with_columns(user_id=converted),
        )


def make_world(users: int = 1500) -> World:
    """Simulate users of whom some meet channels at one instant, without an id of the touch.

    Two of the six channels are met alike often, from the same instant on. Some conversions have
    no value, and a few no path.
    """
    made = simulate("markov_2", users=users, seed=7, weeks=14)
    user_id = pl.col("user_id").str.strip_chars_start("u0")
    touchpoints = made.touchpoints.select(
        user_id,
        pl.col("touched_at").dt.truncate("8h"),
        pl.col("channel").cast(pl.String).replace(MERGED),
    )
    has_value = pl.int_range(pl.len()) % 7 > 0
    conversions = made.conversions.select(
        user_id, "converted_at", value=pl.when(has_value).then("value")
    )
    end = conversions["converted_at"].max()
    lost = [end - timedelta(days=n) for n in range(LOST)]
    pathless = pl.DataFrame({"user_id": "0", "converted_at": lost, "value": 5.0})
    return World(
        tied(touchpoints.unique(maintain_order=True), "email", "referral"),
        pl.concat([conversions, pathless.cast(dict(conversions.schema))]),
    )


def tied(touchpoints: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return touches of which the named channels have equally many, and the same first instant."""
    own = [touchpoints.filter(pl.col("channel") == name) for name in names]
    size = min(len(frame) for frame in own)
    first = min(frame["touched_at"].min() for frame in own)
    is_first = pl.int_range(pl.len()) == 0
    at = pl.when(is_first).then(first).otherwise("touched_at").alias("touched_at")
    rest = touchpoints.filter(~pl.col("channel").is_in(names))
    return pl.concat([rest, *(frame.head(size).with_columns(at) for frame in own)])


# --- one run of all models ------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What came of one input.

    Attributes
    ----------
    credit
        Credit with its bounds by model, a row per channel in the order of names.
    scores
        By model, where models were walked forward.
    learnt
        What models had learnt at the end of the walk, or else for the credit.
    sums
        The sum of the touches' credit by model, for each conversion with a path.
    """

    credit: dict[str, pl.DataFrame]
    scores: dict[str, Scores]
    learnt: dict[str, dict[str, Any]]
    sums: pl.DataFrame


def run(
    world: World, back: dict[str, str] | None = None, *, replicates: int = FEW, walks: bool = True
) -> Run:
    """Walk all models forward, divide all conversions, and give channels their names back."""
    models, back = every_model(), back or {}
    with DuckDBEngine() as engine, pytest.MonkeyPatch.context() as patch:
        draw = bootstrap.draw_buckets
        patch.setattr("lydite.attribution.credit.draw_buckets", lambda n, s: draw(n, s, replicates))
        own = split_of(engine, world, models)
        scores = {model.name: backtest(model, own) for model in models if walks}
        walked = learnt(models, own.landmarks.channels, back) if walks else {}
        pipeline.attribute_conversions(engine, models, SETTINGS.evaluation.seed)
        pipeline.build_marts(engine, ["channel_credit"])
        credit = engine.frame("from mart.channel_credit")
        sums = ", ".join(f'sum("{name}") as "{name}"' for name in NAMES)
        return Run(
            by_model(credit, back),
            scores,
            walked or learnt(models, own.landmarks.channels, back),
            engine.frame(
                f"select {sums} from credit.touch_credit group by outcome, user_key, conversion"
            ),
        )


def split_of(engine: DuckDBEngine, world: World, models: list[Model]) -> Split:
    """Take the steps up to the walk forward."""
    sources = {"touchpoints": world.touchpoints, "conversions": world.conversions}
    pipeline.load_inputs(engine, sources)
    pipeline.build_journeys(
        engine, SETTINGS.lookbacks(find_outcomes(engine)), SETTINGS.evaluation.period
    )
    pipeline.build_samples(engine, SETTINGS.evaluation.max_landmarks)
    [(_, _, own)] = pipeline.load_splits(engine, models)
    return own


def run_paths(
    table: pl.DataFrame, back: dict[str, str] | None = None, replicates: int = FEW
) -> Run:
    """Cross-validate all models on a path table, and divide its conversions."""
    models, back = without_clock(), back or {}
    with DuckDBEngine() as engine, pytest.MonkeyPatch.context() as patch:
        draw = bootstrap.draw_journeys
        patch.setattr(
            "lydite.attribution.path_credit.draw_journeys", lambda n, s: draw(n, s, replicates)
        )
        credit = lydite.credit(table, models=models)
        paths = read_path_table(engine, table)
    own = Split.by_fold(journey_landmarks(paths, weight_columns(models)))
    scores = {model.name: backtest(model, own) for model in models}
    return Run(
        by_model(credit.table, back), scores, learnt(models, paths.channels, back), pl.DataFrame()
    )


def by_model(credit: pl.DataFrame, back: dict[str, str]) -> dict[str, pl.DataFrame]:
    credit = credit.with_columns(pl.col("channel").replace(back)).sort("channel")
    return {name: rows for (name,), rows in credit.group_by("model", maintain_order=True)}


def learnt(
    models: list[Model], channels: tuple[str, ...], back: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """Return what models have learnt: numbers, and those by channel in the order of names."""
    order = np.argsort([back.get(name, name) for name in channels])
    found: dict[str, dict[str, Any]] = {}
    for model in models:
        own = {key: value for key, value in vars(model).items() if key.endswith("_")}
        by_channel = {
            key: value[order]
            for key, value in own.items()
            if isinstance(value, np.ndarray) and value.shape == order.shape
        }
        numbers = {key: value for key, value in own.items() if isinstance(value, float | int)}
        counts = {key: value for key, value in own.items() if key == "pseudo_counts_"}
        found[model.name] = by_channel | numbers | counts
    return found


def assert_same(one: Run, two: Run, name: str) -> None:
    """Check that a model forecast, learnt and credited the same, with the same bounds."""
    for figure in ("landmarks", "conversions", "log_loss", "brier"):
        mine, theirs = (getattr(run.scores[name], figure) for run in (one, two))
        np.testing.assert_allclose(theirs, mine, rtol=1e-9, atol=1e-9, err_msg=figure)
    assert_same_learnt(one, two, name)
    assert_same_credit(one, two, name, CREDIT + BOUNDS)


def assert_same_learnt(one: Run, two: Run, name: str) -> None:
    assert one.learnt[name].keys() == two.learnt[name].keys()
    for attribute, value in one.learnt[name].items():
        other = two.learnt[name][attribute]
        np.testing.assert_allclose(other, value, rtol=1e-8, err_msg=attribute)


def assert_same_credit(one: Run, two: Run, name: str, columns: list[str]) -> None:
    mine, theirs = one.credit[name], two.credit[name]
    assert theirs["channel"].to_list() == mine["channel"].to_list()
    for column in columns:
        a, b = (frame[column].fill_null(-1).to_numpy() for frame in (mine, theirs))
        # Tables are rounded to 9 digits: the last of them may be either.
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=2e-9, err_msg=column)


# --- shared runs ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def base(world) -> Run:
    return run(world)


@pytest.fixture(scope="module")
def renamed(world) -> Run:
    touchpoints = world.touchpoints.with_columns(pl.col("channel").replace_strict(RENAMED))
    back = {new: old for old, new in RENAMED.items()}
    return run(World(touchpoints, world.conversions), back)


@pytest.fixture(scope="module")
def shuffled(world) -> Run:
    frames = (world.touchpoints, world.conversions)
    return run(World(*(frame.sample(fraction=1.0, shuffle=True, seed=3) for frame in frames)))


@pytest.fixture(scope="module")
def retyped(world) -> Run:
    """Ids are integers where touched, and floats where converted."""
    user = pl.col("user_id")
    return run(world.with_users(user.cast(pl.Int64), user.cast(pl.Float64)))


@pytest.fixture(scope="module")
def credited(world) -> Run:
    return run(world, replicates=ENOUGH, walks=False)


@pytest.fixture(scope="module")
def others(world) -> Run:
    """Users have other ids, and so fall to other buckets, in another order."""
    user = pl.format("user {}", "user_id")
    return run(world.with_users(user, user), walks=False)


@pytest.mark.parametrize("name", ["email", "referral"])
def test_the_world_ties_where_it_should(world, name):
    met = world.touchpoints.group_by("channel").agg(pl.len(), pl.col("touched_at").min())
    ties = {channel: rest for channel, *rest in met.rows()}
    assert sorted(ties) == sorted(RENAMED)
    assert sum(tie == ties[name] for tie in ties.values()) == 2
    at_once = world.touchpoints.group_by("user_id", "touched_at").len()
    assert (at_once["len"] > 1).sum() > 50


# --- credit is whole ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pathless(world) -> pl.DataFrame:
    """Return the conversions before which nobody was touched, within the lookback."""
    user, at = pl.col("user_id"), pl.col("converted_at")
    before = at.shift().over("user_id", order_by="converted_at")
    found = (
        world.conversions.with_columns(before=before)
        .join(world.touchpoints, on="user_id", how="left")
        .with_columns(
            counts=(pl.col("touched_at") <= at)
            & (pl.col("touched_at") > at - timedelta(days=14))
            & (pl.col("touched_at") > pl.col("before").fill_null(pl.datetime(1970, 1, 1)))
        )
    )
    counts = found.group_by(user, at, "value").agg(pl.col("counts").fill_null(value=False).any())
    return counts.filter(~pl.col("counts"))


@each_model
def test_every_conversion_with_a_path_is_divided_wholly(credited, world, pathless, name):
    assert len(credited.sums) == len(world.conversions) - len(pathless)
    np.testing.assert_allclose(credited.sums[name], 1, rtol=0, atol=1e-12)


@each_model
def test_channels_have_all_conversions_and_all_value(credited, world, pathless, name):
    rows = credited.credit[name]
    assert rows["conversions"].sum() == pytest.approx(len(world.conversions), abs=1e-7)
    assert rows["value"].sum() == pytest.approx(world.conversions["value"].sum(), abs=1e-4)
    assert rows["share"].sum() == pytest.approx(1, abs=1e-9)
    lost = rows.filter(pl.col("channel") == "(unattributed)")
    assert lost["conversions"].item() == len(pathless) >= LOST
    assert lost["value"].item() == pytest.approx(pathless["value"].sum())


# --- intervals ------------------------------------------------------------------------------------


def assert_bounded(rows: pl.DataFrame) -> None:
    """Check that bounds are in order, and around the credit of what has many conversions."""
    for figure in CREDIT:
        known = rows.drop_nulls(figure)
        low, own, high = (known[f"{figure}{end}"].to_numpy() for end in ("_low", "", "_high"))
        assert np.isfinite([low, own, high]).all()
        assert (low <= high).all()
        many = known["conversions"].to_numpy() >= MANY
        assert many.sum() >= 3
        assert (low < high)[many].all()
        assert ((low <= own) & (own <= high))[many].all()


@each_model
def test_bounds_are_around_the_credit(credited, name):
    assert_bounded(credited.credit[name])


@each_model
def test_who_a_user_is_changes_no_credit(credited, others, name):
    # Scores and bounds depend on who shares a bucket with whom.
    assert_same_learnt(credited, others, name)
    assert_same_credit(credited, others, name, CREDIT)


# --- names, order and types decide nothing --------------------------------------------------------


@each_model
def test_names_of_channels_decide_nothing(base, renamed, name):
    assert_same(base, renamed, name)


@each_model
def test_the_order_of_rows_decides_nothing(base, shuffled, name):
    assert_same(base, shuffled, name)


@each_model
def test_the_type_of_user_ids_decides_nothing(base, retyped, name):
    assert_same(base, retyped, name)


# --- chance is no lead ----------------------------------------------------------------------------

SEEDS = (1, 2, 3)


def drawn_outcomes(world: World, seed: int) -> World:
    """Hand every conversion to a touch drawn at random: a minute later, so before any other."""
    conversions = world.conversions.head(len(world.conversions) - LOST)
    path_events = world.touchpoints.select("user_id", "touched_at").unique(maintain_order=True)
    drawn = path_events.sample(len(conversions), seed=seed)
    at = drawn["touched_at"].alias("converted_at") + timedelta(minutes=1)
    return World(world.touchpoints, conversions.with_columns(drawn["user_id"], at))


def judged(world: World) -> dict[str, Any]:
    """Return the evidence on every model against its null."""
    models = every_model()
    with DuckDBEngine() as engine:
        own = split_of(engine, world, models)
    scores = {model.name: backtest(model, own) for model in models}
    baselines = backtest(TouchVolume(), own), backtest(BaseRate(), own)
    judged = judge_models(SegmentScores(scores, *baselines), ErrorBudget.flat(0.05))
    return judged.verdicts


@pytest.fixture(scope="module")
def by_chance(world) -> list[dict[str, Any]]:
    return [judged(drawn_outcomes(world, seed)) for seed in SEEDS]


@each_model
def test_no_model_is_ahead_of_its_null_where_outcomes_are_drawn(by_chance, name):
    for found in by_chance:
        assert np.isfinite(found[name].gain.radius[-1])
        assert found[name].gain.low[-1] <= 0
        assert found[name].verdict not in {"best", "contender"}


def test_the_truth_is_ahead_of_its_null_where_they_are_not():
    assert judged(make_world(3000))["markov_2"].gain.low[-1] > 0


# --- path tables ----------------------------------------------------------------------------------

RATES = {"a": 0.03, "b": 0.1, "c": 0.2, "d": 0.15, "direct": 0.06}
#: The other way round in the order of names.
PATH_NAMES = {"a": "z", "b": "y", "c": "x", "d": "w", "direct": "(none)"}


def path_table(seed: int = 5, paths: int = 60) -> pl.DataFrame:
    """Draw paths on which c and d are met alike often, and do not convert alike."""
    rng = np.random.default_rng(seed)
    drawn = {tuple(rng.choice(list(RATES), rng.integers(1, 6)).tolist()) for _ in range(paths)}
    rows = []
    for path in sorted(drawn):
        journeys = int(rng.integers(2, 200))
        for twin in sorted({path, swapped(path)}):
            hits = int(rng.binomial(journeys, np.mean([RATES[channel] for channel in twin])))
            rows.append((" > ".join(twin), hits, hits * 3.25, journeys - hits))
    return pl.DataFrame(rows, schema=["path", "conversions", "value", "nulls"], orient="row")


def swapped(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple({"c": "d", "d": "c"}.get(channel, channel) for channel in path)


def with_names(table: pl.DataFrame, names: dict[str, str]) -> pl.DataFrame:
    """Rename the channels of paths."""
    steps = pl.col("path").str.split(" > ")
    return table.with_columns(path=steps.list.eval(pl.element().replace(names)).list.join(" > "))


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return path_table()


@pytest.fixture(scope="module")
def path_base(table) -> Run:
    return run_paths(table)


@pytest.fixture(scope="module")
def path_split(table) -> Run:
    """Every row stands twice, with about half of its journeys, and all rows in another order."""
    counts = pl.col("conversions", "nulls")
    halves = [
        table.with_columns(counts // 2, pl.col("value") / 2),
        table.with_columns(counts - counts // 2, pl.col("value") / 2),
    ]
    return run_paths(pl.concat(halves).sample(fraction=1.0, shuffle=True, seed=2))


@pytest.fixture(scope="module")
def path_renamed(table) -> Run:
    back = {new: old for old, new in PATH_NAMES.items()}
    return run_paths(with_names(table, PATH_NAMES), back)


@pytest.fixture(scope="module")
def path_credited(table) -> Run:
    return run_paths(table, replicates=ENOUGH)


@pytest.fixture(scope="module")
def path_twins(table) -> Run:
    """Only their names tell c and d apart, and so the rare e and f."""
    twins = with_names(table, {"c": "d", "d": "c"})
    rare = table.head(4).with_columns(path=pl.Series(["a > e", "b > e > a", "a > f", "b > f > a"]))
    rare = rare.with_columns(conversions=1, nulls=pl.Series([0, 3, 0, 3]), value=2.0)
    return run_paths(pl.concat([table, twins, rare.cast(dict(table.schema))]))


@each_clockless
def test_channels_of_paths_have_all_conversions_and_all_value(path_credited, table, name):
    rows = path_credited.credit[name]
    assert rows["conversions"].sum() == pytest.approx(table["conversions"].sum(), abs=1e-9)
    assert rows["value"].sum() == pytest.approx(table["value"].sum(), abs=1e-9)
    assert rows["share"].sum() == pytest.approx(1, abs=1e-12)


@each_clockless
def test_bounds_of_paths_are_around_the_credit(path_credited, name):
    assert_bounded(path_credited.credit[name])


@each_clockless
def test_rows_of_equal_paths_are_one(path_base, path_split, name):
    assert_same(path_base, path_split, name)


@each_clockless
def test_names_of_channels_on_paths_decide_nothing(path_base, path_renamed, name):
    assert_same(path_base, path_renamed, name)


# Of two questions that are worth the same a tree asks one first: it may credit twins unlike.
@pytest.mark.parametrize("name", [name for name in CLOCKLESS if name != "decision_tree"])
@pytest.mark.parametrize("pair", ["cd", "ef"])
def test_channels_that_only_names_tell_apart_are_credited_alike(path_twins, name, pair):
    one, two = (path_twins.credit[name].filter(channel=channel) for channel in pair)
    for figure in CREDIT:
        assert one[figure].item() == pytest.approx(two[figure].item(), rel=1e-9)
