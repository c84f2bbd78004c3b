"""The rivals: one module per family, behind one protocol."""

from lydite.models.base import PATH_COLUMNS, Model
from lydite.models.baselines import BaseRate, TouchVolume
from lydite.models.landmarks import Landmarks, PathChannels, Profiles
from lydite.models.markov import Markov
from lydite.models.registry import DEFAULT_MODELS, make_model, make_models
from lydite.models.rules import Rule

__all__ = [
    "DEFAULT_MODELS",
    "PATH_COLUMNS",
    "BaseRate",
    "Landmarks",
    "Markov",
    "Model",
    "PathChannels",
    "Profiles",
    "Rule",
    "TouchVolume",
    "make_model",
    "make_models",
]
