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

Train = Callable[[TableInputs, Array, Recipe], Array]
Score = Callable[[Array, Array], float]


@dataclass(frozen=True)
class TextTrial:
    """What decides about the texts of some inputs.

    matrix (N, D): of the rows of the trial.
    train: from inputs, their matrix and a recipe to out-of-fold predictions (N, K), NaN where there
    are none. score: of predictions for rows, by their numbers in the trial; less is better.
    """

    inputs: TableInputs
    matrix: Array
    recipe: Recipe
    train: Train
    score: Score
    seed: int

    def choose(self, tried: Sequence[int]) -> list[int]:
        """Of the columns of text of these numbers, those that are to be left out."""
        without = self._predict(tried)
        if self._is_better(self._predict([]), without):
            return []
        kept: list[int] = []
        if 1 < len(tried) <= ALONE:
            for text in tried:
                others = [other for other in tried if other != text]
                if self._is_better(self._predict(others), without):
                    kept.append(text)
        return [text for text in tried if text not in kept]

    def _predict(self, left_out: Sequence[int]) -> Array:
        inputs, X = leave_out(self.inputs, self.matrix, left_out)
        n_epochs = plan_epochs(len(X) * 3 // 4, self.recipe).epochs
        return self.train(inputs, X, replace(self.recipe, epochs=max(2, n_epochs // SHORTER)))

    def _is_better(self, oof: Array, without: Array) -> bool:
        """Whether predictions are better than those without texts, in blocks of the same rows."""
        rows = np.flatnonzero(~np.isnan(oof[:, 0] + without[:, 0]))
        if len(rows) < BLOCKS:
            return False
        rows = np.random.default_rng(self.seed).permutation(rows)
        gains = [
            self.score(without[block], block) - self.score(oof[block], block)
            for block in np.array_split(rows, BLOCKS)
        ]
        return is_positive(np.array(gains), BY_CHANCE)


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
