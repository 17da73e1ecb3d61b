"""What a file is, by its first bytes: kinds that are read, and others that are refused by name."""

from __future__ import annotations

import json
import re

from clearprop.tables.frames import TableError

HEAD_BYTES = 4096

# First bytes of files that are read, and what reads them.
READ: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "parquet"),
    (b"ARROW1\0\0", "arrow"),
    (b"FEA1", "feather"),
    (b"\xff\xff\xff\xff", "arrow stream"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
COMPRESSED = ("gzip", "zip", "xz", "bzip2", "zstd")

# First bytes of files that are refused, and what they are.
REFUSED: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file (.xls); save it as .xlsx or CSV"),
    (0, b"%PDF", "a PDF document"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"\x89PNG\r\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF87a", "a GIF image"),
    (0, b"GIF89a", "a GIF image"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"SQLite format 3\0", "an SQLite database; export its table as CSV"),
    (0, b"\x93NUMPY", "a NumPy array (.npy); save it as CSV or Parquet"),
    (0, b"\x89HDF\r\n", "an HDF5 file; save its table as Parquet"),
    (0, b"ORC", "an ORC file; save it as Parquet"),
    (0, b"Obj\x01", "an Avro file; save it as Parquet"),
    (0, b"RDX2\n", "R data (.RData); write the table with write.csv"),
    (0, b"RDX3\n", "R data (.RData); write the table with write.csv"),
    (0, b"X\n\0\0\0", "R data (.rds); write the table with write.csv"),
    (0, b"B\n\x02\0", "R data (.rds); write the table with write.csv"),
    (0, b"B\n\x03\0", "R data (.rds); write the table with write.csv"),
    (0, b"<stata_dta>", "a Stata file (.dta); save it as CSV or Parquet"),
    (0, b"$FL2@(#)", "an SPSS file (.sav); save it as CSV or Parquet"),
    (84, b"SAS FILE", "a SAS file (.sas7bdat); save it as CSV or Parquet"),
    (0, b"MATLAB 5.0 MAT-file", "a MATLAB file (.mat); save it as CSV or Parquet"),
    (0, b"\x80\x02", "a pickle, which is not safe to read; save the table as Parquet"),
    (0, b"\x80\x03", "a pickle, which is not safe to read; save the table as Parquet"),
    (0, b"\x80\x04\x95", "a pickle, which is not safe to read; save the table as Parquet"),
    (0, b"\x80\x05\x95", "a pickle, which is not safe to read; save the table as Parquet"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (0, b"Rar!\x1a\x07", "a RAR archive; unpack it first"),
    (0, b"\x04\x22\x4d\x18", "an LZ4 file; unpack it first"),
    (0, b"\x1f\x9d", "a file packed by compress (.Z); unpack it first"),
    (257, b"ustar", "a tar archive; unpack it first"),
    (0, b"\x7fELF", "a program"),
    (0, b"version https://git-lfs.github.com/spec/", "a pointer of Git LFS; fetch the file itself"),
)

# The beginnings of texts that are refused, in lower case.
TEXTS: tuple[tuple[str, str], ...] = (
    (r"<!doctype html|<html|<head\b|<body\b|<table\b|<!--", "an HTML page"),
    (r"<\?xml|<svg\b", "an XML document"),
    (r"%\s*(?:title|1\. title|sources)|@relation\b", "an ARFF file; save it as CSV"),
    (r"-----begin ", "a key or certificate"),
    (r"from:? .*\nto: |mime-version: ", "an e-mail"),
)


def kind_of(head: bytes) -> str:
    """The name of what reads a file with these first bytes; "text" for all
    others.
    """
    if head[:3] == b"BZh" and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    return next((kind for magic, kind in READ if head.startswith(magic)), "text")


def check_kind(path: str, head: bytes) -> None:
    """TableError, saying what the file is, where it is known by its first bytes as no table."""
    for offset, magic, what in REFUSED:
        if head[offset : offset + len(magic)] == magic:
            raise TableError(f"{path}: {_not_a_table(what)}")
    if head[8:10] == b'{"' and head[4:8] == b"\0\0\0\0":
        raise TableError(f"{path}: {_not_a_table('a model file (safetensors)')}")


def check_text(path: str, text: str, *, at_end: bool) -> None:
    """TableError, saying what the file is, where its text begins as no table does.

    text: the beginning. at_end: whether it is the whole file.
    """
    start = text[:HEAD_BYTES].lstrip().lower()
    for pattern, what in TEXTS:
        if re.match(pattern, start):
            raise TableError(f"{path}: {_not_a_table(what)}")
    opens = re.match(r'\[\s*(?:\{\s*"|\[\s*[-\d"])', start)
    if opens or (start.startswith("[") and at_end and _is_json(text)):
        raise TableError(
            f"{path}: {_not_a_table('a JSON array')}; JSON lines, with one object in each line, "
            "can be read"
        )
    controls = sum(c < " " and c not in "\t\n\r\f\v\x1a\x1b\x1c\x1d\x1e\x1f" for c in text[:4096])
    if controls > 4 and controls > len(text[:4096]) // 20:
        raise TableError(f"{path}: {_not_a_table('a binary file')}")


def is_json_lines(path: str, text: str, *, at_end: bool) -> bool:
    """Whether a text has one JSON object in each line; TableError for any other JSON object.

    A header such as {a},{b} is not JSON.
    """
    start = text.lstrip("\ufeff \t\r\n")
    if not re.match(r'\{\s*(?:"(?:[^"\\\r\n]|\\.)*+"\s*:|\})', start):
        return False
    first = re.split(r"[\r\n]", start, maxsplit=1)[0]
    if _is_json(first) or (first == start and not at_end):
        return True
    if first.rstrip().endswith("}"):
        return True  # a damaged line, which the reader of JSON lines names
    raise TableError(
        f"{path}: {_not_a_table('a JSON object over several lines')}; JSON lines, with one "
        "object in each line, can be read"
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _not_a_table(what: str) -> str:
    about, _, way_out = what.partition("; ")
    return f"this is {about}, not a table" + (f"; {way_out}" if way_out else "")
