"""What `lydite.credit` returns: tables, and methods that present them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, cast

import polars as pl

from lydite.dataframes import FrameT_co, to_frame
from lydite.errors import InputError
from lydite.models.transition_graph import transition_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import networkx as nx

    from lydite.dataframes import FrameKind
    from lydite.pipeline.touch_credit import TouchCredit
    from lydite.records import (
        CreditRecord,
        WarningRecord,
    )
    from lydite.reporting.notebook import CreditPlots

CREDIT_FIRST = ("outcome", "model", "channel", "conversions", "value", "removal_effect")
NO_TOUCHES = "a path table has no touches: give touchpoints and conversions"


@dataclass(frozen=True, repr=False)
class Credit(Generic[FrameT_co]):
    """Credit by channel, without verdicts: the result of `lydite.credit`.

    Its tables come as the kind of frame that the touchpoints or paths were: polars, Arrow, or
    pandas, also for files.

    Attributes
    ----------
    left_out : mapping of str to str
        Why a model was left out, by name.
    quarantined : mapping of str to mapping of str to int
        Number of rows that were set aside, by table and reason; empty for a path table.
    duplicates : mapping of str to int
        How many rows were copies of others and counted once; only tables that have any.
    """

    _table: pl.DataFrame = field(repr=False)
    _transitions: pl.DataFrame = field(repr=False)
    left_out: Mapping[str, str]
    _kind: FrameKind = field(default="polars", repr=False)
    _notes: Sequence[tuple[str, str]] = field(default=(), repr=False)
    quarantined: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    duplicates: Mapping[str, int] = field(default_factory=dict)
    _touches: TouchCredit | None = None

    def __repr__(self) -> str:
        """Return what the table holds, in a line."""
        names = (("model", "models"), ("channel", "channels"), ("outcome", "outcomes"))
        counted = [
            (self._table[column].n_unique(), column, several)
            for column, several in names
            if column in self._table.columns
        ]
        parts = [f"{n} {one if n == 1 else several}" for n, one, several in counted]
        return f"Credit({', '.join(parts)})"

    @property
    def touch_credit(self) -> FrameT_co:
        """Credit of every touch, as in `Comparison.touch_credit`; only from touchpoints."""
        if self._touches is None:
            raise InputError(NO_TOUCHES)
        return cast("FrameT_co", to_frame(self._touches.frame(), self._kind))

    @property
    def plot(self) -> CreditPlots:
        """A chart for notebooks and files: ``plot.credit()``."""
        from lydite.reporting.notebook import CreditPlots  # noqa: PLC0415

        return CreditPlots(self._table)

    @property
    def table(self) -> FrameT_co:
        """Credit by model and channel, the most credited channel of each model first.

        Conversions, value and share with 95 % intervals (null without intervals), and the removal
        effect of Markov models. From touchpoints also the outcome, and cost, cost per conversion
        and return; the channel ``(unattributed)`` has the conversions without a touch.
        """
        return cast("FrameT_co", to_frame(self._table, self._kind))

    @property
    def warnings(self) -> FrameT_co:
        """What to know about the table, such as unused columns: kind, model (null) and text."""
        schema = {"kind": pl.String, "model": pl.String, "text": pl.String}
        return cast(
            "FrameT_co", to_frame(pl.DataFrame(self._warning_records(), schema=schema), self._kind)
        )

    def _warning_records(self) -> list[WarningRecord]:
        return [{"kind": kind, "model": None, "text": text} for kind, text in self._notes]

    @property
    def transitions(self) -> FrameT_co:
        """The transition matrices of the Markov models: model, from, to, count, probability.

        From touchpoints only those of ``markov_1``, by outcome.
        """
        return cast("FrameT_co", to_frame(self._transitions, self._kind))

    def to_networkx(self, outcome: str | None = None) -> nx.DiGraph:
        """Return the transitions between channels, counted by ``markov_1``, as a graph.

        Parameters
        ----------
        outcome
            Name of the outcome, for credit from touchpoints; the first one by default.

        Returns
        -------
        networkx.DiGraph
            As by `lydite.models.transition_graph.transition_graph`, with removal effects.
            `lydite.models.write_graphml` writes it for Gephi, yEd or Cytoscape.

        Raises
        ------
        InputError
            When ``markov_1`` is not among the models, or there is no such outcome.

        Examples
        --------
        >>> import lydite, pandas as pd
        >>> paths = pd.DataFrame({"path": ["a > b", "b"], "conversions": [3, 1], "nulls": [1, 1]})
        >>> graph = lydite.credit(paths, models=["markov_1"], intervals=False).to_networkx()
        >>> graph.edges["a", "b"]
        {'count': 4.0, 'probability': 1.0}
        """
        of_model = (pl.col("model") == "markov_1") & self._is_outcome(outcome)
        rows = self._table.filter(of_model)
        if rows.is_empty():
            raise InputError("the graph shows the transitions of 'markov_1': add it to the models")
        names = {"from": "from_channel", "to": "to_channel", "count": "transitions"}
        return transition_graph(
            self._transitions.filter(of_model).rename(names),
            dict(rows.select("channel", "removal_effect").rows()),
        )

    def _is_outcome(self, name: str | None) -> pl.Expr:
        """Return the condition that a row is of one outcome, by default the first."""
        names = (
            self._table["outcome"].unique(maintain_order=True).to_list() if self._by_outcome else []
        )
        if name is not None and name not in names:
            raise InputError(
                f"there is no outcome {name!r}; there are: {', '.join(names) or 'none'}"
            )
        return pl.col("outcome") == (name or names[0]) if names else pl.lit(value=True)

    @property
    def _by_outcome(self) -> bool:
        return "outcome" in self._table.columns

    def to_dict(self) -> CreditRecord:
        """Return the result as plain data: what ``lydite credit --format json`` prints."""
        first = [name for name in CREDIT_FIRST if name in self._table.columns]
        more = [name for name in self._table.columns if name not in first]
        record: dict[str, object] = {
            "credit": self._table.select(*first, *more).to_dicts(),
            "transitions": self._transitions.to_dicts(),
            "left_out": dict(self.left_out),
        }
        if self._notes:
            record["warnings"] = self._warning_records()
        if self.quarantined:
            record["quarantined"] = {name: dict(found) for name, found in self.quarantined.items()}
        if self.duplicates:
            record["duplicates"] = dict(self.duplicates)
        return cast("CreditRecord", record)

    def _repr_html_(self) -> str:
        return self._table._repr_html_()
