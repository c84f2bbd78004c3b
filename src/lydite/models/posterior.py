"""Posterior credit of rules: which touch decided, given that the user converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lydite.models.base import Model
from lydite.models.fitted_rules import FittedRule
from lydite.models.rules import KnownRule, Rule
from lydite.paths.arrays import normalize_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from scipy import sparse

    from lydite.models.base import FeatureCounts
    from lydite.paths.landmarks import Landmarks, UniqueFeatures

#: How the credit of rules is computed: by their weights, or by the posterior.
CreditKind = Literal["rule", "posterior"]


class _Posterior(Model):
    """A rule whose credit is the probability that a touch has decided, given a conversion.

    A rule claims that one touch decides, drawn with its weights ``w``, and that the user then
    converts with the rate ``r`` of its channel. Before it is known whether the user converts, a
    touch decides with probability ``w / sum(w)``: that is the rule's credit. Given a conversion it
    has decided with probability ``w r / sum(w r)`` (Bayes' theorem).

    The forecast is that of the rule, and so is the fingerprint.
    """

    learns: ClassVar[bool] = True
    credit_kind: ClassVar[str] = "posterior"
    rule: ClassVar[type[Model]]
    rates_: NDArray[np.float64]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the rule."""
        return self.rule(**self.get_params(deep=False)).fingerprint

    def sufficient_statistics(self, landmarks: Landmarks, units: int) -> Any:  # noqa: ANN401
        """Return the counts by unit that the rates are fitted on."""
        self.channels_ = landmarks.channels
        return super().sufficient_statistics(landmarks, units)

    def shares(self, features: UniqueFeatures) -> sparse.csr_array[np.float64]:
        """Return the probability that each channel has decided, for each feature row."""
        joint = super().shares(features).tocsr(copy=True)  # type: ignore[safe-super]
        joint.data *= self.rates_[joint.indices]
        return normalize_rows(joint)

    @property
    def touch_rate(self) -> str:
        """The rate of the touch's channel; `touch_weight` is the rule's."""
        rates = enumerate(self.rates_.tolist())
        cases = " ".join(f"when {key} then {rate!r}" for key, rate in rates)
        return f"case channel_key {cases} else 0 end"


class PosteriorRule(_Posterior, Rule):
    """A user's rule with posterior credit."""

    rule = Rule


class PosteriorKnownRule(_Posterior, KnownRule):
    """A built-in rule with posterior credit."""

    rule = KnownRule


class PosteriorFittedRule(_Posterior, FittedRule):
    """A rule with a fitted parameter, with posterior credit."""

    rule = FittedRule

    def refits(
        self, statistics: FeatureCounts, weights: NDArray[np.floating]
    ) -> Iterator[PosteriorFittedRule]:
        """Yield this model with parameter and rates refitted under each (units,) row of weights."""
        for _ in Model.refits(self, statistics, weights):  # this model each time
            yield self


_WITH_POSTERIOR: dict[type[Model], type[_Posterior]] = {
    own.rule: own for own in (PosteriorRule, PosteriorKnownRule, PosteriorFittedRule)
}


def with_credit(models: Iterable[Model], credit: CreditKind) -> list[Model]:
    """Return models whose rules are credited in the given way; other models stay as they are.

    Parameters
    ----------
    models
        New models, not fitted.
    credit
        ``rule``: a conversion is attributed by the rule's weights. ``posterior``: by the
        probability that a touch has decided, if the rule is true.
    """
    if credit == "rule":
        return list(models)
    return [_with_posterior(model) for model in models]


def _with_posterior(model: Model) -> Model:
    kind = _WITH_POSTERIOR.get(type(model))
    return model if kind is None else kind(**model.get_params(deep=False))


def credit_kinds(models: Sequence[Model]) -> dict[str, str]:
    """Return how each model's credit is computed, by name: rule, posterior or model."""
    return {model.name: model.credit_kind for model in models}
