"""Columns of free text are used where they make out-of-fold scores better.

Small bags of the same folds, seeds and rows are trained with and without the texts, for half of the
epochs, on 20,000 rows at most. Texts are kept if the out-of-fold score is better with them beyond
chance: by a t test over 20 blocks of rows. If all together are not better, each is tried alone. A
text that was asked for by its kind is not tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clearprop._typing import Array
from clearprop.tables.inference import ColumnFinding
from clearprop.tabular.bag.recipe import Recipe, plan_epochs
from clearprop.tabular.bag.screening import BLOCKS, is_positive
from clearprop.tabular.inputs import TableInputs

TRIAL_ROWS = 20_000
TRIAL_MEMBERS = 4  # each row is held out by one of them
SHORTER = 2  # epochs of the training for one of the trial
BY_CHANCE = 0.05  # probability of so much better scores without any use of the text
ALONE = 3  # texts at most that are tried alone

Train = Callable[[TableInputs, Array, Array, Recipe], Array]


@dataclass(frozen=True)
class TextTrial:
    """What decides about the texts of some inputs.

    train: from inputs, their matrix, the numbers of its rows and a recipe to the scores of the
    blocks of rows; less is better.
    """

    inputs: TableInputs
    matrix: Array
    recipe: Recipe
    train: Train
    rows: Array

    def choose(self, tried: Sequence[int]) -> list[int]:
        """Of the columns of text of these numbers, those that are to be left out."""
        without = self._scores(tried)
        if is_positive(without - self._scores([]), BY_CHANCE):
            return []
        kept: list[int] = []
        if 1 < len(tried) <= ALONE:
            for text in tried:
                others = [other for other in tried if other != text]
                if is_positive(without - self._scores(others), BY_CHANCE):
                    kept.append(text)
        return [text for text in tried if text not in kept]

    def _scores(self, left_out: Sequence[int]) -> Array:
        inputs, X = leave_out(self.inputs, self.matrix[self.rows], left_out)
        n_epochs = plan_epochs(len(X) * 3 // 4, self.recipe).epochs
        recipe = replace(self.recipe, epochs=max(2, n_epochs // SHORTER))
        return self.train(inputs, X, self.rows, recipe)


def candidates(inputs: TableInputs, findings: Mapping[str, ColumnFinding]) -> list[int]:
    """The numbers of the columns of text that nobody asked for."""
    return [
        i
        for i, column in enumerate(inputs.columns)
        if column.kind == "text" and not findings[column.name].asked
    ]


def leave_out(inputs: TableInputs, X: Array, numbers: Sequence[int]) -> tuple[TableInputs, Array]:
    """Inputs and matrix without the columns of these numbers."""
    if not numbers:
        return inputs, X
    fewer = inputs.without(numbers)
    if not fewer.columns:  # one column at least
        return fewer, np.zeros((len(X), 1), X.dtype)
    return fewer, np.delete(X, np.concatenate([inputs.places[i] for i in numbers]), axis=1)


def block_scores(oof: Array, score: Callable[[Array, Array], float], seed: int) -> Array:
    """The scores of blocks of the rows that have out-of-fold predictions, in a drawn order."""
    seen = np.flatnonzero(~np.isnan(oof[:, 0]))
    order = np.random.default_rng(seed).permutation(seen)
    blocks = np.array_split(order, BLOCKS)
    return np.array([score(oof[block], block) for block in blocks])
