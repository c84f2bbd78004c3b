"""The comparison table as text: the same rows on the terminal, in notebooks and in the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.evaluation.verdicts import BASELINES
from lydite.reporting import formats
from lydite.reporting.display_names import model_label, model_word
from lydite.reporting.queries import (
    is_primary,
    primary_models,
    references_of,
    rivals_of,
    same_forecast,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

_LOSS_DECIMALS = 5


@dataclass(frozen=True)
class ModelRow:
    """One model of the comparison table, every number rounded by its error.

    Attributes
    ----------
    improvement, bounds
        By how much the model improves the forecast beyond what the better baseline predicts.
    share
        The improvement as a share of the best achieved, that of the ceiling.
    kind
        The verdict as in the tables; empty for baselines and the ceiling.
    verdict, refuted_by, since, same_forecast
        The verdict in words, by which model and since when it is refuted, and which models make
        the same forecast; empty if there are none.
    primary
        Whether it is a primary model, and others are not.
    """

    rank: str
    model: str
    claim: str
    loss: str
    improvement: str
    bounds: str
    share: str
    auc: str
    kind: str
    verdict: str
    refuted_by: str
    since: str
    same_forecast: str
    primary: bool = False

    @property
    def label(self) -> str:
        """The name of the model for readers."""
        return model_label(self.model)

    @property
    def is_reference(self) -> bool:
        """Whether it is a baseline or the ceiling, which have no verdict."""
        return not self.kind

    @property
    def short_verdict(self) -> str:
        """The verdict for one cell of a narrow table."""
        verdict = f"{self.verdict} {self.refuted_by}".strip()
        return f"{verdict}; {self.same_forecast}" if self.same_forecast else verdict


def model_rows(comparison: Comparison, outcome: str) -> list[ModelRow]:
    """Return the rows of one outcome: the rivals, best first, then baselines and the ceiling."""
    rivals, references = rivals_of(comparison, outcome), references_of(comparison, outcome)
    loss = _loss_decimals(rivals, references)
    decimals = [formats.percent_decimals(*_bounds(row)) for row in rivals]
    some = len(primary_models(rivals)) < len(rivals)
    return [
        *(
            _model_row(row, loss, n, share=True, primary=some and is_primary(row))
            for row, n in zip(rivals, decimals, strict=True)
        ),
        *(_model_row(row, loss, max(decimals, default=2)) for row in references),
    ]


def _model_row(
    row: Row, loss_decimals: int, decimals: int, *, share: bool = False, primary: bool = False
) -> ModelRow:
    same = formats.enumerate_names([model_word(name) for name in same_forecast(row)])
    return ModelRow(
        rank="" if row["rank"] is None else str(row["rank"]),
        model=formats.plain(row["model"]),
        claim=formats.plain(row["claim"] or ""),
        loss=formats.fixed(row["log_loss_bits"], loss_decimals),
        improvement=formats.percent(row["explained"], decimals),
        bounds=formats.interval(*_bounds(row)),
        share=formats.percent(row["share_of_ceiling"]) if share else "",
        auc=formats.fixed(row["auc"], 3),
        kind=row["verdict"] or "",
        verdict=formats.verdict_label(row["verdict"]),
        refuted_by=f"by {model_word(row['refuted_by'])}" if row["refuted_by"] else "",
        since=f"since {formats.day_in_words(row['refuted_in'])}" if row["refuted_in"] else "",
        same_forecast=f"same forecast as {same}" if same else "",
        primary=primary,
    )


def _bounds(row: Row) -> tuple[float | None, float | None]:
    return row["explained_low"], row["explained_high"]


def _loss_decimals(rivals: Sequence[Row], references: Sequence[Row]) -> int:
    """Return the decimals of all losses, by the smallest error among the rivals."""
    losses = [row["log_loss_bits"] for row in references if row["model"] in BASELINES]
    null = min(filter(None, losses), default=None)
    widths = [formats.half_width(*_bounds(row)) for row in rivals]
    known = [width for width in widths if width]
    if not known or not null:
        return _LOSS_DECIMALS
    return max(formats.decimals_for(min(known) * null, usual=_LOSS_DECIMALS), 3)
