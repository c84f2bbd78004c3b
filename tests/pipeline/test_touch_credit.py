"""The credit of touches with ids and names: a view, or rows copied from another engine."""

from __future__ import annotations

import pytest

from lydite.engine import DuckDBEngine
from lydite.models import make_models
from lydite.pipeline import attribute_conversions, touch_credit


class Elsewhere:
    """An engine whose tables are not in its local database, as those of Spark are."""

    def __init__(self, rows: DuckDBEngine, local: DuckDBEngine) -> None:
        self.rows, self.local = rows, local

    def columns(self, relation: str) -> dict[str, str]:
        return self.rows.columns(relation)

    def scalar(self, sql: str) -> object:
        return self.rows.scalar(sql)

    def append_local(self, table: str, select: str) -> None:
        self.local.store(table, self.rows.frame(select))


@pytest.fixture
def credited(engine):
    attribute_conversions(engine, make_models(["linear", "last_touch"]), None)
    touch_credit.name_touches(engine)
    return engine


def test_conversions_and_positions_are_numbered_from_one(credited):
    rows = credited.frame(touch_credit.SELECT)
    assert credited.scalar("select count(*) from credit.touch_credit") * 2 == len(rows)
    assert touch_credit.count_touches(credited) * 2 == len(rows)
    users = credited.rows(
        "select user_id, count(distinct conversion), max(conversion), min(conversion)"
        " from credit.named_touches group by user_id"
    )
    counted = dict(
        credited.rows(
            "select user_id, count(*) from journeys.conversions inner join journeys.users"
            " using (user_key) group by user_id"
        )
    )
    assert all(most <= counted[user] and least >= 1 for user, _, most, least in users)
    lengths = credited.rows(
        "select count(*), min(position), max(position) from credit.named_touches"
        " group by user_id, conversion"
    )
    assert all((first, last) == (1, n) for n, first, last in lengths)


def test_rows_of_another_engine_are_copied_if_they_are_few(credited, monkeypatch):
    with DuckDBEngine(threads=1) as local:
        touch_credit.name_touches(Elsewhere(credited, local))
        assert touch_credit.count_touches(local) == touch_credit.count_touches(credited)
        assert local.frame(touch_credit.SELECT).equals(credited.frame(touch_credit.SELECT))
        monkeypatch.setattr(touch_credit, "MOST_GATHERED", 0)
        touch_credit.name_touches(Elsewhere(credited, local))
        assert touch_credit.count_touches(local) is None
