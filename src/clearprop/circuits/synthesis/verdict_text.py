"""A neuron, or the proof that there is none, in words."""

from __future__ import annotations

from collections.abc import Sequence

from clearprop.circuits.gates import Neuron

Rows = tuple[tuple[int, int], ...]  # (number of the row, multiplicity)


def neuron_text(neuron: Neuron, margin: float, minimal: bool, names: Sequence[str]) -> str:
    """The inequality, and the weights and bias of the soft form."""
    small = "; no smaller integers are possible" if minimal and names else ""
    return (
        f"One neuron computes it: 1 where {inequality(neuron, names)}, else 0.\n"
        f"As h = σ(g (w·x + b)): w = ({', '.join(map(str, neuron.weights))}), "
        f"b = {neuron.bias:g}, with margin {margin:g}{small}."
    )


def contradiction_text(
    true_rows: Rows, false_rows: Rows, total: Sequence[int], names: Sequence[str]
) -> str:
    """The rows on both sides, and what follows from their sums. total: the sum of each side."""
    count = sum(times for _, times in true_rows)
    return "\n".join(
        [
            f"These rows ({', '.join(names)}) must give 1:",
            *(f"  {times} × {_digits(row, len(names))}" for row, times in true_rows),
            "and these must give 0:",
            *(f"  {times} × {_digits(row, len(names))}" for row, times in false_rows),
            f"Both lists hold {count} rows and add up to ({', '.join(map(str, total))}).",
            "So w·x + b adds up to the same number over both lists, whatever w and b are; but it",
            "would have to be above 0 for the first list and not above 0 for the second.",
        ]
    )


def default_names(n: int, inputs: Sequence[str] | None) -> Sequence[str]:
    """The names of n inputs, by default x1, x2, …; ValueError unless there are n."""
    if inputs is None:
        return [f"x{i + 1}" for i in range(n)]
    if len(inputs) != n:
        raise ValueError(f"inputs must be {n} names; got {len(inputs)}")
    return inputs


def _digits(row: int, n: int) -> str:
    return f"({', '.join(format(row, f'0{n}b'))})"


def inequality(neuron: Neuron, names: Sequence[str]) -> str:
    """The inequality w·x ≥ T of a neuron, such as "x1 + 2·x2 − x3 ≥ 1"."""
    text = ""
    for w, name in zip(neuron.weights, names, strict=True):
        if w:
            sign = (" − " if text else "−") if w < 0 else (" + " if text else "")
            text += f"{sign}{'' if abs(w) == 1 else f'{abs(w)}·'}{name}"
    threshold = str(neuron.threshold).replace("-", "−")
    return f"{text or '0'} ≥ {threshold}"
