"""Which users models are fitted on before they are compared with an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from lydite.paths.landmarks import N_BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.engine import Engine
    from lydite.paths.landmarks import Landmarks

#: ``"other users"``: the models are fitted without all users of the experiment. ``"halves"``: they
#: are fitted on each half of the buckets, and used for the users of the other half.
FittedOn: TypeAlias = Literal["other users", "halves"]

_USERS = """
select distinct persons.user_key
from experiments.journey_persons as persons
inner join experiments.assigned as assigned on persons.person = assigned.person
where assigned.experiment = $experiment
"""
_LANDMARKS = """
select landmark from evaluation.landmarks
where outcome = $outcome and user_key in (select user_key from {users})
"""


@dataclass(frozen=True)
class Training:
    """The landmarks that models are fitted on, in one or two parts.

    Attributes
    ----------
    fitted_on
        How they were chosen.
    rows : (n,) bool
        Which landmarks of the sample train at all.
    """

    fitted_on: FittedOn
    rows: NDArray[np.bool_]

    @property
    def parts(self) -> tuple[tuple[NDArray[np.bool_], NDArray[np.bool_]], ...]:
        """For each fit: the (256,) buckets that train it, and those whose users it is used for."""
        if self.fitted_on == "other users":
            every = np.ones(N_BUCKETS, dtype=bool)
            return ((every, every),)
        odd = np.arange(N_BUCKETS) % 2 == 1
        return ((odd, ~odd), (~odd, odd))


def choose_training(engine: Engine, experiment: str, sample: Landmarks, outcome: str) -> Training:
    """Choose what models are fitted on for an experiment: whatever leaves more landmarks.

    Parameters
    ----------
    engine
        Holds the sample and the tables of the experiments.
    experiment, outcome
        Their names.
    sample
        The mature landmarks of the outcome.
    """
    users = engine.frame(_USERS, {"experiment": experiment})
    with engine.local.registered(users) as name:
        found = engine.local.fetch_numpy(_LANDMARKS.format(users=name), {"outcome": outcome})
    others = np.ones(len(sample), dtype=bool)
    others[found["landmark"]] = False
    return _choose(others, sample.converted)


def _choose(others: NDArray[np.bool_], converted: NDArray[np.bool_]) -> Training:
    """Return the other users if they have half of the conversions, else halves of all users."""
    if 2 * int(converted[others].sum()) >= int(converted.sum()):
        return Training("other users", others)
    return Training("halves", np.ones(len(others), dtype=bool))
