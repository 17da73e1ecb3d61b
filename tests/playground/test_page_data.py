"""The data of the workshop in the page: the datasets of Python bit for bit, and tables."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from clearprop.playground import datasets, elementary
from clearprop.tables.files import read_table

MADE = """async jobs => {
  const engine = await clearprop.engine();
  const { datasetFromSettings, readTable } = clearprop.bench;
  return jobs.map(({ settings, bytes, name }) => {
    try {
      const read = () => readTable(Uint8Array.from(atob(bytes), c => c.charCodeAt(0)), name);
      const table = bytes === undefined ? null : read();
      const made = datasetFromSettings(engine, settings, table);
      const { features, labels, columns, n_classes } = made;
      const arrays = ["X", "t", "X_test", "t_test"].map(key => [key, [...made[key]]]);
      return { features, labels, columns, n_classes, names: table?.columns,
               units: made.origin?.units, lines: table && [...table.lines],
               ...Object.fromEntries(arrays) };
    } catch (error) { return { error: error.message }; }
  });
}"""
ALL_INPUTS = list(datasets.INPUTS)


def agree(made, dataset, tolerance=0.0):
    """A dataset of the page is one of Python."""
    assert "error" not in made, made
    assert tuple(made["features"]) == dataset.features
    assert tuple(made["labels"]) == dataset.labels
    assert made["n_classes"] == dataset.n_classes
    for name in ("X", "t", "X_test", "t_test"):
        wanted = np.asarray(getattr(dataset, name), np.float64).ravel()
        here = np.array(made[name], np.float64)
        np.testing.assert_allclose(here, wanted, rtol=tolerance, atol=tolerance, strict=True)


def test_classic_datasets_have_the_bits_of_python(page):
    jobs, wanted = [], []
    for name in datasets.CLASSICS:
        for seed, n, noise, classes, share in [
            (0, 200, 0.1, 2, 0.5),
            (12, 61, 0.35, 5, 0.25),
            (2**32 - 1, 1000, 1.0, 3, 0.0),
        ]:
            inputs = ALL_INPUTS if seed == 12 else ["x1", "x2"]
            points = {"n": n, "noise": noise, "classes": classes, "test_share": share}
            settings = {"data": name, **points, "data_seed": seed, "inputs": inputs}
            jobs.append({"settings": settings})
            wanted.append(datasets.make(name, **points, seed=seed, inputs=inputs))
    for made, dataset in zip(page.evaluate(MADE, jobs), wanted, strict=True):
        agree(made, dataset)


def test_drawn_points_and_targets_have_the_bits_of_python(page):
    points = [[-1.5, 0.25, 0], [1, -2, 2], [0.1, 0.2, 1], [2.99, -3, 0], [0, 0, 1]]
    targets = [[x / 7, (x * x) % 5 / 3 - 1] for x in range(-10, 11)]
    division = {"test_share": 0.4, "data_seed": 3}
    drawn, curve = page.evaluate(
        MADE,
        [
            {"settings": {"data": "drawn", "points": points, "inputs": ALL_INPUTS, **division}},
            {"settings": {"data": "curve", "targets": targets, **division}},
        ],
    )
    agree(drawn, datasets.drawn(points, test_share=0.4, seed=3, inputs=ALL_INPUTS))
    agree(curve, datasets.curve(targets, test_share=0.4, seed=3))
    nothing = page.evaluate(MADE, [{"settings": {"data": "curve", "targets": [], **division}}])
    assert nothing[0]["error"].startswith("there are no targets yet")


def test_sin_cos_and_exp_are_the_same_in_the_page_and_right(page):
    x = np.concatenate([np.linspace(-50, 50, 4001), np.pi / 2 * np.arange(-9, 10), [1e-9, 600.0]])
    script = """x => ["sin", "cos", "exp"].map(f => x.map(clearprop.bench.elementary[f]))"""
    for name, values in zip(("sin", "cos", "exp"), page.evaluate(script, x.tolist()), strict=True):
        own = getattr(elementary, name)(x)
        assert np.array_equal(own, np.array(values, np.float64))
        exact = getattr(np, name)(x.astype(np.longdouble))
        assert (np.abs(own - exact) <= 1.01 * np.spacing(np.abs(own)) + 1e-24).all()


# ---- tables --------------------------------------------------------------------------------------


def shop(n=120):
    """A table as it is found in the wild, with a column of each kind."""
    rng = np.random.default_rng(0)
    lines = ["id;age;share;price;when;city;member;note;same;sold"]
    for i in range(n):
        age = "unknown" if i in (7, 50) else str(rng.integers(18, 90))
        price = f"{rng.integers(1, 9)}.{rng.integers(100, 999)},{rng.integers(10, 99)}"
        city = ["Bonn", "Köln", "Aachen", "?"][i % 4] if i % 11 else ""
        day = f"{1 + i % 28:02}.{1 + i % 12:02}.{2020 + i % 4}"
        note = f'"line {i}\nof ""two"""'
        lines.append(
            f"{i + 1};{age};{i % 37} %;{price};{day};{city};{'true' if i % 3 else 'false'};"
            f"{note};x;{'yes' if i % 5 > 1 else 'no'}"
        )
    return "\r\n".join(lines) + "\r\n"


def job(text, target, encoding="utf-8", **settings):
    defaults = {"data": "table", "target": target, "kinds": [], "scaling": "standard"}
    settings = {**defaults, "test_share": 0.25, "data_seed": 4, **settings}
    bytes_ = base64.b64encode(text.encode(encoding)).decode()
    return {"settings": settings, "bytes": bytes_, "name": "shop.csv"}


def in_python(tmp_path, text, target, **options):
    (tmp_path / "shop.csv").write_bytes(text.encode())
    frame, _ = read_table(str(tmp_path / "shop.csv"))
    return datasets.table(frame, target, test_share=0.25, seed=4, **options)


@pytest.mark.filterwarnings("ignore")
def test_tables_are_encoded_as_python_encodes_them(page, tmp_path):
    text = shop()
    cases = [
        ("sold", {}),
        ("price", {"scaling": "unit"}),
        ("city", {"scaling": "none"}),
        ("age", {}),
        ("sold", {"kinds": {"age": "categorical", "id": "numeric", "member": "ignore"}}),
    ]
    jobs = [
        job(text, target, **options | {"kinds": list(options.get("kinds", {}).items())})
        for target, options in cases
    ]
    made = page.evaluate(MADE, jobs)
    for (target, options), one in zip(cases, made, strict=True):
        if target == "age":
            assert "2 other values: 'unknown' 2 times" in one["error"]
            continue
        dataset = in_python(tmp_path, text, target, **options)
        agree(one, dataset, 1e-12)
        kinds = {name: kind for name, kind, _ in one["columns"]}
        assert kinds == {name: kind for name, kind, _ in dataset.columns}
    # an input in the units of its file: 37 rows have the shares 0 … 36
    names = made[0]["features"]
    at, unit = names.index("share"), made[0]["units"][names.index("share")]
    shares = np.array(made[0]["X"]).reshape(-1, len(names))[:, at] * unit["spread"] + unit["centre"]
    np.testing.assert_allclose(shares, shares.round(), atol=1e-9)
    assert set(shares.round()) <= set(range(37))
    assert made[0]["units"][names.index("city=Bonn")] is None
    kinds = {name: kind for name, kind, _ in made[0]["columns"]}
    assert kinds["age"] == kinds["share"] == kinds["price"] == "numeric"
    assert (kinds["when"], kinds["city"], kinds["member"]) == ("date", "categorical", "boolean")
    assert kinds["id"] == kinds["same"] == "ignore"  # row numbers, a constant
    # a row begins at the line after the one before it, which has a line break within quotes
    assert made[0]["lines"][:4] == [2, 4, 6, 8]


@pytest.mark.filterwarnings("ignore")
def test_codes_multiples_units_and_periods_are_read_as_python_reads_them(page, tmp_path):
    def cell(name, i):
        k = 1 + i % 12
        return {
            "zip": f"0{5300 + i % 9}",
            "worth": f"{i % 50 + 0.5:.1f}{'kM'[i % 2]}",
            "cost": f"${i * 37 % 9000 + 1000:,}",
            "loss": f"({i % 40}.{i % 9})" if i % 3 else f"{i}",
            "mass": f"{i % 90 / 4:.2f} kg",
            "month": f"{k:02}/202{i % 5}",
            "week": f"202{i % 5}-W{k:02}",
            "quarter": f"Q{1 + i % 4} 202{i % 5}",
            "named": f"{k} {['Jan', 'Mai', 'December'][i % 3]} 20{10 + i % 9}",
            "american": f"{k}/{1 + i % 28}/202{i % 5}",
            "stamp": f"202{i % 5}-{k:02}-{1 + i % 28:02}T{i % 24:02}:30:00+02:00",
            "time": f"{i % 12 + 1}:{i % 60:02} {'AM' if i % 2 else 'PM'}",
            "t": f"{i * 7 % 31 / 3:.3f}",
        }[name]

    names = [
        "zip",
        "worth",
        "cost",
        "loss",
        "mass",
        "month",
        "week",
        "quarter",
        "named",
        "american",
        "stamp",
        "time",
        "t",
    ]
    rows = [";".join(cell(name, i) for name in names) for i in range(90)]
    (made,) = page.evaluate(MADE, [job("\n".join([";".join(names), *rows]), "t")])
    text = "\n".join([";".join(names), *rows])
    dataset = in_python(tmp_path, text, "t")
    agree(made, dataset, 1e-12)
    kinds = {name: kind for name, kind, _ in made["columns"]}
    assert kinds["zip"] == "categorical"
    assert {kinds[name] for name in ("worth", "cost", "loss", "mass")} == {"numeric"}
    assert {kinds[name] for name in names[5:12]} == {"date"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings_of_files_are_recognised(page, encoding):
    text = shop(40)
    here, wanted = page.evaluate(MADE, [job(text, "sold", encoding), job(text, "sold")])
    assert here["names"] == wanted["names"]
    assert here["X"] == wanted["X"]
    assert "city=Köln" in here["features"]


def test_dialects_titles_and_columns_without_data_are_recognised(page):
    rows = [f"{i},{i % 7}.5,{'a' if i % 2 else 'b'}" for i in range(30)]
    plain = "\n".join(["n,x,c", *rows])
    forms = {
        "tabs": plain.replace(",", "\t"),
        "bars": plain.replace(",", "|"),
        "Excel": "sep=;\r\n" + plain.replace(",", ";"),
        "blanks": plain.replace(",", "   "),
        "title": "Sales of the year\n# made by hand\n\n" + plain,
        "index": "\n".join([",n,x,c", *(f"{i + 5},{row}" for i, row in enumerate(rows))]),
        "ends with a comma": "\n".join(["n,x,c,", *(f"{row}," for row in rows)]),
    }
    wanted, *others = page.evaluate(MADE, [job(text, "c") for text in (plain, *forms.values())])
    for name, made in zip(forms, others, strict=True):
        assert made.get("X") == wanted["X"], (name, made)
        assert made["names"] == ["n", "x", "c"], name
    assert others[list(forms).index("title")]["lines"][0] == 5


@pytest.mark.filterwarnings("ignore")
def test_wide_tables_lose_their_widest_columns_first(page, tmp_path):
    header = ["a", "b", "c", "x", "t"]
    lines = [
        f"k{i % 40},m{i % 30},n{i % 30},{i / 3:.3f},{'yes' if i % 3 else 'no'}" for i in range(200)
    ]
    text = "\n".join([",".join(header), *lines])
    first, kept, both = page.evaluate(
        MADE,
        [
            job(text, "t"),
            job(text, "t", kinds=[["a", "categorical"]]),
            job(text, "t", kinds=[["a", "categorical"], ["b", "categorical"]]),
        ],
    )
    left_out = {name: words for name, kind, words in first["columns"] if kind == "ignore"}
    assert left_out == {
        "a": "left out: 40 inputs, of at most 64 in all; choose categorical to bring it back"
    }
    agree(first, in_python(tmp_path, text, "t"), 1e-12)
    agree(kept, in_python(tmp_path, text, "t", kinds={"a": "categorical"}), 1e-12)
    assert {name for name, kind, _ in kept["columns"] if kind == "ignore"} == {"b", "c"}
    assert both["error"] == "the columns give 70 inputs; the playground takes at most 64"


def test_tables_that_cannot_be_learnt_are_refused_in_one_line(page):
    rows = "\n".join(f"{i},word{i}{chr(97 + i % 26)},x" for i in range(60))
    cases = {
        "has 60 different texts in 60 rows, too many to be classes": job("n,w,c\n" + rows, "w"),
        "has one class only": job("n,w,c\n" + rows, "c"),
        "line 3 has 2 values, the header has 3": job("a,b,c\n1,2,3\n4,5", "c"),
        "the file is empty": job("", "c"),
        "two columns are called 'a'": job("a,a\n1,2", "a"),
        "has no column 'z'": job("a,b\n1,2", "z"),
        "is Parquet": job("PAR1abc", "a"),
    }
    for part, made in zip(cases, page.evaluate(MADE, list(cases.values())), strict=True):
        assert part in made.get("error", "no error"), made
