"""Types of the plain data that results turn into: what ``--format json`` prints."""

# Annotations are evaluated here, so that the keys that are not required are known at run time.
from datetime import date, datetime
from typing import NotRequired, TypedDict


class OutcomeCounts(TypedDict):
    """What is in the data for one outcome, scored or not.

    On a path table `lookback` and `as_of` are None, and `periods` is the number of folds. A `note`
    says why an outcome could not be judged; it is empty otherwise. Where the history is too short,
    `first_forecast` is the day from which on it is long enough. `cost_share` is the share of the
    costs that the outcome is charged with, None where it has no cost.
    """

    outcome: str
    lookback: str | None
    landmarks: int
    conversions: int
    attributed: int
    unattributed: int
    periods: int
    as_of: datetime | None
    sampled_landmarks: int
    note: str
    first_forecast: date | None
    cost_share: float | None


class ModelRecord(TypedDict):
    """One model of a comparison; baselines and the ceiling have neither rank nor verdict.

    `stands` says that the model is not refuted. `landmarks` and `conversions` are those that were
    scored: what the verdict uses.
    """

    model: str
    claim: str
    rank: int | None
    log_loss_bits: float | None
    explained: float | None
    explained_low: float | None
    explained_high: float | None
    share_of_ceiling: float | None
    auc: float | None
    brier: float | None
    calibration_slope: float | None
    primary: bool | None
    verdict: str | None
    stands: bool | None
    refuted_by: str | None
    same_forecast_as: list[str]
    landmarks: int
    conversions: int


class ChannelCredit(TypedDict):
    """What one model credits one channel with, with 95 % intervals.

    How it credits is in `credit`: rule, posterior or model.

    The value is None where no conversion has one.
    """

    model: str
    credit: str
    channel: str
    conversions: float
    conversions_low: float | None
    conversions_high: float | None
    value: float | None
    value_low: float | None
    value_high: float | None
    share: float | None
    share_low: float | None
    share_high: float | None


class ChannelCost(ChannelCredit):
    """Credit with cost: cost per conversion (`cpa`) and value per unit of cost (`roas`)."""

    cost: float | None
    cpa: float | None
    cpa_low: float | None
    cpa_high: float | None
    roas: float | None
    roas_low: float | None
    roas_high: float | None


class ComparedCredit(ChannelCost):
    """Credit after a comparison, with its range over all models that are not refuted.

    `is_champion` says that the model is the one in use.
    """

    is_champion: bool
    standing_low: float | None
    standing_high: float | None


class PathCreditRecord(ChannelCredit):
    """Credit from a path table; only Markov models have a removal effect.

    `credit` is how the credit is computed: "rule" or "posterior".
    """

    credit: str
    removal_effect: float | None


class OutcomeCreditRecord(ChannelCost):
    """Credit from touchpoints; see `PathCreditRecord`."""

    credit: str
    outcome: str
    removal_effect: float | None


class WarningRecord(TypedDict):
    """One warning about an outcome, or about one model of it."""

    kind: str
    model: str | None
    text: str


# "from" is a keyword of the language, so that this type has no class body.
TransitionRecord = TypedDict(
    "TransitionRecord",
    {
        "outcome": NotRequired[str],  # from touchpoints
        "model": str,
        "from": str,
        "to": str,
        "count": float,
        "probability": float,
    },
)
TransitionRecord.__doc__ = "One transition of a Markov model between two channels."


class ChampionRecord(TypedDict):
    """The model in use for an outcome, and its challenger; days and times are ISO-8601.

    `despite` says what had refuted it when it was promoted.
    """

    model: str
    status: str
    decided_at: str | None
    decided_by: str | None
    reason: str | None
    despite: str | None
    verdict: str | None
    is_refuted: bool
    refuted_by: str | None
    refuted_by_experiment: str | None
    refuted_in: str | None
    challenger: str | None
    challenger_verdict: str | None


class LookbackRecord(TypedDict):
    """One model with one lookback; all other figures are those of the main lookback."""

    lookback: str
    is_main: bool
    model: str
    rank: int | None
    verdict: str
    stands: bool
    explained: float | None
    explained_low: float | None
    explained_high: float | None
    landmarks: int
    scored_conversions: int
    periods: int
    conversions: int
    attributed: int


class OutcomeRecord(TypedDict):
    """The comparison of one outcome."""

    lookback: str | None
    landmarks: int
    conversions: int
    attributed: int
    unattributed: int
    periods: int
    note: NotRequired[str]
    first_forecast: NotRequired[str]
    champion: NotRequired[ChampionRecord]
    models: list[ModelRecord]
    lookbacks: NotRequired[list[LookbackRecord]]
    segments: NotRequired[dict[str, list[ModelRecord]]]
    warnings: list[WarningRecord]
    credit: list[ComparedCredit]


class FindingRecord(TypedDict):
    """Something about the data that makes results wrong; days are ISO-8601."""

    kind: str
    table: str
    outcome: str | None
    first_day: str | None
    last_day: str | None
    text: str
    blocking: bool


class ComparisonRecord(TypedDict):
    """A whole comparison: `Comparison.to_dict`."""

    outcomes: dict[str, OutcomeRecord]
    quarantined: dict[str, dict[str, int]]
    duplicates: NotRequired[dict[str, int]]
    left_out: NotRequired[dict[str, str]]
    findings: NotRequired[list[FindingRecord]]


class CreditRecord(TypedDict):
    """Credit without verdicts, from a path table or from touchpoints: `Credit.to_dict`."""

    credit: list[PathCreditRecord] | list[OutcomeCreditRecord]
    transitions: list[TransitionRecord]
    left_out: dict[str, str]
    warnings: NotRequired[list[WarningRecord]]
    quarantined: NotRequired[dict[str, dict[str, int]]]
    duplicates: NotRequired[dict[str, int]]
