"""Places and figures of the chart of spend against credit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lydite.reporting.channel_money import ChannelMoney, channel_money
from lydite.reporting.money_chart import MOST_ROWS, money_chart
from tests.helpers.made_comparisons import CONTENDERS, make_comparison

_SHARE = st.floats(0, 1)


@given(st.lists(st.tuples(_SHARE, _SHARE, _SHARE), max_size=30))
def test_all_marks_are_inside_the_chart(shares):
    rows = [
        ChannelMoney(f"c{n}", f"C{n}", f"c{n}", 10, spend, 5, 7, share,
                     (share, min(1, share + 0.1)), (1, 2),
                     (min(share, other), max(share, other)), (1, 2), (1, 2), other)
        for n, (spend, share, other) in enumerate(shares)
    ]  # fmt: skip
    chart = money_chart(rows)
    assert len(chart.rows) + len(chart.smaller) == len(rows)
    assert len(chart.rows) <= MOST_ROWS
    assert chart.ticks[0] == (0, "0%")
    assert 100 - chart.ticks[1][0] <= chart.ticks[-1][0] <= 100 + 1e-6
    for row in (*chart.rows, *chart.smaller):
        for span in (row.spend_bar, row.range_bar, row.interval):
            assert 0 <= span.x <= span.x + span.width <= 100 + 1e-6
        assert 0 <= row.credit <= 100 + 1e-6
        assert row.range_bar.x - 1e-6 <= row.credit <= row.range_bar.x + row.range_bar.width + 1e-6


def test_figures_are_those_of_the_channel():
    money = channel_money(make_comparison(("purchase", CONTENDERS)), "purchase", "linear")
    chart = money_chart(money)
    assert chart.has_spend
    assert chart.has_value
    row, channel = chart.rows[0], money[0]
    assert row.spend == "900"
    assert row.returned == f"{channel.value / 900:.1f}"
    low, high = channel.standing_return
    assert row.range == f"{low:.1f} to {high:.1f}"


def test_without_spend_the_range_is_that_of_the_share():
    row = ChannelMoney(
        "a", "A", "a", None, None, 5, None, 0.4, None, (4, 6), (0.3, 0.5), None, None, None
    )
    chart = money_chart([row])
    assert not chart.has_spend
    assert (chart.rows[0].range, chart.rows[0].spend_bar) == ("30% to 50%", None)
    assert money_chart([]).rows == []
