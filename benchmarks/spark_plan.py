"""Prints what every step costs on Spark: stages, tasks, shuffle, spill and CPU, from its own log.

    python -m benchmarks.spark_plan 1000000 4000000
    python -m benchmarks.spark_plan 1200000 --longest 1000000

The second gives one user a million touches, without a conversion between. CPU, shuffle and spill
are those of the whole cluster and hold for a larger one; wall time does not.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lydite import pipeline
from lydite.engine import DuckDBEngine, SparkEngine
from lydite.journeys import find_outcomes
from lydite.models import choose
from lydite.settings import make_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lydite.engine import Engine

CACHE = Path(__file__).parents[1] / "var" / "benchmarks"
SETTINGS = make_settings()
#: A rule for positions and one for the clock, and what divides by the set of channels.
MODELS = ("linear", "time_decay", "markov_1", "shapley")
_TOUCHES_PER_USER = 8
_SETTINGS = {
    "spark.sql.shuffle.partitions": "16",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
    "spark.driver.memory": "4g",
}
# What an event of a finished task holds, and what we call it.
_METRICS = {
    "cpu": (("Executor CPU Time",), 1e-9),
    "read": (("Input Metrics", "Bytes Read"), 1e-6),
    "shuffle": (("Shuffle Write Metrics", "Shuffle Bytes Written"), 1e-6),
    "spill": (("Disk Bytes Spilled",), 1e-6),
    "written": (("Output Metrics", "Bytes Written"), 1e-6),
}
_TOUCHPOINTS = """
    select
        'user ' || case when i < $longest then 0 else 1 + hash(i // 3) % $users end as user_id,
        make_timestamp(
            1767225600000000 + cast(hash(i * 3) % (90 * 86400000000) as bigint)
        ) as touched_at,
        'channel ' || cast(floor(sqrt(hash(i * 5) % 100)) as integer) as channel,
        'campaign ' || hash(i * 7) % 50 as campaign
    from range($touches) as touches (i)
"""
_CONVERSIONS = """
    select user_id, touched_at + interval 5 minutes as converted_at, 10.5 as value
    from read_parquet($touchpoints)
    where hash(user_id, touched_at) % 25 = 0 and not (user_id = 'user 0' and $longest > 0)
"""


@dataclass
class Cost:
    """What a step costs over all machines: seconds of CPU, and megabytes."""

    stages: int = 0
    tasks: int = 0
    cpu: float = 0
    read: float = 0
    shuffle: float = 0
    spill: float = 0
    written: float = 0


class DescribedEngine(SparkEngine):
    """Sets the description of Spark jobs to their table."""

    def create(self, table: str, *arguments: Any) -> None:  # noqa: ANN401
        """Create a table as the engine does, under its name in Spark's log."""
        self.session.sparkContext.setJobDescription(table)
        super().create(table, *arguments)
        self.session.sparkContext.setJobDescription("(small queries)")

    def append(self, table: str, *arguments: Any) -> None:  # noqa: ANN401
        """Append to a table as the engine does, under its name in Spark's log."""
        self.session.sparkContext.setJobDescription(table)
        super().append(table, *arguments)
        self.session.sparkContext.setJobDescription("(small queries)")

    def append_local(self, table: str, *arguments: Any) -> None:  # noqa: ANN401
        """Append to a table of the driver as the engine does, under its name in Spark's log."""
        self.session.sparkContext.setJobDescription(f"{table} (to the driver)")
        super().append_local(table, *arguments)
        self.session.sparkContext.setJobDescription("(small queries)")


def make_sources(touches: int, longest: int = 0) -> dict[str, str]:
    """Return Parquet files of touchpoints and conversions, made at the first call."""
    folder = CACHE / f"spark_{touches}_{longest}"
    files = {name: str(folder / f"{name}.parquet") for name in ("touchpoints", "conversions")}
    if not Path(files["conversions"]).exists():
        folder.mkdir(parents=True, exist_ok=True)
        users = max(1, (touches - longest) // _TOUCHES_PER_USER)
        with DuckDBEngine() as engine:
            values = {"longest": longest, "users": users, "touches": touches}
            engine.create("made.touchpoints", _TOUCHPOINTS, values)
            engine.run(f"copy made.touchpoints to '{files['touchpoints']}'")
            engine.create("made.conversions", _CONVERSIONS, {**files, **values})
            engine.run(f"copy made.conversions to '{files['conversions']}'")
    return files


def run(engine: Engine, sources: Mapping[str, str]) -> float:
    """Run the steps that process every row; return wall seconds."""
    begin = time.perf_counter()
    models = choose(MODELS)
    pipeline.load_inputs(engine, sources)
    pipeline.build_journeys(
        engine, SETTINGS.lookbacks(find_outcomes(engine)), SETTINGS.evaluation.period
    )
    pipeline.build_samples(engine, SETTINGS.evaluation.max_landmarks)
    pipeline.attribute_conversions(engine, models, SETTINGS.evaluation.seed)
    pipeline.build_marts(engine)
    return time.perf_counter() - begin


def on_spark(
    sources: Mapping[str, str], settings: Mapping[str, str]
) -> tuple[float, dict[str, Cost]]:
    """Return the wall seconds, and the cost of every step."""
    with tempfile.TemporaryDirectory() as folder:
        own = {**_SETTINGS, "spark.eventLog.dir": Path(folder).as_uri(), **settings}
        with DescribedEngine(settings=own) as engine:
            seconds = run(engine, sources)
        (log,) = (path for path in Path(folder).iterdir() if not path.name.startswith("."))
        with log.open(encoding="utf-8") as lines:
            return seconds, costs(json.loads(line) for line in lines)


def costs(events: Iterable[Mapping[str, Any]]) -> dict[str, Cost]:
    """Add up what Spark's log says of every task, by the step that it was for."""
    found: dict[str, Cost] = defaultdict(Cost)
    steps: dict[int, str] = {}
    for event in events:
        if event["Event"] == "SparkListenerStageSubmitted":
            step = event["Properties"].get("spark.job.description", "(small queries)")
            steps[event["Stage Info"]["Stage ID"]] = step
            found[step].stages += 1
        elif event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
            _add(found[steps[event["Stage ID"]]], event["Task Metrics"])
    return dict(found)


def _add(cost: Cost, metrics: Mapping[str, Any]) -> None:
    cost.tasks += 1
    for name, (path, unit) in _METRICS.items():
        value: Any = metrics
        for key in path:
            value = value[key]
        setattr(cost, name, getattr(cost, name) + value * unit)


def table(found: Mapping[str, Cost], touches: int) -> str:
    """Write the costs as text: a row per step, the total last, and the bytes per touch."""
    names = [field.name for field in fields(Cost)]
    total = Cost(*(sum(getattr(cost, name) for cost in found.values()) for name in names))
    lines = [f"{'step':28}" + "".join(f"{name:>10}" for name in names)]
    for step, cost in {**found, "total": total}.items():
        lines.append(f"{step:28}" + "".join(f"{getattr(cost, name):>10,.0f}" for name in names))
    lines.append(
        f"per touch: {1e6 * total.cpu / touches:.1f} microseconds of CPU,"
        f" {1e6 * total.shuffle / touches:.0f} bytes of shuffle"
    )
    return "\n".join(lines)


def main() -> None:
    """Read the sizes from the command line, and print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("touches", type=int, nargs="+")
    parser.add_argument("--longest", type=int, default=0, help="touches of the longest journey")
    parser.add_argument("--set", action="append", default=[], help="a setting of Spark, name=value")
    options = parser.parse_args()
    for touches in options.touches:
        sources = make_sources(touches, options.longest)
        with DuckDBEngine() as engine:
            print(f"\n{touches:,} touches, DuckDB: {run(engine, sources):.1f} s of wall time")
        seconds, found = on_spark(sources, dict(item.split("=", 1) for item in options.set))
        print(f"{touches:,} touches, Spark: {seconds:.1f} s of wall time\n{table(found, touches)}")


if __name__ == "__main__":
    main()
