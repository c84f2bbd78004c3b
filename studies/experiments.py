"""How often readings of experiments without an effect are wrong, and how often effects are found.

    .venv/bin/python -m studies.experiments            # run what is missing
    .venv/bin/python -m studies.experiments --write    # write the table

Each run simulates 100 experiments of one kind and appends a line to
`var/studies/experiments.jsonl`. It can be stopped and started again: finished runs are skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy import stats

from lydite.experiments.checks import check_sample_ratio
from lydite.experiments.covariates import combine_covariates
from lydite.experiments.power import users_for_rate
from lydite.experiments.readout import Observed
from lydite.experiments.regions import changes, paired_effect
from lydite.experiments.repeated_looks import always_valid, holm
from lydite.experiments.two_samples import Arm, Difference, compare_means
from studies import resumable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from studies.resumable import Row

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "var" / "studies" / "experiments.jsonl"
DOCUMENT = ROOT / "docs" / "calibration.md"
STUDY = "experiments"
COMMAND = ".venv/bin/python -m studies.experiments"
FIRST_SEED = 5000
PER_RUN = 100
ALPHA = 0.05
USERS = 4_000
RATE = 0.05
LOOKS = 20


# --- experiments of one kind ----------------------------------------------------------------------


def _users(outcome: NDArray[np.float64], covariate: NDArray[np.float64] | None = None) -> Arm:
    return Arm(np.ones(len(outcome)), outcome.astype(float), covariate)


def _found(difference: Difference) -> bool:
    return difference.p_value is not None and difference.p_value <= ALPHA


def _rates(rng: np.random.Generator) -> bool:
    """Compare the rates of two equal arms."""
    treated, control = rng.binomial(1, RATE, (2, USERS // 2))
    return _found(compare_means(_users(treated), _users(control), ALPHA))


def _small_control(rng: np.random.Generator) -> bool:
    """Compare a control arm of a tenth, with about 20 conversions, with the other users."""
    treated, control = (
        rng.binomial(1, RATE, USERS - USERS // 10),
        rng.binomial(1, RATE, USERS // 10),
    )
    return _found(compare_means(_users(treated), _users(control), ALPHA))


def _values(rng: np.random.Generator) -> bool:
    """Compare values per user, which have a long tail."""
    bought = rng.random((2, USERS // 2)) < RATE
    treated, control = bought * rng.lognormal(3, 1, bought.shape)
    return _found(compare_means(_users(treated), _users(control), ALPHA))


def _adjusted(rng: np.random.Generator) -> bool:
    """Compare conversions with those before the assignment accounted for."""
    habit = rng.gamma(0.3, 0.3, USERS)
    before = np.column_stack([rng.poisson(4 * habit), rng.poisson(9 * habit)]).astype(float)
    after, arm = rng.poisson(habit).astype(float), rng.permutation(np.arange(USERS) % 2)
    index = combine_covariates(after, before, arm)
    arms = [_users(after[arm == k], None if index is None else index[arm == k]) for k in (1, 0)]
    return _found(compare_means(*arms, ALPHA, adjusted=True))


def _accounts(rng: np.random.Generator, *, by_account: bool = True) -> bool:
    """Compare users of accounts, who decide together and are assigned together."""
    accounts = USERS // 4
    size = rng.integers(1, 8, accounts)
    arm_of, rate_of = rng.permutation(np.arange(accounts) % 2), rng.beta(0.5, 4.5, accounts)
    account = np.repeat(np.arange(accounts), size)
    bought = (rng.random(len(account)) < rate_of[account]).astype(float)
    cluster = account if by_account else np.arange(len(account))
    nothing = np.zeros((len(account), 0))
    arms = Observed(arm_of[account], cluster, bought, bought, nothing).arms(bought)
    return _found(compare_means(arms[1], arms[0], ALPHA))


def _users_of_accounts(rng: np.random.Generator) -> bool:
    """Compare the same as if users were independent."""
    return _accounts(rng, by_account=False)


def _many(rng: np.random.Generator) -> bool:
    """Compare three arms with control for two outcomes that go together; Holm's adjustment."""
    opened = rng.random((4, USERS // 4)) < 0.2
    outcomes = opened, opened & (rng.random(opened.shape) < 0.3)
    p = [
        compare_means(_users(outcome[k]), _users(outcome[0]), ALPHA).p_value
        for outcome in outcomes
        for k in (1, 2, 3)
    ]
    return any(value is not None and value <= ALPHA for value in holm(p))


def _looks(rng: np.random.Generator, *, always: bool = True) -> bool:
    """Look every week, from the first twentieth of the planned users on."""
    treated, control = rng.binomial(1, RATE, (2, USERS // 2))
    for look in range(1, LOOKS + 1):
        n = USERS // 2 * look // LOOKS
        found = compare_means(_users(treated[:n]), _users(control[:n]), ALPHA)
        if always and found.standard_error:
            low, high, _ = always_valid(found.difference, found.standard_error, look / LOOKS, ALPHA)
            if low > 0 or high < 0:
                return True
        if not always and _found(found):
            return True
    return False


def _naive_looks(rng: np.random.Generator) -> bool:
    """Look every week at the interval of a single look."""
    return _looks(rng, always=False)


def _regions(rng: np.random.Generator) -> bool:
    """Compare ten pairs of regions of different sizes, with days that are alike in all of them."""
    level = np.repeat(rng.uniform(20, 200, 10), 2) * rng.uniform(0.9, 1.1, 20)
    days = 1 + 0.2 * rng.normal(size=56)
    daily = rng.poisson(np.outer(level, np.maximum(days, 0.1))).astype(float)
    change, before = changes(daily, np.arange(56) >= 28)
    found = paired_effect(change[::2], change[1::2], before[::2], ALPHA)
    return found.p_value is not None and found.p_value <= ALPHA


def _sample_ratio(rng: np.random.Generator) -> bool:
    """Check the sizes of arms that were drawn with the planned shares."""
    drawn = rng.random(USERS) < 0.1
    arms = np.where(drawn, "control", "treated")
    units = pl.DataFrame({"arm": arms, "cluster": np.arange(USERS)})
    return check_sample_ratio({"control": 0.1, "treated": 0.9}, units).status == "failed"


def _power(rng: np.random.Generator) -> bool:
    """Compare arms whose rates differ by the smallest effect, with the users that it needs."""
    lift = 0.2
    users = users_for_rate(RATE, lift, alpha=ALPHA) or 0
    control = rng.binomial(1, RATE, users // 2)
    treated = rng.binomial(1, RATE * (1 + lift), users // 2)
    return _found(compare_means(_users(treated), _users(control), ALPHA))


#: The kinds of experiments: a name for the table, what is promised, and the simulation.
KINDS: dict[str, tuple[str, str, Callable[[np.random.Generator], bool]]] = {
    "rates": ("rates of two equal arms", "at most 5 %", _rates),
    "small_control": ("control of a tenth, 20 conversions", "at most 5 %", _small_control),
    "values": ("value per user, long tail", "at most 5 %", _values),
    "adjusted": ("earlier conversions and touches accounted for", "at most 5 %", _adjusted),
    "accounts": ("users of accounts, by account", "at most 5 %", _accounts),
    "users_of_accounts": ("the same, as if users were independent", "none", _users_of_accounts),
    "many": ("three arms and two outcomes, Holm", "at most 5 %", _many),
    "looks": ("20 looks, interval that holds at every look", "at most 5 %", _looks),
    "naive_looks": ("20 looks, interval of a single look", "none", _naive_looks),
    "regions": ("ten pairs of regions", "at most 5 %", _regions),
    "sample_ratio": ("check of the arms' sizes", "at most 0.1 %", _sample_ratio),
    "power": ("a true difference of the planned size", "80 %", _power),
}


def run(kind: str, seed: int) -> list[Row]:
    """Simulate 100 experiments of a kind; return how many found a difference."""
    rng = np.random.default_rng([list(KINDS).index(kind), seed])
    simulate = KINDS[kind][2]
    found = sum(simulate(rng) for _ in range(PER_RUN))
    return [{"kind": kind, "seed": seed, "experiments": PER_RUN, "found": found}]


# --- table ----------------------------------------------------------------------------------------


def table(rows: Iterable[Row]) -> str:
    """Return the table of the document."""
    counts = pl.DataFrame(list(rows)).group_by("kind").agg(pl.col("experiments", "found").sum())
    by_kind = {kind: (n, found) for kind, n, found in counts.iter_rows()}
    lines = [
        "| experiments | promised | found a difference | 95 % interval | simulated |",
        "|---|---|---:|---|---:|",
    ]
    for kind, (about, promised, _) in KINDS.items():
        n, found = by_kind.get(kind, (0, 0))
        if n:
            bounds = stats.binomtest(found, n).proportion_ci(method="wilson")
            interval = f"{bounds.low:.1%} to {bounds.high:.1%}"
            lines.append(f"| {about} | {promised} | {found / n:.1%} | {interval} | {n:,} |")
    return "\n".join(lines)


def write(rows: Iterable[Row]) -> None:
    """Write the table into the document."""
    done = list(rows)
    resumable.replace_between(
        DOCUMENT,
        STUDY,
        f"{table(done)}\n\n{resumable.provenance(done, f'runs of {PER_RUN} experiments')}",
    )


def main() -> None:
    """Run what is missing, or write the table."""
    options = resumable.parser_of(__doc__ or "", 20, FIRST_SEED).parse_args()
    if options.write:
        write(row for rows in resumable.read(RESULTS, "kind", "seed").values() for row in rows)
        return
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    keys = [(kind, seed) for seed in seeds for kind in KINDS]
    done = resumable.read(RESULTS, "kind", "seed")
    if resumable.run_missing(run, keys, done, RESULTS, options.jobs):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
