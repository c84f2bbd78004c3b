"""Models by name, as in `--models` and `lydite.toml`."""

from __future__ import annotations

import difflib
import re
from functools import partial
from typing import TYPE_CHECKING

from lydite.errors import InputError
from lydite.models.base import Model
from lydite.models.classifier import Classifier
from lydite.models.fitted_rules import position_based_fitted, time_decay_fitted
from lydite.models.hazard import AdditiveHazard
from lydite.models.logistic import BaggedLogistic
from lydite.models.markov import Markov
from lydite.models.posterior import with_credit
from lydite.models.rules import KnownRule, Rule, claim_of
from lydite.models.shapley import Shapley
from lydite.models.transitions import MAX_ORDER
from lydite.paths.columns import ExponentialDecay, UserWeight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lydite.settings import ModelSettings, Settings

_RULES: dict[str, tuple[str, str | ExponentialDecay]] = {
    "first_touch": (
        "the first touch of the path",
        "case when position = 1 then 1.0 else 0.0 end",
    ),
    "last_touch": (
        "the last touch of the path",
        "case when position_from_end = 1 then 1.0 else 0.0 end",
    ),
    "last_non_direct": (
        "the last touch that is not direct traffic",
        """case
            when position = coalesce(last_non_direct_position, path_length) then 1.0
            else 0.0
        end""",
    ),
    "linear": (
        "every touch of the path alike",
        "1.0",
    ),
    "position_based": (
        "the first and the last touch (40 % each) more than those between (20 % together)",
        """case
            when path_length <= 2 then 1.0
            when position = 1 or position_from_end = 1 then 0.4
            else 0.2 / (path_length - 2)
        end""",
    ),
    "w_shaped": (
        "the first, the middle and the last touch (30 % each) more than the others (10 % together)",
        """case
            when path_length <= 3 then 1.0
            when position in (1, (path_length + 1) // 2, path_length) then 0.3
            else 0.1 / (path_length - 3)
        end""",
    ),
    "time_decay": (
        "recent touches more: a touch loses half its weight in 7 days",
        ExponentialDecay(168),
    ),
}


_WITH_MILESTONE = """case
        when path_length <= 2 and milestone_position is null then 1.0
        else 0.3 * (
            cast(position = 1 as integer)
            + cast(position = coalesce(milestone_position, (path_length + 1) // 2) as integer)
            + cast(position = path_length as integer)
        ) + case
            when position in (1, coalesce(milestone_position, (path_length + 1) // 2), path_length)
                then 0.0
            when coalesce(milestone_position, 0) in (1, path_length) then 0.1 / (path_length - 2)
            else 0.1 / (path_length - 3)
        end
    end"""


def with_milestone(models: Iterable[Model], milestone: str | None) -> list[Model]:
    """Return models whose `w_shaped` has the touch before a milestone in place of the middle one.

    Parameters
    ----------
    models
        New models, not fitted.
    milestone
        The outcome whose conversion is the milestone; None to change nothing. The model of another
        milestone has another fingerprint.
    """
    if milestone is None:
        return list(models)
    claim = (
        f"the first touch, the one before {milestone!r} and the last (30 % each) more than the"
        " others (10 % together)"
    )
    return [
        type(model)("w_shaped", claim, _WITH_MILESTONE)
        if model.name == "w_shaped" and isinstance(model, KnownRule)
        else model
        for model in models
    ]


def decision_tree() -> Classifier:
    """Return a scikit-learn decision tree; a leaf has at least 1 % of the landmarks."""
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 - it takes a second

    return Classifier(
        DecisionTreeClassifier(min_weight_fraction_leaf=0.01, random_state=0),
        # Part of the fingerprint: another text would start its evidence again.
        claim="which channels were met, asked one by one as a decision tree does",
        name="decision_tree",
    )


_FAMILIES: dict[str, Callable[[], Model]] = {
    "position_based_fitted": position_based_fitted,
    "time_decay_fitted": time_decay_fitted,
    **{f"markov_{order}": partial(Markov, order) for order in range(1, MAX_ORDER + 1)},
    "shapley": Shapley,
    "bagged_logistic": BaggedLogistic,
    "additive_hazard": AdditiveHazard,
    "decision_tree": decision_tree,
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")

#: Names of the models that are compared by default.
DEFAULT_MODELS: tuple[str, ...] = (*_RULES, *_FAMILIES)
#: Names that a user's rule cannot have.
RESERVED = frozenset((*DEFAULT_MODELS, "base_rate", "touch_volume", "ceiling"))
#: Columns of tables that have a column per model: no model can be called so.
TOUCH_COLUMNS = frozenset(
    {
        "bucket", "campaign", "channel", "channel_key", "conversion", "conversion_id",
        "conversion_key", "converted_at", "converted_on", "outcome", "position", "touch",
        "touched_at", "user_id", "user_key", "value",
    }
)  # fmt: skip
_IS_COLUMN = "{name!r} is a column of the tables of credit: give the model another name"


def make_model(name: str) -> Model:
    """Return a new model by its name.

    Raises
    ------
    InputError
        When there is no model of that name; the message suggests a similar one.
    """
    if name in _RULES:
        claim, expression = _RULES[name]
        return KnownRule(name, claim, expression)
    if name in _FAMILIES:
        return _FAMILIES[name]()
    near = difflib.get_close_matches(name, DEFAULT_MODELS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InputError(
        f"there is no model {name!r}.{hint} The models are: {', '.join(DEFAULT_MODELS)}."
    )


def make_rule(name: str, expression: str, claim: str | None = None) -> Rule:
    """Return a rule that a user has written.

    Parameters
    ----------
    name
        A new name: letters, digits and underscores.
    expression
        SQL expression of a touch's weight over `lydite.models.PATH_COLUMNS`.
    claim
        Its hypothesis, which completes "what decides is ...".

    Raises
    ------
    InputError
        When the name is invalid or taken, or the expression is not one over those columns.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be the name of a model: use at most 40 letters, digits and"
            " underscores, starting with a letter"
        )
    if name in RESERVED:
        raise InputError(f"there is already a model {name!r}; give your rule another name")
    if name.lower() in TOUCH_COLUMNS:
        raise InputError(_IS_COLUMN.format(name=name))
    rule = Rule(name, claim or claim_of(expression), expression)
    UserWeight.checked(name, expression)
    return rule


def make_models(names: Iterable[str] | None = None) -> list[Model]:
    """Return new models by their names, each name once; all default models when None."""
    return [make_model(name) for name in dict.fromkeys(DEFAULT_MODELS if names is None else names)]


def models_from_settings(settings: Settings) -> list[Model]:
    """Return the models of some settings, new and not fitted.

    The user's rules join the default models, unless models are chosen by name.

    Raises
    ------
    InputError
        When there is no model of a name, or a rule is wrong; the message names the settings.
    """
    models = [] if settings.chooses_models else make_models()
    mistakes = []
    for number, entry in enumerate(settings.models, start=1):
        try:
            models.append(_from_entry(entry))
        except InputError as error:
            mistakes.append(f"models.{number} = {entry.name!r}: {error}")
    if mistakes:
        raise InputError("\n".join(mistakes))
    return with_credit(models, settings.evaluation.credit)


def _from_entry(entry: ModelSettings) -> Model:
    if entry.rule is not None:
        return make_rule(entry.name, entry.rule, entry.claim)
    if entry.claim is not None:
        raise InputError(f"the model {entry.name!r} already has a claim; remove `claim`")
    return make_model(entry.name)


def choose(models: str | Model | Iterable[str | Model]) -> list[Model]:
    """Return models that are given as names or as models; names become new models.

    A single name or model is a list of one.

    Raises
    ------
    InputError
        When a name is unknown or taken by a column, or two models have the same name.
    """
    given = [models] if isinstance(models, str | Model) else models
    chosen = [make_model(model) if isinstance(model, str) else model for model in given]
    names = [model.name for model in chosen]
    for name in names:
        if name.lower() in TOUCH_COLUMNS:
            raise InputError(_IS_COLUMN.format(name=name))
        if names.count(name) > 1:
            raise InputError(f"models: two models have the name {name!r}; remove or rename one")
    return chosen
