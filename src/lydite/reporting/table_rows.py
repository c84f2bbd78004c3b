"""Lines: the comparison table as text, the same on every face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lydite.reporting import formats
from lydite.reporting.queries import alike, references_of, rivals_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.results import Comparison

    Row = Mapping[str, Any]

_NULL = "touch_volume"
_LOSS_DECIMALS = 5


@dataclass(frozen=True)
class Line:
    """One model of the comparison table, every number rounded by its error.

    Attributes
    ----------
    kind
        The verdict as the tables hold it; empty for baselines and the ceiling.
    verdict, by, alike
        The verdict, by whom the model is refuted and since when, and whose forecast is the same;
        empty where there is nothing to say.
    """

    rank: str
    model: str
    claim: str
    loss: str
    explained: str
    bounds: str
    share: str
    auc: str
    kind: str
    verdict: str
    by: str
    alike: str

    @property
    def is_reference(self) -> bool:
        """Whether it is a baseline or the ceiling, which get no verdict."""
        return not self.kind

    @property
    def verdict_in_short(self) -> str:
        """The verdict in one cell of a narrow table."""
        verdict = f"{self.verdict} {self.by.split(',')[0]}".strip()
        return f"{verdict}; {self.alike}" if self.alike else verdict


def lines_of(comparison: Comparison, outcome: str) -> list[Line]:
    """Return the lines of one outcome: the rivals, best first, then the references."""
    rivals, references = rivals_of(comparison, outcome), references_of(comparison, outcome)
    loss = _loss_decimals(rivals, references)
    share = max((formats.percent_decimals(*_bounds(row)) for row in rivals), default=2)
    rival_lines = [
        _line(row, loss, formats.percent_decimals(*_bounds(row)), formats.percent(_share(row)))
        for row in rivals
    ]
    return [*rival_lines, *(_line(row, loss, share, "") for row in references)]


def _line(row: Row, loss_decimals: int, decimals: int, share: str) -> Line:
    since = f", since {row['refuted_in']}" if row.get("refuted_in") else ""
    same = ", ".join(formats.plain(name) for name in alike(row))
    return Line(
        rank="" if row["rank"] is None else str(row["rank"]),
        model=formats.plain(row["model"]),
        claim=formats.plain(row["claim"] or ""),
        loss=formats.fixed(row["log_loss_bits"], loss_decimals),
        explained=formats.percent(row["explained"], decimals),
        bounds=formats.interval(*_bounds(row)),
        share=share,
        auc=formats.fixed(row["auc"], 3),
        kind=row["verdict"] or "",
        verdict=formats.verdict_label(row["verdict"]),
        by=f"by {formats.plain(row['refuted_by'])}{since}" if row["refuted_by"] else "",
        alike=f"same forecast as {same}" if same else "",
    )


def _bounds(row: Row) -> tuple[float | None, float | None]:
    return row["explained_low"], row["explained_high"]


def _share(row: Row) -> float | None:
    share: float | None = row["share_of_ceiling"]
    return share


def _loss_decimals(rivals: Sequence[Row], references: Sequence[Row]) -> int:
    """Return decimals for all losses alike, by the sharpest error among the rivals."""
    null = next((row["log_loss_bits"] for row in references if row["model"] == _NULL), None)
    widths = [formats.half_width(*_bounds(row)) for row in rivals]
    known = [width for width in widths if width]
    if not known or not null:
        return _LOSS_DECIMALS
    return max(formats.decimals_for(min(known) * null, usual=_LOSS_DECIMALS), 3)
