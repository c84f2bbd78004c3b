"""Journeys of any rows agree with a reference that is written in plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.journeys import build_path_events_and_conversions, build_touches
from lydite.settings import PathOptions
from tests.helpers.examples import examples
from tests.helpers.input_tables import make_inputs
from tests.helpers.reference_journeys import ReferenceJourneys
from tests.helpers.small_journeys import HOUR, MICROSECOND, day, in_order, table

if TYPE_CHECKING:
    from tests.helpers.small_journeys import Row


USERS = ["1", "10", "é 二", "o'neil", "\N{SHARK}"]
CHANNELS = ["tv", "TV", "Straße", "検索", "a > b", "o'clock; --", "direct", "(None)"]
# Few instants, many of them exactly one lookback apart or a microsecond off.
INSTANTS = [day(0) + h * HOUR + us * MICROSECOND for h in (0, 1, 2, 3, 6, 24) for us in (-1, 0, 1)]
LOOKBACKS = [HOUR, 2 * HOUR, 3 * HOUR - MICROSECOND, 24 * HOUR]

touchpoint_rows = st.tuples(
    st.sampled_from(USERS),
    st.sampled_from(INSTANTS),
    st.sampled_from(CHANNELS),
    st.sampled_from([None, None, "", "é", "z"]),
    st.sampled_from([None, "click"]),
    st.sampled_from([None, 0.0, 1.5]),
    st.sampled_from([None, None, "10", "9"]),
)
conversion_rows = st.tuples(
    st.sampled_from(USERS),
    st.sampled_from(INSTANTS),
    st.sampled_from(["purchase", "lead", "it's 購入"]),
    st.sampled_from([None, 0.0, 9.5]),
    st.sampled_from([None, "10", "9"]),
)


@st.composite
def bursts(draw: st.DrawFn) -> list[Row]:
    """Draw more touches of one user than a path may hold, most of them direct."""
    count = draw(st.integers(48, 56))
    start = draw(st.sampled_from(INSTANTS))
    at_the_edges = [0, 1, count // 2, *range(count - 52, count - 46), count - 1]
    others = draw(st.sets(st.sampled_from(at_the_edges), max_size=2))
    return [
        (USERS[0], start + n * MICROSECOND, "tv" if n in others else "direct", *4 * [None])
        for n in range(count)
    ]


touchpoint_tables = st.builds(
    lambda rows, repeated, burst: rows + rows[:repeated] + burst,
    st.lists(touchpoint_rows, max_size=25),
    st.integers(0, 5),
    st.one_of(st.just([]), bursts()),
)
conversion_tables = st.lists(conversion_rows, max_size=10)


def first_conversions(conversions: list[Row], first_only: set[str]) -> list[Row]:
    """Return conversions without those after the first one of a user, of some outcomes."""
    first: dict[tuple[str, str], Row] = {}
    for row in sorted(conversions, key=lambda row: row[1]):
        first.setdefault((row[0], row[2]), row)
    return [row for row in conversions if row[2] not in first_only or row in first.values()]


@examples(60)
@given(
    touchpoints=touchpoint_tables,
    conversions=conversion_tables,
    lookbacks=st.fixed_dictionaries(
        {"purchase": st.sampled_from(LOOKBACKS), "lead": st.sampled_from(LOOKBACKS)},
        optional={"it's 購入": st.sampled_from(LOOKBACKS)},
    ),
    options=st.dictionaries(
        st.sampled_from(["purchase", "lead"]),
        st.builds(
            PathOptions,
            after_conversion=st.sampled_from(["continue", "restart"]),
            first_only=st.booleans(),
        ),
    ),
)
def test_journeys_agree_with_the_reference(touchpoints, conversions, lookbacks, options):
    restarts = {name for name, own in options.items() if own.after_conversion == "restart"}
    first_only = {name for name, own in options.items() if own.first_only}
    conversions = first_conversions(conversions, first_only)
    expected = ReferenceJourneys(touchpoints, conversions, lookbacks, restarts, first_only)
    with DuckDBEngine(threads=1) as engine:
        make_inputs(engine, touchpoints, conversions)
        build_touches(engine)
        build_path_events_and_conversions(engine, lookbacks, options)
        assert in_order(table(engine, "path_events")) == in_order(expected.path_events)
        assert in_order(table(engine, "path_touches")) == in_order(expected.path_touches)
        assert in_order(table(engine, "conversions")) == in_order(expected.conversions)
