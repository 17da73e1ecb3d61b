"""Tables with nothing to tune: bags of small networks on columns as they are."""

from clearprop.tabular.classifier import TabularClassifier
from clearprop.tabular.regressor import TabularRegressor

__all__ = ["TabularClassifier", "TabularRegressor"]
