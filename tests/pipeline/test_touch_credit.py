"""The credit of touches with ids and names: a view, or rows copied from another engine."""

from __future__ import annotations

import pytest
from polars.testing import assert_frame_equal

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models import make_models
from lydite.pipeline import attribute_conversions, touch_credit
from lydite.pipeline.touch_credit import TouchCredit


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


def test_a_result_has_the_rows_of_the_published_file(credited, tmp_path, monkeypatch):
    found = TouchCredit.of(credited)
    rows = credited.frame(touch_credit.SELECT)
    assert_frame_equal(found.frame(), rows, check_dtypes=False)
    rows.write_parquet(tmp_path / "shop.parquet")
    assert TouchCredit.published(tmp_path / "shop.parquet").frame().equals(rows)
    monkeypatch.setattr(touch_credit, "MOST_IN_RESULT", 1)
    missing = TouchCredit.of(credited), TouchCredit.published(tmp_path / "none.parquet")
    for one, message in zip(missing, ("too many for one frame", "there is no file"), strict=True):
        with pytest.raises(InputError, match=message):
            one.frame()


def test_rows_of_another_engine_are_copied_if_they_are_few(credited, monkeypatch):
    with DuckDBEngine(threads=1) as local:
        touch_credit.name_touches(Elsewhere(credited, local))
        assert touch_credit.count_touches(local) == touch_credit.count_touches(credited)
        assert local.frame(touch_credit.SELECT).equals(credited.frame(touch_credit.SELECT))
        monkeypatch.setattr(touch_credit, "MOST_GATHERED", 0)
        touch_credit.name_touches(Elsewhere(credited, local))
        assert touch_credit.count_touches(local) is None
