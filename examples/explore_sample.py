"""A marimo notebook that explores the sample: `marimo edit examples/explore_sample.py`."""
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import marimo

app = marimo.App(width="medium", app_title="Explore the sample")


@app.cell
def _():
    from pathlib import Path

    import marimo as mo
    import polars as pl

    import lydite

    return Path, lydite, mo, pl


@app.cell
def _(mo):
    mo.md(
        """
        # Which attribution model should you believe?

        The sample has touches, conversions and spend of a simulated shop. Each model forecasts
        conversions that it has not seen; the forecasts decide which models stand.
        """
    )


@app.cell
def _(Path, lydite, mo):
    folder = Path(mo.notebook_dir() or "examples").parent / "data_samples"
    result = lydite.compare(
        str(folder / "touchpoints.parquet"),
        str(folder / "conversions.parquet"),
        spend=str(folder / "spend.parquet"),
        models=["last_touch", "linear", "markov_1"],
        outcomes=["purchase", "signup"],
        lookback=["30d", "7d"],
    )
    print(result)
    return (result,)


@app.cell
def _(mo, result):
    outcome = mo.ui.dropdown(
        [counts["outcome"] for counts in result.outcomes],
        value=result.outcomes[0]["outcome"],
        label="outcome",
    )
    outcome
    return (outcome,)


@app.cell
def _(mo, outcome, result):
    verdict = result.verdict(outcome.value)
    print(verdict)
    mo.md(f"## Verdict\n\n{verdict}")


@app.cell
def _(mo, outcome, result):
    mo.vstack([result.plot.models(outcome.value), result.plot.evidence(outcome.value)])


@app.cell
def _(mo):
    mo.md("## Credit\n\nPoints: each model that stands. Grey: the range over all of them.")


@app.cell
def _(outcome, result):
    result.plot.credit(outcome.value)


@app.cell
def _(mo, outcome, result):
    of_outcome = result.campaigns[result.campaigns["outcome"] == outcome.value]
    campaigns = of_outcome[of_outcome["campaign"].notna()]
    print("campaigns:", len(campaigns))
    mo.vstack([mo.md("### Campaigns"), mo.ui.table(campaigns.round(2), selection=None)])


@app.cell
def _(mo, outcome, result):
    lookbacks = result.lookbacks[result.lookbacks["outcome"] == outcome.value]
    print(lookbacks[["model", "lookback", "verdict"]].to_string(index=False))
    mo.vstack(
        [
            mo.md("## Lookbacks\n\nImprovements with different lookbacks are about other orders."),
            mo.ui.table(
                lookbacks[["model", "lookback", "explained", "verdict", "attributed"]],
                selection=None,
            ),
        ]
    )


@app.cell
def _(mo, outcome, pl, result):
    touches = pl.from_pandas(result.touch_credit).filter(pl.col("outcome") == outcome.value)
    longest = touches.sort("position", descending=True).row(0, named=True)
    journey = (
        touches.filter(
            pl.col("user_id") == longest["user_id"], pl.col("conversion") == longest["conversion"]
        )
        .pivot("model", index=["position", "touched_at", "channel", "campaign"], values="weight")
        .sort("position")
    )
    print("touches of the longest journey:", len(journey))
    mo.vstack(
        [
            mo.md("## One journey\n\nThe credit of each touch of the longest journey."),
            mo.ui.table(journey, selection=None),
        ]
    )


if __name__ == "__main__":
    app.run()
