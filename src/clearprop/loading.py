"""Any file that clearprop wrote, as the object that it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike, fspath
from typing import Any

from clearprop._typing import Array
from clearprop.documents import Document, ModelFileError
from clearprop.persistence import read_file

Reader = Callable[[Document, Mapping[str, Array], str], Any]
"""(document with its kind, tensors, path) → object."""


def load(path: str | PathLike[str]) -> Any:
    """The object in a file that clearprop wrote; nothing in the file is executed.

    The object is a Network, MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor or
    TableModel, as its `save` wrote it. For a checkpoint it is the Checkpoint that resumes training.
    The class methods `load` read only files of their own class.

    Raises ModelFileError for a damaged, foreign or newer file, OSError where there is none.

    >>> import clearprop as cp, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
    >>> cp.Network([2, 3, 1], seed=0).save(path)
    >>> cp.load(path).sizes
    [2, 3, 1]
    """
    document, tensors = read_file(path, tuple(READERS))
    return READERS[document["kind"]](document, tensors, fspath(path))


def _network(document: Document, tensors: Mapping[str, Array], where: str) -> Any:
    from clearprop.network import Network
    from clearprop.network_files import network_from_document

    del document["kind"]
    return Network.from_theta(*network_from_document(document, tensors, where))


def _estimator(document: Document, tensors: Mapping[str, Array], where: str) -> Any:
    import clearprop.estimators
    from clearprop.estimators.files import estimator_from_document

    kind = getattr(clearprop.estimators, document.pop("kind"))
    return estimator_from_document(document, tensors, where, kind)


def _tabular(document: Document, tensors: Mapping[str, Array], where: str) -> Any:
    import clearprop.tabular
    from clearprop.tabular.codec import tabular_from_document

    kind = getattr(clearprop.tabular, document.pop("kind"))
    return tabular_from_document(document, tensors, where, kind)


def _table_model(document: Document, tensors: Mapping[str, Array], where: str) -> Any:
    from clearprop.tabular import TableModel
    from clearprop.tabular.model_codec import model_from_document

    return model_from_document(document, tensors, where, TableModel)


def _checkpoint(document: Document, tensors: Mapping[str, Array], where: str) -> Any:
    from clearprop.checkpoints import Checkpoint

    return Checkpoint(where)


def _playground(document: Document, tensors: Mapping[str, Array], where: str) -> Any:
    raise ModelFileError(
        f"{where}: holds the state of a playground's workshop; load it on the playground's page"
    )


READERS: dict[str, Reader] = {
    "network": _network,
    "MLPClassifier": _estimator,
    "MLPRegressor": _estimator,
    "TabularClassifier": _tabular,
    "TabularRegressor": _tabular,
    "TableModel": _table_model,
    "table-model": _table_model,  # files of earlier versions: one network with its table
    "table-bag": _table_model,  # and a bag
    "checkpoint": _checkpoint,
    "playground": _playground,
}
