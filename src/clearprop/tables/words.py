"""The words of a text, and whether a column holds free text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Any

MOST_CHARACTERS, MOST_WORDS, LONGEST = 4000, 400, 40  # of a text; the rest is not read
SOME = 2000  # different values that show whether a column is free text
# a column is free text with this many words in a text on average, this many words that three of
# these texts or more have in common, and this share of such words among all
LEAST_WORDS, LEAST_RECURRING, LEAST_SHARE = 2.0, 20, 0.2
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """The words of a text in order: runs of letters, digits and underscores, in folded case."""
    folded = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).casefold()
    return [word[:LONGEST] for word in _WORD.findall(folded)[:MOST_WORDS]]


def is_free_text(levels: Any) -> bool:
    """Whether different values (Arrow text) have words in common, and are no identifiers."""
    step = max(1, len(levels) // SOME)
    texts = [words_of(text) for text in levels[::step].to_pylist()]
    counts = Counter(word for words in texts for word in set(words))
    recurring = {word for word, n in counts.items() if n >= 3 and not word.isdecimal()}
    n_words = sum(map(len, texts))
    shared = sum(word in recurring for words in texts for word in words)
    enough = n_words >= LEAST_WORDS * len(texts) and len(recurring) >= LEAST_RECURRING
    return enough and shared >= LEAST_SHARE * n_words
