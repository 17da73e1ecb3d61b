"""Models of tables: bags of small networks on columns as they are, or one network.

`inputs` makes the matrix of a bag, `plain` the matrix of one network. `target` turns y into
targets. `fitting` has the steps of a fit, `bag` the training. `classifier` and `regressor` are the
estimators, `model` an estimator with the column that it learnt. The codecs write and read files.
"""

from clearprop.tabular.classifier import TabularClassifier
from clearprop.tabular.model import TableModel
from clearprop.tabular.network import NetworkOptions
from clearprop.tabular.plain import TableEncoding
from clearprop.tabular.regressor import TabularRegressor

__all__ = [
    "NetworkOptions",
    "TableEncoding",
    "TableModel",
    "TabularClassifier",
    "TabularRegressor",
]
