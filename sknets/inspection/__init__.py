"""Displays of fitted estimators. They need matplotlib."""

from sknets.inspection._filters import FilterDisplay
from sknets.inspection._latent import LatentDisplay
from sknets.inspection._loss_curve import LossCurveDisplay
from sknets.inspection._reconstruction import ReconstructionDisplay

__all__ = [
    "FilterDisplay",
    "LatentDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
]
