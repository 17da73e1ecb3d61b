"""Drop-in estimators: every parameter, attribute and method of scikit-learn's MLPs, and more."""

from clearprop.estimators.classifier import MLPClassifier
from clearprop.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
