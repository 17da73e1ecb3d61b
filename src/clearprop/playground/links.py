"""Links: a station and its settings as the part of an address after the #.

`station=softmax&z=1,2,0.5`: default settings are left out, and the other settings are read back
exactly. The same link gives the same numbers.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from clearprop.playground import settings
from clearprop.playground.stations import STATIONS, Station, find_station

MAX_CHARACTERS = 65_536


def encode(station: Station, record: Any) -> str:
    """The link of a station with these settings, without the #."""
    pairs = [("station", station.key), *settings.to_pairs(record)]
    return urlencode(pairs, safe=",;:~")


def decode(link: str) -> tuple[Station, Any]:
    """Station and settings of a link; ValueError with a readable message for anything else."""
    if len(link) > MAX_CHARACTERS:
        raise ValueError(
            f"the link is too long: {len(link)} characters, at most {MAX_CHARACTERS} are allowed"
        )
    try:
        pairs = parse_qsl(
            link.removeprefix("#"),
            keep_blank_values=True,
            strict_parsing=bool(link.removeprefix("#")),
            max_num_fields=100,
            errors="strict",
        )
    except ValueError as error:
        raise ValueError(f"the link cannot be read: {error}") from None
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("the link cannot be read: a setting appears twice")
    station = find_station(values.pop("station", next(iter(STATIONS))))
    return station, settings.from_pairs(station.settings, values)
