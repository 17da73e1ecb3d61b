"""Free text as codes of n-grams: words, pairs of words, and parts of words.

A text is normalised (Unicode NFKC, case folded) and split into words, runs of letters, digits and
underscores. Its n-grams are the words ("york"), the pairs of neighbours ("new york") and the runs
of 3 to 5 characters within a word, with a hyphen where the word goes on ("-ork", "yor-", "-or-").
Training chooses the n-grams that count, by how many rows hold them and without the target. Each
has a code, and a text becomes the codes of its n-grams, at most as many as there are columns for
them in the matrix. The codes go into :class:`clearprop.embeddings.EmbeddingBag`.

The n-grams are kept by name and not hashed into buckets: no two share a vector, an explanation can
name them, and an n-gram that did not occur in training adds nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.words import words_of

# n-grams that count, of a column: at most, and for each row; more of them are memorised
MOST_NGRAMS, PER_ROW = 4096, 1 / 3
MOST_CODES = 48  # of a text
LEAST_ROWS = 4  # an n-gram of fewer rows does not count
MOST_SHARE = 0.5  # of the rows; an n-gram of more says little
TEXT_SAMPLE = 50_000  # rows at most that the n-grams are chosen from
SHORTEST_PART, LONGEST_PART = 3, 5  # characters of a part of a word
# A part of a word counts if it has this many times the rows of each longer n-gram around it:
# otherwise it says the same.
NEW = 1.25


def parts_of(word: str) -> Iterator[str]:
    """The runs of 3 to 5 characters of a word, with a hyphen where the word goes on."""
    n = len(word)
    for size in range(SHORTEST_PART, min(LONGEST_PART, n - 1) + 1):
        yield f"{word[:size]}-"
        for i in range(1, n - size):
            yield f"-{word[i : i + size]}-"
        yield f"-{word[n - size :]}"


@dataclass(frozen=True)
class NGrams:
    """The n-grams of a text column that count: names[i] has the code i + 1.

    n_codes: the most codes of a text; if it has more n-grams, those with the smallest codes are
    kept. Words come before pairs, and pairs before parts of words; in each group n-grams of few
    rows come first.
    """

    names: tuple[str, ...]
    n_codes: int

    @classmethod
    def fit(cls, texts: Any) -> NGrams | None:
        """From the texts (Arrow text) of some rows; None where none recurs."""
        counts = texts.drop_null().value_counts()
        rows = counts.field("counts").to_pylist()
        words = [words_of(text) for text in counts.field("values").to_pylist()]
        names = _chosen(words, rows)
        if not names:
            return None
        found = cls(tuple(names), MOST_CODES)
        known: dict[str, list[int]] = {}
        most = max((len(found.find(own, known)) for own in words), default=0)
        return cls(found.names, min(most, MOST_CODES)) if most else None

    @cached_property
    def code(self) -> dict[str, int]:
        """The code of each n-gram."""
        return {name: i + 1 for i, name in enumerate(self.names)}

    def find(self, words: list[str], known: dict[str, list[int]] | None = None) -> list[int]:
        """The codes of a text, in rising order. known: the codes of words that were looked up."""
        found: set[int] = set()
        known = {} if known is None else known
        code = self.code
        for word in words:
            codes = known.get(word)
            if codes is None:
                names = (word, *parts_of(word))
                codes = known[word] = [code[name] for name in names if name in code]
            found.update(codes)
        for first, second in pairwise(words):
            pair = code.get(f"{first} {second}")
            if pair is not None:
                found.add(pair)
        return sorted(found)[: self.n_codes]

    def codes(self, texts: Any) -> Array:
        """The codes of each text (Arrow text), (N, n_codes) float32; 0 where there are fewer."""
        encoded = texts.dictionary_encode()
        levels = encoded.dictionary.to_pylist()
        known: dict[str, list[int]] = {}
        codes = np.zeros((len(levels) + 1, self.n_codes), np.float32)  # the last: of a gap
        for i, text in enumerate(levels):
            own = self.find(words_of(text), known)
            codes[i, : len(own)] = own
        indices = encoded.indices.fill_null(len(levels)).to_numpy(zero_copy_only=False)
        found: Array = codes[indices]
        return found

    def names_of(self, codes: Iterable[float]) -> list[str]:
        """The n-grams with these codes."""
        return [self.names[int(code) - 1] for code in codes if code > 0]


def _chosen(texts: list[list[str]], rows: list[int]) -> list[str]:
    """The n-grams that count, in the order of their codes, from texts with their numbers of rows.

    Up to half of the places are for words, up to half of the rest for pairs, the others for parts.
    Where there are more, the n-grams of the most rows are kept.
    """
    words: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for own, n in zip(texts, rows, strict=True):
        for word in set(own):
            words[word] += n
        for pair in set(pairwise(own)):
            pairs[pair] += n
    n_rows = sum(rows)
    most, places = MOST_SHARE * n_rows, int(min(MOST_NGRAMS, PER_ROW * n_rows))

    def counted(counts: Counter[Any], n_names: int) -> list[Any]:
        """Those of enough rows, at most so many, those of the most rows first."""
        names = [name for name, n in counts.items() if LEAST_ROWS <= n <= most]
        return sorted(names, key=lambda name: (-counts[name], name))[:n_names]

    chosen = counted(words, places // 2)
    both = [
        pair
        for pair in counted(pairs, len(pairs))
        if NEW * pairs[pair] <= min(words[pair[0]], words[pair[1]])
    ][: (places - len(chosen)) // 2]
    parts = _parts(words)
    some = counted(parts, places - len(chosen) - len(both))
    joined = [" ".join(pair) for pair in both]
    return chosen[::-1] + joined[::-1] + some[::-1]


def _parts(words: Counter[str]) -> Counter[str]:
    """The rows of each part of words that says more than any word with it."""
    counts: Counter[str] = Counter()
    largest: dict[str, int] = {}
    for word, n in words.items():
        for part in set(parts_of(word)):
            counts[part] += n  # rows of two such words count twice
            largest[part] = max(largest.get(part, 0), n)
    return Counter({p: n for p, n in counts.items() if n >= NEW * largest[p]})
