"""What scikit-learn asks of an estimator, without importing it: that takes a second."""

from __future__ import annotations

import copy
import inspect
from typing import Any, Self, TypeVar

_Model = TypeVar("_Model", bound="Estimator")


class Estimator:
    """An object whose parameters are the arguments of its constructor, as in scikit-learn.

    `sklearn.base.clone`, cross-validation and pipelines take it.
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; if deep, those of estimators among them too."""
        own = {name: getattr(self, name) for name in _parameters(type(self))}
        nested = {
            f"{name}__{key}": value
            for name, parameter in own.items()
            if deep and hasattr(parameter, "get_params") and not isinstance(parameter, type)
            for key, value in parameter.get_params().items()
        }
        return own | nested

    def set_params(self, **parameters: Any) -> Self:  # noqa: ANN401
        """Set parameters by name, of estimators among them as ``name__parameter``.

        Raises
        ------
        ValueError
            When there is no such parameter.
        """
        for name, value in parameters.items():
            own, nested, key = name.partition("__")
            if own not in _parameters(type(self)):
                known = ", ".join(_parameters(type(self))) or "none"
                raise ValueError(f"{type(self).__name__} has no parameter {own!r}; it has: {known}")
            if nested:
                getattr(self, own).set_params(**{key: value})
            else:
                setattr(self, own, value)
        return self

    def __repr__(self) -> str:
        """Return the call of the constructor, without parameters that have their defaults."""
        changed = (
            f"{name}={getattr(self, name)!r}"
            for name, default in _parameters(type(self)).items()
            if default is inspect.Parameter.empty or repr(getattr(self, name)) != repr(default)
        )
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - the name is scikit-learn's
        """Return what scikit-learn assumes about any estimator."""
        from sklearn.base import BaseEstimator  # noqa: PLC0415

        return BaseEstimator.__sklearn_tags__(self)


def _parameters(kind: type[Estimator]) -> dict[str, Any]:
    """Return the defaults of a constructor's parameters by name, in alphabetical order."""
    if kind.__init__ is object.__init__:
        return {}
    _, *own = inspect.signature(kind.__init__).parameters.values()
    return {parameter.name: parameter.default for parameter in sorted(own, key=lambda p: p.name)}


def clone(model: _Model) -> _Model:
    """Return a model with the same parameters that is not fitted, as `sklearn.base.clone` does."""
    return type(model)(
        **{name: _copied(value) for name, value in model.get_params(deep=False).items()}
    )


def _copied(parameter: Any) -> Any:  # noqa: ANN401
    if isinstance(parameter, Estimator):
        return clone(parameter)
    if hasattr(parameter, "get_params") and not isinstance(parameter, type):
        from sklearn import base  # noqa: PLC0415

        return base.clone(parameter)
    return copy.deepcopy(parameter)


def check_is_fitted(model: object, attribute: str) -> None:
    """Raise an error if a model has no such attribute yet.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        When it has not.
    """
    if not hasattr(model, attribute):
        from sklearn.exceptions import NotFittedError  # noqa: PLC0415

        raise NotFittedError(
            f"this {type(model).__name__} is not fitted yet: it has no {attribute!r}. Call its"
            " method fit first."
        )
