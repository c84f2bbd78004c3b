"""The result of a simulation: the input tables, the truth, and how both are written to files."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

_ROWS_PER_GROUP = 100_000


@dataclass(frozen=True)
class World:
    """Simulated marketing data with its known truth.

    Attributes
    ----------
    touchpoints : polars.DataFrame
        ``user_id, touched_at, channel, campaign, interaction, cost, touchpoint_id``, by time; UTC.
    conversions : polars.DataFrame
        ``user_id, converted_at, outcome, value, conversion_id``, by time; UTC.
    spend : polars.DataFrame
        ``date, channel, campaign, cost``: cost per day; its channels have no touch cost.
    users : polars.DataFrame
        ``user_id, customer_type, region``; in the variant ``accounts`` also ``account_id``, in
        ``countries`` also ``country``.
    truth : dict
        The claim that holds in this world, its parameters, and true effects of channels, if any;
        the variant, if any, and in ``bots`` the identifiers of the bots.
    experiments : polars.DataFrame, optional
        ``experiment, user_id, arm, assigned_at``, by experiment and user; UTC.
    """

    touchpoints: pl.DataFrame
    conversions: pl.DataFrame
    spend: pl.DataFrame
    users: pl.DataFrame
    truth: dict[str, Any]
    experiments: pl.DataFrame | None = None

    def write(self, directory: str | Path) -> Path:
        """Write the tables as Parquet and the truth as JSON.

        The same world always gives the same bytes (with the same versions of the libraries). Every
        file is written under a temporary name and renamed once all of them are complete.

        Parameters
        ----------
        directory : str or Path
            Created if missing; files of the same names are replaced.

        Returns
        -------
        Path
            The directory.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        parts: dict[Path, Path] = {}
        try:
            for name in ("touchpoints", "conversions", "spend", "users", "experiments"):
                table = getattr(self, name)
                if table is not None:
                    parts[_part(folder, f"{name}.parquet")] = folder / f"{name}.parquet"
                    _write_table(table, _part(folder, f"{name}.parquet"))
            parts[_part(folder, "truth.json")] = folder / "truth.json"
            _write_truth(self.truth, _part(folder, "truth.json"))
            for part, target in parts.items():
                part.replace(target)
        finally:
            for part in parts:
                part.unlink(missing_ok=True)
        return folder


def _part(folder: Path, name: str) -> Path:
    return folder / f".{name}.{os.getpid()}.part"


def _write_table(table: pl.DataFrame, path: Path) -> None:
    table.write_parquet(
        path,
        compression="zstd",
        compression_level=9,
        row_group_size=_ROWS_PER_GROUP,
        statistics=True,
    )


def _write_truth(truth: dict[str, Any], path: Path) -> None:
    text = json.dumps(_rounded(truth), indent=2, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _rounded(item: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Round floats to six digits, because the last bits may differ between machines."""
    if isinstance(item, float):
        return round(item, 6)
    if isinstance(item, dict):
        return {key: _rounded(value) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_rounded(value) for value in item]
    return item
