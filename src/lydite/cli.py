"""The command line: parses, calls the library, prints."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  (the command line reads its annotations)
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import typer

if TYPE_CHECKING:
    from lydite.models import Model
    from lydite.results import Comparison

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    # Says that --help was not asked for when a command follows: typer would otherwise import
    # pydantic only to convert that missing value, a third of the time `compare --help` takes.
    context_settings={"default_map": {"help": False}},
    help="Put attribution models on trial: which of them explains conversions best?",
)

_COMPARE_EXAMPLES = """
**Examples**

`lydite compare --touchpoints touchpoints.parquet --conversions conversions.parquet`

`lydite compare --touchpoints 'touches/*.csv' --conversions orders.csv --lookback 14d --report page.html`

`lydite compare --touchpoints t.parquet --conversions c.parquet --models linear,last_touch --format json`

`lydite compare --touchpoints t.parquet --conversions c.parquet --rule "late=position * 1.0"`

`lydite compare --paths paths.csv`
"""  # noqa: E501
_CREDIT_EXAMPLES = """
**Examples**

`lydite credit --paths paths.csv`

`lydite credit --paths paths.csv --models markov_1,shapley --normalise global --format json`
"""
_SIMULATE_EXAMPLES = """
**Examples**

`lydite simulate --world linear --users 20000 --seed 1 --out linear_world`

`lydite simulate --world storefront --users 20000 --seed 7 --out data_samples`
"""


def _version(asked: bool) -> None:
    if asked:
        from lydite import __version__  # noqa: PLC0415

        typer.echo(f"lydite {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


Paths = Annotated[
    str | None,
    typer.Option(help="A path table instead: columns path (a > b > c), conversions, value, nulls."),
]
Models = Annotated[str | None, typer.Option(help="Rivals, separated by commas. All by default.")]
Rules = Annotated[
    list[str] | None,
    typer.Option("--rule", help="A rule of your own, 'name=SQL expression'; repeat for more."),
]
Format = Annotated[
    Literal["table", "json"], typer.Option("--format", help="For people or for programs.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


@app.command(epilog=_COMPARE_EXAMPLES)
def compare(
    touchpoints: Annotated[
        str | None, typer.Option(help="Parquet, CSV or JSON file, or a glob.")
    ] = None,
    conversions: Annotated[
        str | None, typer.Option(help="Parquet, CSV or JSON file, or a glob.")
    ] = None,
    paths: Paths = None,
    spend: Annotated[str | None, typer.Option(help="Daily cost by channel.")] = None,
    users: Annotated[str | None, typer.Option(help="Segments by user.")] = None,
    lookback: Annotated[
        str, typer.Option(help="How long before a conversion a touch counts: 12h, 30d, 4w.")
    ] = "30d",
    period: Annotated[
        Literal["day", "week", "month"], typer.Option(help="How often models are fitted anew.")
    ] = "week",
    outcome: Annotated[
        list[str] | None, typer.Option(help="Outcome to judge; repeat for more. All by default.")
    ] = None,
    models: Models = None,
    rule: Rules = None,
    alpha: Annotated[
        float, typer.Option(help="Chance of any wrong separation, however often one looks.")
    ] = 0.05,
    seed: Annotated[
        int, typer.Option(help="Seeds the ceiling's training sample and the intervals of credit.")
    ] = 0,
    engine_name: Annotated[
        Literal["duckdb", "spark"],
        typer.Option("--engine", help="Spark, where the rows are too many for this machine."),
    ] = "duckdb",
    output: Format = "table",
    report: Annotated[Path | None, typer.Option(help="Write the leaders' page here.")] = None,
    database: Annotated[Path | None, typer.Option(help="Write the result tables here.")] = None,
    quiet: Quiet = False,
) -> None:
    """Compare attribution models on your touchpoints and conversions, or on a path table."""
    given = {
        "touchpoints": touchpoints, "conversions": conversions, "spend": spend, "users": users,
    }  # fmt: skip
    sources = {name: source for name, source in given.items() if source is not None}
    _check_sources(paths, sources, database)
    _check_engine(engine_name, paths)

    from lydite import pipeline  # noqa: PLC0415  (heavy imports only where they are used)
    from lydite.engine import open_temporary_engine  # noqa: PLC0415
    from lydite.path_comparison import compare_paths  # noqa: PLC0415
    from lydite.publishing import publish  # noqa: PLC0415
    from lydite.results import read_comparison  # noqa: PLC0415
    from lydite.settings import EngineSettings, make_settings  # noqa: PLC0415

    settings = make_settings(lookback, period, outcome, alpha, seed)
    rivals = _rivals(models, rule)
    engines = open_temporary_engine(EngineSettings(name=engine_name), sources.values())
    with engines as engine, _Progress(quiet=quiet) as progress:
        if paths is not None:
            comparison = compare_paths(paths, settings.evaluation, rivals, progress.say)
        else:
            pipeline.run(engine, sources, settings, progress.say, rivals)
            comparison = read_comparison(engine.local)
        if report is not None:
            progress.say("writing the page")
            comparison.to_html(report)
        if database is not None:
            progress.say("writing the database")
            publish(engine.local, database)
    _show(comparison, output)


def _check_sources(paths: str | None, sources: dict[str, str], database: Path | None) -> None:
    from lydite.errors import InputError  # noqa: PLC0415

    if paths is None:
        missing = [name for name in ("touchpoints", "conversions") if name not in sources]
        if missing:
            raise InputError(
                f"--{missing[0]} is missing: give --touchpoints and --conversions, or --paths"
            )
    elif sources:
        raise InputError(f"--paths stands alone: leave out --{next(iter(sources))}, or --paths")
    elif database is not None:
        raise InputError("--database needs --touchpoints and --conversions; leave it out")


def _check_engine(name: str, paths: str | None) -> None:
    from lydite.errors import InputError  # noqa: PLC0415

    if name != "duckdb" and paths is not None:
        raise InputError("--paths is read on this machine: leave out --engine")


def _rivals(models: str | None, rules: list[str] | None) -> list[Model] | None:
    """Return the models that were asked for, with rules of one's own; None for all as they are."""
    from lydite.errors import InputError  # noqa: PLC0415
    from lydite.models import DEFAULT_MODELS, choose, make_rule  # noqa: PLC0415

    names = [name.strip() for name in models.split(",") if name.strip()] if models else None
    if not names and not rules:
        return None
    own = []
    for text in rules or ():
        name, equals, expression = text.partition("=")
        if not equals:
            raise InputError(f"--rule {text!r}: write name=expression, such as 'mine=1.0/position'")
        own.append(make_rule(name.strip(), expression.strip()))
    return choose([*(names or DEFAULT_MODELS), *own])


@app.command(epilog=_CREDIT_EXAMPLES)
def credit(
    paths: Annotated[
        str, typer.Option(help="A path table: columns path (a > b > c), conversions, value, nulls.")
    ],
    models: Models = None,
    rule: Rules = None,
    normalise: Annotated[
        Literal["path", "global"],
        typer.Option(
            help="Markov: credit within each path, or all conversions shared out at once."
        ),
    ] = "path",
    seed: Annotated[int, typer.Option(help="Seeds the intervals.")] = 0,
    intervals: Annotated[
        bool,
        typer.Option("--intervals/--no-intervals", help="95 % intervals: most of the work."),
    ] = True,
    output: Format = "table",
    quiet: Quiet = False,
) -> None:
    """Divide the conversions of a path table by every model that needs no clock."""
    from lydite.api import credit as divide  # noqa: PLC0415

    with _Progress(quiet=quiet) as progress:
        progress.say("dividing the conversions")
        divided = divide(
            paths,
            models=_rivals(models, rule),
            normalise=normalise,
            seed=seed,
            intervals=intervals,
        )
    if output == "json":
        _print_json(divided.to_dict())
        return
    from rich.console import Console  # noqa: PLC0415

    from lydite.reporting.credit_table import print_credit  # noqa: PLC0415

    print_credit(divided, Console())


def _print_json(result: dict[str, Any]) -> None:
    import json  # noqa: PLC0415

    print(json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False))


def _show(comparison: Comparison, output: str) -> None:
    if output == "json":
        _print_json(comparison.to_dict())
        return
    from rich.console import Console  # noqa: PLC0415

    from lydite.reporting.terminal import print_comparison  # noqa: PLC0415

    print_comparison(comparison, Console())


@app.command(epilog=_SIMULATE_EXAMPLES)
def simulate(
    world: Annotated[str, typer.Option(help="The world; an unknown name lists them.")],
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    users: Annotated[int, typer.Option(help="How many users.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    weeks: Annotated[int, typer.Option(help="Length of the history.")] = 26,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Simulate touchpoints and conversions in a world whose truth is known."""
    from lydite.simulation import simulate as run  # noqa: PLC0415

    with _Progress(quiet=quiet) as progress:
        progress.say(f"simulating {world}")
        made = run(world, users=users, seed=seed, weeks=weeks)
        progress.say(f"writing to {out}")
        made.write(out)
    if not quiet:
        print(
            f"{out}: {made.touchpoints.height} touchpoints, {made.conversions.height} conversions"
        )


class _Progress:
    """A line on standard error that says what goes on, on a terminal only while it goes on."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def __enter__(self) -> Self:
        from rich.console import Console  # noqa: PLC0415

        self._console = Console(stderr=True, quiet=self._quiet)
        self._status = self._console.status("starting")
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def say(self, step: str) -> None:
        if self._console.is_terminal:
            self._status.update(step)
        else:
            self._console.print(step, style="dim")


def main() -> None:
    """Run the command; exit 2 on bad input, 1 when the fault is ours."""
    from lydite.errors import LyditeError  # noqa: PLC0415

    try:
        app()
    except LyditeError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
