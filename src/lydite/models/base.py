"""The protocol of a rival: a claim, a forecast for landmarks, and a credit for paths."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator

from lydite.models.landmarks import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

    from lydite.models.landmarks import Landmarks, Profiles


class Model(BaseEstimator, ABC):
    """An attribution model as a hypothesis that can be wrong.

    A subclass says what it sees of a landmark (`encode`), how its forecast is fitted on counts
    (`fit_counts`, `forecast_profiles`), and how it weighs the touches of a path (`weight_sql`).
    Parameters of the constructor are scikit-learn parameters; what is learnt ends in ``_``.

    Attributes
    ----------
    name : str
        The model's name in tables.
    claim : str
        The hypothesis, in one sentence that completes "what decides is ...".
    """

    name: str
    claim: str
    is_baseline: ClassVar[bool] = False

    # --- forecast -------------------------------------------------------------------------------

    @abstractmethod
    def encode(self, landmarks: Landmarks) -> Profiles:
        """Return what this model sees of each landmark, each distinct sight once."""

    @abstractmethod
    def fit_counts(
        self, profiles: Profiles, trials: NDArray[np.floating], conversions: NDArray[np.floating]
    ) -> Self:
        """Fit the forecast on how often each profile was met and how often it converted.

        Parameters
        ----------
        profiles
            k profiles.
        trials, conversions : (k,) counts
            Landmarks with that profile, and those of them that converted.
        """

    @abstractmethod
    def forecast_profiles(self, profiles: Profiles) -> NDArray[np.float64]:
        """Return the (k,) probabilities that a landmark with each profile converts."""

    def fit(self, landmarks: Landmarks, y: object = None) -> Self:
        """Fit the forecast on landmarks; `y` is ignored, landmarks carry their outcome."""
        del y
        profiles = self.encode(landmarks)
        size = len(profiles)
        return self.fit_counts(
            profiles,
            np.bincount(profiles.index, minlength=size).astype(float),
            counted(profiles.index, landmarks.converted, size),
        )

    def forecast(self, landmarks: Landmarks) -> NDArray[np.float64]:
        """Return the (n,) probabilities that each landmark's next event is a conversion."""
        profiles = self.encode(landmarks)
        forecast: NDArray[np.float64] = self.forecast_profiles(profiles)[profiles.index]
        return forecast

    def predict_proba(self, landmarks: Landmarks) -> NDArray[np.float64]:
        """Return (n, 2) probabilities of no conversion and of conversion, as scikit-learn does."""
        probability = self.forecast(landmarks)
        return np.column_stack([1 - probability, probability])

    # --- credit ---------------------------------------------------------------------------------

    @property
    @abstractmethod
    def weight_sql(self) -> str:
        """The weight of a touch on its path, as a SQL expression over `PATH_COLUMNS`.

        A model that learns an effect per channel refers to it as ``effect``, and to the number of
        touches of the same channel on the path as ``channel_touches``.
        """

    @property
    def effects(self) -> Mapping[str, float] | None:
        """The learnt effect of each channel, for models whose weights need one."""
        return None

    def weights(self, paths: pl.DataFrame) -> NDArray[np.float64]:
        """Return the credit of every touch; it sums to 1 over each path.

        Parameters
        ----------
        paths
            One row per touch, with the columns ``path`` (any identifier) and `PATH_COLUMNS`.

        Returns
        -------
        (len(paths),) array, in the order of the rows.
        """
        from lydite.crediting import weigh  # noqa: PLC0415  (SQL is needed only here)

        return weigh(self, paths)

    # --- identity -------------------------------------------------------------------------------

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when the definition of the model does."""
        definition: dict[str, Any] = {
            "class": type(self).__name__,
            "parameters": self.get_params(deep=False),
            "weight": self.weight_sql,
        }
        text = json.dumps(definition, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


#: What a rule may refer to: the columns of a touch on its path, and what each means.
PATH_COLUMNS: dict[str, str] = {
    "position": "1 for the path's first touch",
    "path_length": "touches on the path",
    "position_from_end": "1 for the path's last touch",
    "last_non_direct_position": "position of the last touch that is not direct, null if all are",
    "hours_before_end": "hours from the touch to the path's last touch",
    "hours_after_start": "hours from the path's first touch to the touch",
    "channel": "channel of the touch",
    "campaign": "campaign of the touch, if any",
    "interaction": "kind of contact, if known",
}
