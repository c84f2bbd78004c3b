"""Settings of where data comes from, where results go, and which engine runs."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from lydite.environment import is_reference, mask, references
from lydite.settings.types import Location, LookBack, Section

# Names of the Spark settings that Spark hides, too; some of them are switches and paths.
_SPARK_SECRET = re.compile(r"secret|password|token|access\.?key|account\.key", re.IGNORECASE)
_NO_SECRET = re.compile(r"(true|false|\d+\w?|/.*|)$", re.IGNORECASE)


class DatabaseSource(Section):
    """A select that a database runs.

    Attributes
    ----------
    select
        A `.sql` file with one select, in the dialect of the database.
    database
        A PostgreSQL URL, ``postgresql://reader:${SHOP_PASSWORD}@db.example.com/shop``, or the path
        of a DuckDB file. ``${NAME}`` stands for an environment variable, ``${file:/path}`` for the
        content of a file; one of them alone (also ``env:NAME``, ``file:/path``) is a whole URL.
    watermark
        A time column of the select that grows as rows arrive or change, such as ``updated_at``.
        With it, a run reads only rows since its last value; only for PostgreSQL.
    look_back
        How long before the last value rows are read again, as some arrive late.
    key
        A column that identifies a row: a row that is read again replaces the one before it.
    """

    select: str
    database: Location
    watermark: str | None = None
    look_back: LookBack = timedelta(days=1)
    key: str | None = None

    @property
    def is_postgres(self) -> bool:
        """Whether the database is PostgreSQL; otherwise it is a DuckDB file."""
        return is_reference(self.database) or not self.database.endswith((".duckdb", ".db"))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.select.lower().endswith(".sql"):
            raise ValueError("select must name a .sql file")
        if self.watermark is not None and not self.is_postgres:
            raise ValueError("a DuckDB file is always read whole: leave out watermark")
        if self.watermark is None and self.model_fields_set & {"look_back", "key"}:
            raise ValueError("look_back and key need a watermark: add it, or leave them out")
        return self

    def __str__(self) -> str:
        """Return file and database, without secrets."""
        return f"{self.select} in {mask(self.database)}"


AS_TEXT, AS_TABLE = "as text", "as table"  # no part of a dotted key has a blank
_SourceSetting = Annotated[
    Annotated[Location, Tag(AS_TEXT)] | Annotated[DatabaseSource, Tag(AS_TABLE)],
    Discriminator(lambda value: AS_TABLE if isinstance(value, dict | DatabaseSource) else AS_TEXT),
]


class SourceSettings(Section):
    """Where the input tables come from: files, objects of a store, or selects of a database.

    Either touchpoints and conversions, or a path table.
    """

    touchpoints: _SourceSetting | None = None
    conversions: _SourceSetting | None = None
    spend: _SourceSetting | None = None
    users: _SourceSetting | None = None
    identities: _SourceSetting | None = None
    erasures: _SourceSetting | None = None
    experiments: _SourceSetting | None = None
    paths: _SourceSetting | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self.present()
        if self.paths is not None:
            others = [name for name in given if name != "paths"]
            if others:
                raise ValueError(f"paths and {others[0]} cannot be combined: remove one of them")
            return self
        missing = [name for name in ("touchpoints", "conversions") if name not in given]
        if missing:
            raise PydanticCustomError("missing_sources", "sources are missing", {"names": missing})
        return self

    def present(self) -> dict[str, str | DatabaseSource]:
        """Return the sources that are set, by table."""
        return {name: source for name, source in self if source is not None}


class StorageSettings(Section):
    """Where results go; paths are relative to the settings file.

    Attributes
    ----------
    warehouse, published, report
        The database of the pipeline, the one for analysts, and the HTML report. A run writes them.
    decisions
        The log of decisions. No run can write it again: keep it under version control.
    touch_credit
        Whether the credit of every touch is published, with ids of users.
    """

    warehouse: Path = Path("var/warehouse.duckdb")
    published: Path = Path("var/attribution.duckdb")
    report: Path = Path("var/report.html")
    reports: Path = Path("var/reports")
    touch_credit: bool = True
    decisions: Path = Path("decisions.jsonl")


class EngineSettings(Section):
    """The engine and its resources; an engine chooses what is not set.

    Attributes
    ----------
    name
        ``"spark"`` if the data is too large for one machine.
    threads, memory_limit
        Limits of DuckDB, which holds the sample, the scores and the marts with either engine.
    spark
        Settings of the Spark session, such as ``"spark.master"``. Keys and passwords are references
        (`lydite.environment`).
    """

    name: Literal["duckdb", "spark"] = "duckdb"
    threads: Annotated[int, Field(ge=1)] | None = None
    memory_limit: str | None = None
    spark: dict[str, Location] = {}

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        for name, value in self.spark.items():
            if _SPARK_SECRET.search(name) and not (references(value) or _NO_SECRET.match(value)):
                raise ValueError(
                    f"spark.{name} is a secret: put it in an environment variable or a file, and"
                    " write env:NAME or file:/path"
                )
        return self
