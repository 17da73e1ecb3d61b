"""A record for each column of a table that was learnt from: what it is, and what it became."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clearprop.tables.inference import ColumnFinding
from clearprop.tabular.input_columns import InputColumn

SAYS_NOTHING = "the same in all training rows"
NO_USE = "held-out rows are predicted better without it"
NO_USE_OF_TEXT = "free text; held-out rows are not predicted better with it"


@dataclass(frozen=True)
class TableColumn:
    """A column of the table.

    kind: "numeric", "categorical", "boolean", "date" or "text"; "ignore" for a column that is not
    used.
    reason: why it is of this kind, or why it is not used.
    type: what it held in training, such as "float" or "numbers (decimal comma)".
    inputs: what it became, such as "number in 48 bins"; "" for a column that is not used.
    n_missing: rows without a value, or with one that counts as missing.
    """

    name: str
    kind: str
    reason: str
    type: str
    inputs: str
    n_missing: int

    @classmethod
    def of(cls, name: str, finding: ColumnFinding, column: InputColumn | None) -> TableColumn:
        """From what was found; column: what it became, None for a column that is not used."""
        reading = finding.reading
        kind, reason = reading.kind, reading.reason
        if column is None and kind != "ignore":
            kind, reason = "ignore", SAYS_NOTHING
        inputs = "" if column is None else column.summary
        return cls(name, kind, reason, reading.what, inputs, finding.n_missing)

    @classmethod
    def of_input(cls, name: str, column: InputColumn | None) -> TableColumn:
        """Of files of versions that did not keep what was found."""
        if column is None:
            return cls(name, "ignore", "", "", "", 0)
        return cls(name, column.kind, column.reading.reason, column.type_name, column.summary, 0)

    def left_out(self) -> TableColumn:
        """The same of a column that is not used in the end."""
        if self.kind == "ignore":
            return self
        reason = NO_USE_OF_TEXT if self.kind == "text" else NO_USE
        return replace(self, kind="ignore", reason=reason, inputs="")
