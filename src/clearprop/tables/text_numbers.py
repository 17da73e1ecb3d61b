"""Numbers that are written as text: separators, units and currencies, found from a whole column.

`find_format` finds the format of a column from its distinct texts. `NumberFormat` then reads each
text by itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

DECIMALS = (".", ",")
THOUSANDS = ("", ",", ".", " ", "'")
SAMPLE = 1000  # distinct texts that are looked at for a unit
_NAMES = {",": "comma", ".": "point", " ": "blank", "'": "apostrophe"}
# what people write for a blank, a minus sign and an apostrophe
_SPELLINGS = {
    "\u00a0": " ",
    "\u202f": " ",
    "\u2009": " ",
    "\u2007": " ",
    "\u2212": "-",
    "\u2013": "-",
    "\u2019": "'",
}
_SYMBOLS = "$€£¥₹₽₩₪₺฿₫₴₦₱₡₲₵¢"
_CODES = (
    "USD EUR GBP JPY CNY CHF CAD AUD NZD SEK NOK DKK PLN CZK HUF RON BGN TRY RUB UAH INR BRL MXN "
    "ARS CLP COP ZAR KRW SGD HKD TWD THB IDR MYR PHP VND ILS AED SAR EGP NGN KES"
)
CURRENCIES = (
    *("US$", "A$", "C$", "R$", "NZ$", "HK$", "S$", "CA$", "AU$", "Rs.", "Rs", "Fr.", "SFr.", "kr"),
    *_SYMBOLS,
    *_CODES.split(),
)
_ENGLISH = ("$", "£", "¥", "USD", "GBP", "JPY", "US$", "A$", "C$", "CAD", "AUD")
# units that are written at the number without a blank
_GLUED = (
    "% ‰ kg g mg µg μg ug lb lbs oz t km m cm mm µm nm mi ft in yd m2 m3 m² m³ cm2 cm3 km2 km² ha "
    "l L ml mL dl cl gal °C °F ° K s ms µs ns min h hr hrs kB KB MB GB TB PB kb Mb Gb bit Hz kHz "
    "MHz GHz W kW MW GW kWh MWh Wh V kV mV mA Ah mAh kJ MJ cal kcal Pa hPa kPa MPa bar mbar psi kN "
    "Nm hp bhp PS rpm mph kmh km/h kph m/s fps dpi ppi px dB lm lx mol mmol mg/dl mg/dL mmol/l "
    "mmol/L mmHg cc ccm kmpl km/kg k M Mio Mrd bn mn pt pts pct ppm ppb yr yrs"
)
GLUED = frozenset((*_GLUED.split(), *CURRENCIES, "€/m²", "$/m²"))
_PREFIX = "|".join(re.escape(c) for c in sorted(CURRENCIES, key=len, reverse=True))
_PEEL = re.compile(
    rf"\(?[-+]?\s?(?P<before>{_PREFIX})?\s?[-+]?"
    r"(?:\d(?:[\d.,' ]*[\d.,])?|[.,]\d+)(?:[eE][-+]?\d+)?"
    r"(?P<blank>\s?)(?P<after>[^\d\s.,'()+-][^\s()]{0,11}(?: [^\d\s()]{1,11})?)?-?\)?"
)
# what stands for a power of ten at a number
MULTIPLES = {
    **dict.fromkeys(("k", "K"), 1e3),
    **dict.fromkeys(("M", "mn", "mln", "Mio", "Mio.", "million"), 1e6),
    **dict.fromkeys(("B", "bn", "Mrd", "Mrd.", "billion"), 1e9),
}
_MULTIPLE = "|".join(re.escape(m) for m in sorted(MULTIPLES, key=len, reverse=True))
_AT_NUMBER = rf"(\d) ?(?:{_MULTIPLE})($|[^\pL\d/²³])"
_INFINITE = ("inf", "infinity")


@dataclass(frozen=True)
class NumberFormat:
    """How the numbers of a column are written.

    decimal: the sign before the fraction, "." or ",".
    thousands: the sign between groups of digits: "", ",", ".", a blank or "'".
    unit: a unit, a currency or a per cent sign that may stand beside the number.
    brackets: whether (5) and 5- mean −5.
    duration: whether the texts are durations such as 1 days 02:03:04; they are read as seconds.
    multiples: whether 3k is 3000 and 1.2M is 1200000.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    brackets: bool = False
    duration: bool = False
    multiples: bool = False

    @property
    def words(self) -> str:
        """Such as "kg, decimal comma, thousands point"; "" for plain numbers."""
        if self.duration:
            return "durations in seconds"
        found = [self.unit] if self.unit else []
        if self.decimal != ".":
            found.append("decimal comma")
        if self.thousands:
            found.append(f"thousands {_NAMES[self.thousands]}")
        if self.brackets:
            found.append("brackets are negative")
        if self.multiples:
            found.append("k is 1000, M is a million")
        return ", ".join(found)

    def read(self, texts: Any) -> Any:
        """Arrow text as float64, null where it is missing or not written in this format."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.duration:
            from clearprop.tables.text_dates import read_durations

            return read_durations(texts)
        texts = spelled(texts)
        fits = pc.match_substring_regex(texts, self._pattern)
        number, edges = texts, "+- "
        if self.unit:
            number = pc.replace_substring(number, self.unit, "")
        if self.brackets:
            edges += "()"
        if self._plural:
            edges += "s"
        factors = None
        if self.multiples:
            factors = _factors(texts)
            number = pc.replace_substring_regex(number, rf"(\d) ?(?:{_MULTIPLE})", r"\1")
        negative = pc.match_substring_regex(number, r"^[ +]*[-(]|-$")
        number = pc.utf8_trim(number, edges)
        if self.thousands:
            number = pc.replace_substring(number, self.thousands, "")
        if self.decimal != ".":
            number = pc.replace_substring(number, self.decimal, ".")
        number = pc.if_else(fits, number, None).cast(pa.float64())
        number = pc.if_else(negative, pc.negate(number), number)
        if factors is not None:
            number = pc.multiply(number, factors)
        lower = pc.utf8_lower(pc.utf8_ltrim(texts, "+-"))
        infinite = pc.is_in(lower, value_set=pa.array(_INFINITE, texts.type))
        if pc.any(infinite).as_py():
            sign = pc.if_else(pc.starts_with(texts, "-"), -float("inf"), float("inf"))
            number = pc.if_else(infinite, sign, number)
        return number

    @property
    def _plural(self) -> bool:
        return len(self.unit) > 2 and self.unit.isalpha() and not self.unit.isupper()

    @cached_property
    def _pattern(self) -> str:
        point, comma = re.escape(self.decimal), re.escape(self.thousands)
        digits = r"\d+"
        if self.thousands:
            digits = rf"(?:[1-9]\d{{0,2}}(?:{comma}\d{{2,3}})*{comma}\d{{3}}|\d+)"
        body = rf"(?:{digits}(?:{point}\d*)?|{point}\d+)(?:[eE][-+]?\d+)?"
        before, after = "", ""
        if self.multiples:
            body += rf"(?: ?(?:{_MULTIPLE}))?"
        if self.unit:
            unit = re.escape(self.unit)
            before = rf"(?:{unit} ?)?[-+]?" if self.unit in CURRENCIES else ""
            after = rf"(?: ?{unit}{'s?' if self._plural else ''})?"
        plain = rf"[-+]? ?{before}{body}{after}"
        if self.brackets:
            return rf"^(?:{plain}-?|\( ?{plain} ?\))$"
        return rf"^{plain}$"


PLAIN = NumberFormat()


def _factors(texts: Any) -> Any:
    """What stands at each number as a factor (Arrow float64): 1000 for k; otherwise 1."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.struct_field(
        pc.extract_regex(texts, rf"\d ?(?P<multiple>{_MULTIPLE})(?:$|[^\pL\d/²³])"), "multiple"
    )
    encoded = pc.fill_null(found, "").dictionary_encode()
    values = [MULTIPLES.get(name, 1.0) for name in encoded.dictionary.to_pylist()]
    return pa.array(values, pa.float64()).take(encoded.indices)


def spelled(texts: Any) -> Any:
    """Arrow text with one spelling of blanks, minus signs and apostrophes."""
    import pyarrow.compute as pc

    if pc.all(pc.string_is_ascii(texts)).as_py() is not False:
        return texts
    for found, plain in _SPELLINGS.items():
        texts = pc.replace_substring(texts, found, plain)
    return texts


def are_codes(texts: Any) -> bool:
    """Whether texts (Arrow) of digits are codes, such as postcodes, and not numbers.

    Some begin with a zero, and all have the same length, or at least half begin with a zero.
    """
    import pyarrow.compute as pc

    zeros = pc.match_substring_regex(texts, r"^0\d+$")
    n = zeros.true_count
    if not n or not pc.all(pc.match_substring_regex(texts, r"^\d+$")).as_py():
        return False
    lengths = pc.min_max(pc.utf8_length(texts))
    return bool(lengths["min"] == lengths["max"]) or 2 * n >= len(texts) - texts.null_count


def find_format(
    levels: Any, counts: Any, options: Mapping[str, Any] | None = None
) -> tuple[NumberFormat, Any, bool]:
    """The format that reads most of the cells, the numbers of the levels, and whether it is sure.

    levels: the distinct texts (Arrow). counts: how many cells have each (NumPy). options: the
    decimal and thousands signs that the user asked for, if any. Numbers are null where a text is
    not a number. Where a comma may be a decimal or a thousands sign, it is a thousands sign if
    smaller whole numbers stand beside it without one, or with a currency that uses it; otherwise a
    decimal sign, and not sure.
    """
    import numpy as np
    import pyarrow.compute as pc

    asked = {key: value for key, value in (options or {}).items() if value is not None}
    if not asked:
        numbers = PLAIN.read(levels)
        if numbers.null_count == 0:
            return PLAIN, numbers, True
    texts = spelled(levels)
    multiples = _has(texts, _AT_NUMBER)
    plain = pc.replace_substring_regex(texts, _AT_NUMBER, r"\1\2") if multiples else texts
    brackets = _has(texts, r"^\(.*\)$|\d ?-$")
    base = NumberFormat(unit=_unit(plain), brackets=brackets, multiples=multiples)
    n_all, best = int(counts.sum()), None
    for form in _forms(texts, base, asked):
        numbers = form.read(texts)
        n_read = int(counts[np.asarray(pc.is_valid(numbers))].sum())
        if best is None or n_read > best[0]:
            best = n_read, form, numbers
        if n_read == n_all:
            break
    assert best is not None
    n_read, form, numbers = best
    sure = True
    if form.decimal == "," and not form.thousands and not asked:
        other = replace(base, thousands=",")
        as_other = other.read(texts)
        if int(counts[np.asarray(pc.is_valid(as_other))].sum()) == n_read:
            evident = base.unit in _ENGLISH or _grouped(texts, base)
            form, numbers, sure = (other, as_other, True) if evident else (form, numbers, False)
    return form, numbers, sure


def _forms(texts: Any, base: NumberFormat, asked: Mapping[str, Any]) -> list[NumberFormat]:
    """The formats that may be meant; of two that read the same, the first is taken."""
    present = {sign for sign in (",", " ", "'") if _has(texts, rf"\d{sign}\d")}
    if _has(texts, r"\d\.\d\d\d\b"):
        present.add(".")
    present.add(asked.get("thousands", ""))
    forms = []
    for thousands in ("", ",", " ", "'", "."):
        for decimal in DECIMALS:
            wanted = asked.get("decimal", decimal) == decimal
            wanted &= asked.get("thousands", thousands) == thousands
            useful = (not thousands or thousands in present) and decimal != thousands
            if decimal == "," and thousands != ".":
                useful &= bool(asked) or "," in present
            if wanted and useful:
                forms.append(replace(base, decimal=decimal, thousands=thousands))
    some = _some(texts)
    read = [len(some) - form.read(some).null_count for form in forms]
    return [form for form, n in zip(forms, read, strict=True) if n >= 0.9 * max(read)]


def _has(texts: Any, pattern: str) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())


def _grouped(texts: Any, base: NumberFormat) -> bool:
    """Whether whole numbers without a sign stand beside those with one, and are all below 1000."""
    import pyarrow.compute as pc

    numbers = base.read(texts).drop_null()
    numbers = numbers.filter(pc.is_finite(numbers))
    return len(numbers) > 0 and pc.max(pc.abs(numbers)).as_py() < 1000


def _unit(texts: Any) -> str:
    """The unit or currency that at least half of the texts with a number have, or ""."""
    found: Counter[str] = Counter()
    for text in _some(texts).to_pylist():
        match = _PEEL.fullmatch(text)
        if match is None:
            continue
        before, after = match["before"] or "", match["after"] or ""
        if after and not match["blank"] and after not in GLUED:
            after = "?"  # part of a code such as 12A
        unit = "?" if before and after else before or after
        found[unit.removesuffix("s") if len(unit) > 3 and unit.isalpha() else unit] += 1
    if not found:
        return ""
    unit, n = found.most_common(1)[0]
    return unit if unit not in ("", "?") and 2 * n >= sum(found.values()) else ""


def _some(texts: Any) -> Any:
    """At most `SAMPLE` of the texts, or twice as many, at equal distances."""
    import pyarrow as pa

    return texts.take(pa.array(range(0, len(texts), max(1, len(texts) // SAMPLE))))
