"""Models of tables: bags of small networks on columns as they are, or one network."""

from clearprop.tabular.classifier import TabularClassifier
from clearprop.tabular.network import NetworkOptions
from clearprop.tabular.plain import TableEncoding
from clearprop.tabular.regressor import TabularRegressor
from clearprop.tabular.table_model import TableModel

__all__ = [
    "NetworkOptions",
    "TableEncoding",
    "TableModel",
    "TabularClassifier",
    "TabularRegressor",
]
