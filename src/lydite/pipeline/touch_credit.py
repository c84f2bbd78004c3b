"""The credit of single touches, with ids and names, for the published file and for results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from lydite.attribution.credit_sql import named_touches_sql
from lydite.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from lydite.engine import DuckDBEngine, Engine

#: The table, or view, with a row per credited touch and a column per model.
NAMED = "credit.named_touches"
#: The file whose select has a row per touch, conversion and model.
SELECT = "marts/touch_credit"
#: The most credited touches that are copied from Spark, held in a result, or put into the file.
MOST_GATHERED, MOST_IN_RESULT, MOST_IN_FILE = 2_000_000, 500_000, 50_000

#: The first day of the week of a conversion, a Monday: rows are published week by week.
WEEK = "date_trunc('week', converted_at)"

CREDIT = "credit.touch_credit"
#: The columns of ``credit.named_touches`` before those of the models.
_KEYS = (
    "outcome", "user_id", "conversion", "conversion_id", "converted_at", "value", "position",
    "touched_at", "channel", "campaign",
)  # fmt: skip


def name_touches(engine: Engine) -> None:
    """Create ``credit.named_touches`` in the local database, from the credit of the last run.

    On DuckDB it is a view. From Spark the rows are copied, if they are at most `MOST_GATHERED`.
    """
    local = engine.local
    local.drop(NAMED)
    select = named_touches_sql(engine.columns(CREDIT))
    if engine is local:
        local.create_view(NAMED, select)
    elif engine.scalar(f"select count(*) from {CREDIT}") <= MOST_GATHERED:
        engine.append_local(NAMED, select)


def count_touches(engine: DuckDBEngine) -> int | None:
    """Return how many credited touches there are; None where they are not in this database."""
    if not engine.exists(NAMED):
        return None
    place = CREDIT if engine.exists(CREDIT) else NAMED  # without the joins of the view
    return int(engine.scalar(f"select count(*) from {place}"))


@dataclass(frozen=True)
class TouchCredit:
    """The credit of touches of one run, for a result.

    Attributes
    ----------
    named
        The rows of ``credit.named_touches``.
    file
        The published Parquet file, instead of rows.
    missing
        Why there are neither.
    """

    named: pl.DataFrame | None = None
    file: Path | None = None
    missing: str = ""

    @classmethod
    def of(cls, engine: DuckDBEngine) -> TouchCredit:
        """Copy the credit of touches of the last run, if it is not too much for a frame."""
        touches = count_touches(engine)
        if touches is None:
            return cls(missing="the credit of touches stays in Spark: credit.touch_credit")
        if touches > MOST_IN_RESULT:
            return cls(
                missing=f"{touches:,} touches are too many for one frame: write them with"
                " lydite compare --database, and read the Parquet file next to the database"
            )
        order = f"outcome, {WEEK}, user_id, conversion, position"
        return cls(engine.frame(f"from {NAMED} order by {order}"))

    @classmethod
    def published(cls, file: Path) -> TouchCredit:
        """Return the credit of touches in a published Parquet file."""
        if file.exists():
            return cls(file=file)
        return cls(
            missing=f"there is no file {file}: the run did not publish the credit of touches"
        )

    def frame(self) -> pl.DataFrame:
        """Return a row per touch, conversion and model, in the order of the published file.

        Raises
        ------
        InputError
            When the credit of touches is not in the result; the message says where it is.
        """
        if self.file is not None:
            return pl.read_parquet(self.file)
        if self.named is None:
            raise InputError(self.missing)
        models = self.named.columns[len(_KEYS) :]
        long = self.named.with_row_index("row").unpivot(
            models, index=["row", *_KEYS], variable_name="model", value_name="weight"
        )
        place = {model: number for number, model in enumerate(models)}
        order = pl.col("model").replace_strict(place, return_dtype=pl.Int64)
        return long.sort("row", order).drop("row").with_columns(pl.col("weight").round(12))
