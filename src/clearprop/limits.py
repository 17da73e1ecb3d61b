"""The limits of what clearprop takes on, and the bound on the length of messages.

Each limit is checked before any work or allocation for what it limits. Far more than anyone needs
is allowed; a number beyond a limit is a mistake, or the content of a damaged or hostile file.
"""

from __future__ import annotations

# tables
MAX_COLUMNS = 100_000  # of a table that is learnt from
MAX_CLASSES = 20_000  # of a target, or of all targets together
MAX_TARGETS = 2**31  # entries of the targets of training: rows times outputs
MAX_TARGET = 1e301  # of |y|: beyond it, sums and differences overflow
MAX_SQUARED = 1e150  # of |y| for a loss that is in units of y squared, or grows like it
# training
MAX_MEMBERS = 1_000  # networks of a bag
MAX_COUNT = 10**9  # epochs, steps, rows of a batch, and what else is counted in an option
MAX_SECONDS = 10**9  # of a time limit
MAX_UNITS = 2**24  # of a layer
MAX_WEIGHTS = 2**32  # of a network
MAX_WEIGHT = 1e15  # of the size of a weight in the file of a model for tables
MAX_TEXT = 4096  # characters of a parameter that is text
# model files
MAX_HEADER = 2**26  # bytes: names and shapes of tensors, and a document that is not long
MAX_DOCUMENT = 2**29  # bytes of the document
MAX_VALUES = 2**24  # numbers, texts, lists and objects of the document
MAX_TENSORS = 2**16
MAX_NDIM = 8
MAX_LABEL_BYTES = 2**26  # of the classes of a target, as an array
# circuits
WIDEST = 2**16  # bits of a bus, of an expression and of a replication
NETS_PER_BYTE = 8  # nets, bits of references, and cells that a file may define for each byte of it
SPARE_NETS = 2**17  # and in addition
NAME = 64  # characters of a name that count as one net; a longer name counts as several
# messages
MAX_MESSAGE = 2_000  # characters of an error


def bounded(message: object, limit: int = MAX_MESSAGE) -> str:
    """A message on one line, printable, and without its middle if it is very long.

    Messages quote names and values from files and tables, which may hold anything.
    """
    text = str(message)
    if len(text) > limit:
        tail = limit // 4
        text = f"{text[: limit - tail - 3]} … {text[-tail:]}"
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    return character if character.isprintable() else " " if character.isspace() else "?"


def shown_value(value: object, limit: int = 80) -> str:
    """The value as an error shows it: on one line and not long, whatever it is."""
    try:
        return bounded(repr(value), limit)
    except ValueError:  # an integer of more digits than Python writes
        return f"a value of type {type(value).__name__} with too many digits to show"


def check_limit(what: str, number: int, limit: int, advice: str = "") -> None:
    """Raise ValueError, with the limit, for a number beyond it."""
    if number > limit:
        got = f"{number:,}" if number < 10**30 else shown_value(number)
        raise ValueError(f"{what} must be at most {limit:,}; got {got}{advice and f'; {advice}'}")
