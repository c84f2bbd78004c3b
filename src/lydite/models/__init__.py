"""The rivals: one module per family, behind one protocol."""

from lydite.models.base import Model
from lydite.models.baselines import BaseRate, TouchVolume
from lydite.models.classifier import Classifier
from lydite.models.fitted_rules import FittedRule
from lydite.models.hazard import AdditiveHazard
from lydite.models.logistic import BaggedLogistic
from lydite.models.markov import Markov
from lydite.models.registry import (
    DEFAULT_MODELS,
    choose,
    make_model,
    make_models,
    make_rule,
    models_from_settings,
    with_milestone,
)
from lydite.models.rules import Rule
from lydite.models.sets import SetModel
from lydite.models.shapley import Shapley
from lydite.models.transition_graph import write_graphml
from lydite.paths.columns import PATH_COLUMNS
from lydite.paths.landmarks import Landmarks, PathChannels, Paths, UniqueFeatures

__all__ = [
    "DEFAULT_MODELS",
    "PATH_COLUMNS",
    "AdditiveHazard",
    "BaggedLogistic",
    "BaseRate",
    "Classifier",
    "FittedRule",
    "Landmarks",
    "Markov",
    "Model",
    "PathChannels",
    "Paths",
    "Rule",
    "SetModel",
    "Shapley",
    "TouchVolume",
    "UniqueFeatures",
    "choose",
    "make_model",
    "make_models",
    "make_rule",
    "models_from_settings",
    "with_milestone",
    "write_graphml",
]
