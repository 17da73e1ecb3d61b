"""Mutations of table files, and the promise that the reader of tables keeps.

The promise: a damaged or hostile file is a table, or is refused with TableError or OSError; there
is no other exception, it ends in seconds, and it takes less than `MOST_MEMORY`.

    PYTHONPATH=tests/helpers python tests/helpers/fuzz_tables.py parquet 5000

runs many mutations of one kind in processes whose memory is limited.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import multiprocessing
import random
import resource
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow as pa
from file_zoo import arrow, parquet, xlsx, zipped, zstd
from fuzz_files import cut_out, extend, flip_bit, replace_byte, splice, truncate

from clearprop.tables.files import open_table
from clearprop.tables.frames import TableError, TableWarning

MOST_MEMORY = 500 * 2**20  # that reading a mutation may add
MOST_SECONDS = 20.0
BLIND = (flip_bit, replace_byte, truncate, extend, cut_out, splice)
ROWS = 60
TABLE = pa.table(
    {
        "n": [i * 1.5 if i % 7 else None for i in range(ROWS)],
        "i": list(range(ROWS)),
        "t": [("word", "ü, é", 'say "x"', "")[i % 4] for i in range(ROWS)],
        "b": [i % 3 == 0 for i in range(ROWS)],
        "d": [date(2024, 1, 1 + i % 28) for i in range(ROWS)],
    }
)
TYPED = TABLE.append_column("c", pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode())
NESTED = TABLE.append_column("l", pa.array([[[i, None]] * (i % 3) for i in range(ROWS)]))


def csv_of(table, delimiter=","):
    import pyarrow.csv as pa_csv

    buffer = io.BytesIO()
    pa_csv.write_csv(table, buffer, pa_csv.WriteOptions(delimiter=delimiter))
    return buffer.getvalue()


def json_lines_of(table):
    return "".join(json.dumps(row, default=str) + "\n" for row in table.to_pylist()).encode()


CSV = csv_of(TABLE)
ROWS_OF_SHEET = [TABLE.column_names, *(list(row.values()) for row in TABLE.to_pylist())]


def originals():
    """The valid files of each kind."""
    plain = "a  b   c\n" + "".join(f"{i}  {i * 2}   {i}.5\n" for i in range(ROWS))
    return {
        "parquet": [
            parquet(TYPED, compression=compression, version=version, **options)
            for compression in ("none", "snappy", "zstd", "gzip")
            for version, options in (
                ("2.6", {}),
                ("1.0", {"use_dictionary": False, "row_group_size": 20}),
                ("2.6", {"data_page_version": "2.0", "data_page_size": 64}),
            )
        ]
        + [parquet(NESTED, compression="none")],
        "arrow": [arrow(NESTED, pa.ipc.new_file), arrow(TYPED, pa.ipc.new_stream)],
        "csv": [
            CSV,
            csv_of(TABLE, ";"),
            b"sep=;\n" + csv_of(TABLE, ";"),
            b"# about\n" + CSV.replace(b"\n", b"\r\n"),
            CSV.decode().encode("utf-16"),
            CSV.decode().encode("cp1252"),
            plain.encode(),
            CSV.replace(b'"', b"'"),
            b"\n".join(b",".join([b"1.5"] * 1200) for _ in range(6)),
        ],
        "gz": [gzip.compress(CSV)],
        "xz": [lzma.compress(CSV)],
        "bz2": [bz2.compress(CSV)],
        "zst": [zstd(CSV)],
        "zip": [
            zipped(("t.csv", CSV)),
            zipped(("t.csv", CSV), compression=zipfile.ZIP_STORED),
            zipped(("a/", ""), ("a/t.parquet", parquet(TYPED))),
        ],
        "xlsx": [xlsx(("s", ROWS_OF_SHEET)), xlsx(("s", ROWS_OF_SHEET), ("t", [["x"], [1]]))],
        "jsonl": [json_lines_of(TABLE), json_lines_of(NESTED)],
    }


def mutate_members(data, rng):
    """One member of a zip archive changed, in an archive that is right: it reaches the reader."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    i = rng.randrange(len(members))
    name, content = members[i]
    for _ in range(rng.choice((1, 1, 3))):
        content = rng.choice((*BLIND, odd_text))(content, rng)
    members[i] = (name, content)
    return zipped(*members)


ODD_TEXTS = [
    *(
        b'"',
        b"'",
        b"\r",
        b"\n\n",
        b",",
        b";",
        b"\t",
        b"|",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\x1a",
    ),
    *(b"sep=,\n", b"#\n", b"{", b"}", b"[" * 3000, b'{"a":' * 3000, b"9" * 6000, b"1e999", b"NaN"),
    *("\u2028\x85".encode(), b"\x1c", b"," * 3000, b'""' * 3000, b" " * 3000, b"x" * 20_000),
    *(b"<row r='1048576'/>", b'<c r="XFD9"><v>1</v></c>', b"&lol;", b"<!DOCTYPE x>", b"]]>"),
    *(b't="s"', b'r="A99999999999"', b"<v>-1</v>", b"<v>1e400</v>", b'count="4294967295"'),
]


def odd_text(data, rng):
    """An odd text put in somewhere."""
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(ODD_TEXTS) + data[place + rng.choice((0, 0, 5)) :]


def mutations(kind, count, seed=0):
    """`count` mutated files of a kind."""
    rng = random.Random(f"{kind} {seed}")
    files = originals()[kind]
    packers = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "zst": zstd}
    for i in range(count):
        data = files[i % len(files)]
        if kind in ("zip", "xlsx") and rng.random() < 0.6:
            yield mutate_members(data, rng)
            continue
        if kind in packers and rng.random() < 0.3:
            yield packers[kind](odd_text(CSV, rng))
            continue
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            change = odd_text if kind in ("csv", "jsonl") and rng.random() < 0.5 else None
            data = (change or rng.choice(BLIND))(data, rng)
        yield data


def check_reader(kind, count, folder, seed=0):
    """Read `count` mutations; counts those "read" and "refused", raises all other errors."""
    outcomes: Counter[str] = Counter()
    target = Path(folder) / "mutation"
    for i, data in enumerate(mutations(kind, count, seed)):
        target.write_bytes(data)
        started = time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", TableWarning)
                with open_table(str(target)) as table:
                    for batch in table.batches():
                        batch.validate()
        except (TableError, OSError) as error:
            message = str(error)
            outcomes["refused"] += 1
        except BaseException as error:
            error.add_note(f"mutation {i} of {kind} with seed {seed}: see {target}")
            raise
        else:
            message = str(target)
            outcomes["read"] += 1
        assert message.startswith(str(target)), message
        assert message.isprintable(), message
        assert len(message) < 1000, message
        seconds = time.process_time() - started
        assert seconds < MOST_SECONDS, f"mutation {i} of {kind} took {seconds:.1f} s: {target}"
    return outcomes


def _part(kind, count, seed, folder, queue):
    if folder is None:
        folder = tempfile.mkdtemp(prefix=f"fuzz-{kind}-")
    check_reader(kind, 1, folder, seed)  # loads what is loaded once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = check_reader(kind, count, folder, seed)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MOST_MEMORY, f"{kind}, seed {seed}: {grown:,} bytes more"
    queue.put((outcomes, grown))


def main(kind, count, part=250):
    """Many mutations in processes of their own, so that one that crashes is found."""
    total: Counter[str] = Counter()
    most = 0
    for seed in range(-(-count // part)):
        queue = multiprocessing.Queue()
        process = multiprocessing.Process(target=_part, args=(kind, part, seed, None, queue))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{kind}, seed {seed}: exit code {process.exitcode}")
        outcomes, grown = queue.get()
        total += outcomes
        most = max(most, grown)
    print(f"{kind}: {sum(total.values()):,} files, {dict(total)}, at most {most >> 20} MB more")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
